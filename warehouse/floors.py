"""What the completeness mart says about floors: the newest reading of every partition against its floor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from trendhouse.declared.marts import SCHEMA
from trendhouse.declared.sources import landed_specs

# A day without a reading says nothing of a partition, so that it lifts no shortfall.
NEWEST = """
    select
        *,
        max(case when expected_count is not null and not is_below_floor then observed_date end) over (
            partition by source_name, stream_name, partition_name
        ) as last_met_date,
        max(observed_date) over (partition by source_name, stream_name, partition_name) as newest_date
    from {relation}
    qualify row_number() over (
        partition by source_name, stream_name, partition_name
        order by case when expected_count is null then 1 else 0 end, observed_date desc
    ) = 1
"""


class Asked(Protocol):
    """What answers: a connection of DuckDB or a cursor of Snowflake."""

    description: Any

    def execute(self, query: str) -> Asked: ...

    def fetchall(self) -> list[tuple]: ...


@dataclass(frozen=True)
class Shortfall:
    """One partition below its floor by its newest reading; counts are records. `last_met`: the day of
    which its rows are shown, where the floor holds them back; None if it was never met."""

    source: str
    stream: str
    partition: str
    day: date
    expected: int
    captured: int
    rate: float
    floor: float
    action: str
    last_met: date | None

    @property
    def is_refused(self) -> bool:
        """Whether readers see the partition as it was."""
        return self.action == "block"

    def __str__(self) -> str:
        if not self.is_refused:
            shown = "published as it is"
        elif self.last_met:
            shown = f"readers see it as of {self.last_met}, when the floor was last met"
        else:
            shown = "readers see nothing of it, since the floor was never met"
        return (
            f"{self.source}.{self.stream}, partition {self.partition}, {self.day}: {self.expected:,} expected, "
            f"{self.captured:,} captured: capture rate {self.rate:.4f}, floor {self.floor:g}; {shown}"
        )


def shortfalls(
    connection: Asked, domain: str, relation: str = f"{SCHEMA}.completeness"
) -> list[Shortfall]:
    """The partitions of the domain's sources that are below their floor, the worst first."""
    rows = connection.execute(
        f"""
        select source_name, stream_name, partition_name, observed_date, expected_count, captured_count,
            capture_rate, floor_capture_rate, floor_action, last_met_date
        from ({NEWEST.format(relation=relation)})
        where is_below_floor
        order by capture_rate, source_name, stream_name, partition_name
        """
    ).fetchall()
    foreign = {spec.name for spec in landed_specs() if spec.domain != domain}
    return [each for each in (Shortfall(*row) for row in rows) if each.source not in foreign]


def unread(connection: Asked, domain: str, relation: str = f"{SCHEMA}.completeness") -> list[str]:
    """The streams of the domain that have a floor and partitions of which upstream never said how much
    they hold, each with their number."""
    rows = connection.execute(
        f"""
        select source_name, stream_name, count(*), min(partition_name)
        from ({NEWEST.format(relation=relation)})
        where expected_count is null and floor_capture_rate is not null
        group by source_name, stream_name order by source_name, stream_name
        """
    ).fetchall()
    foreign = {spec.name for spec in landed_specs() if spec.domain != domain}
    return [
        f"{source}.{stream}: its floor was not checked in {count:,} partitions, as {example}: "
        "upstream did not say how much they hold"
        for source, stream, count, example in rows
        if source not in foreign
    ]


def capture_rates(
    connection: Asked, relation: str = f"{SCHEMA}.completeness"
) -> list[dict[str, Any]]:
    """One entry per source and stream over the newest reading of each partition: partition_count,
    unread_partition_count (those without a reading), refused_partition_count (those of which an earlier
    state is shown), expected_count, captured_count, landed_count, held_count, and the worst partition
    with its rate (null: no reading).
    """
    cursor = connection.execute(f"""
        select
            source_name, stream_name, count(*) as partition_count,
            cast(sum(case when expected_count is null then 1 else 0 end) as bigint) as unread_partition_count,
            cast(sum(case when is_below_floor and floor_action = 'block' then 1 else 0 end) as bigint)
                as refused_partition_count,
            cast(sum(expected_count) as bigint) as expected_count,
            cast(sum(captured_count) as bigint) as captured_count,
            cast(sum(landed_count) as bigint) as landed_count,
            cast(sum(held_count) as bigint) as held_count,
            min(capture_rate) as worst_capture_rate,
            min_by(partition_name, capture_rate) as worst_partition_name,
            cast(max(newest_date) as varchar) as newest_date
        from ({NEWEST.format(relation=relation)})
        group by 1, 2 order by 1, 2
    """)
    names = [column[0].lower() for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
