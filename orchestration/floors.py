"""What the completeness mart says about floors: the newest day of every partition against its floor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from ingestion.spec import landed_specs
from orchestration.marts import SCHEMA

SHOWN = 10
NEWEST = """
    select * from {relation}
    qualify row_number() over (
        partition by source_name, stream_name, partition_name order by observed_date desc
    ) = 1
"""


class Asked(Protocol):
    """What answers: a connection of DuckDB or a cursor of Snowflake."""

    description: Any

    def execute(self, query: str) -> Asked: ...

    def fetchall(self) -> list[tuple]: ...


@dataclass(frozen=True)
class Shortfall:
    """One partition below its floor on its newest day; counts are records."""

    source: str
    stream: str
    partition: str
    day: date
    expected: int
    landed: int
    held: int | None
    rate: float
    floor: float
    action: str

    def __str__(self) -> str:
        held = "" if self.held is None else f", {self.held:,} held"
        return (
            f"{self.source}.{self.stream}, partition {self.partition}, {self.day}: {self.expected:,} expected, "
            f"{self.landed:,} landed{held}: capture rate {self.rate:.4f}, floor {self.floor:g}"
        )


def shortfalls(
    connection: Asked, domain: str, relation: str = f"{SCHEMA}.completeness"
) -> list[Shortfall]:
    """The partitions of the domain's sources that are below their floor, the worst first."""
    rows = connection.execute(
        f"""
        select source_name, stream_name, partition_name, observed_date, expected_count, landed_count,
            held_count, capture_rate, floor_capture_rate, floor_action
        from ({NEWEST.format(relation=relation)})
        where is_below_floor
        order by capture_rate, source_name, stream_name, partition_name
        """
    ).fetchall()
    foreign = {spec.name for spec in landed_specs() if spec.domain != domain}
    return [each for each in (Shortfall(*row) for row in rows) if each.source not in foreign]


def refusal(blocking: list[Shortfall]) -> str:
    """Why nothing is published, partition by partition, and what to do."""
    lines = [f"Publication refused: {len(blocking)} partition(s) below the floor of their stream."]
    lines += [f"  {each}" for each in blocking[:SHOWN]]
    if len(blocking) > SHOWN:
        lines.append(f"  and {len(blocking) - SHOWN} more")
    sources = ", ".join(
        f"`trendhouse land {name}`" for name in sorted({each.source for each in blocking})
    )
    lines.append(
        f"The published state stays as it was. Land again ({sources}, or `trendhouse run`); if upstream "
        "really holds fewer, `trendhouse status` shows the figures and the floor stands in "
        "ingestion/sources/."
    )
    return "\n".join(lines)


def capture_rates(
    connection: Asked, relation: str = f"{SCHEMA}.completeness"
) -> list[dict[str, Any]]:
    """One entry per source and stream over the newest day of each partition: partition_count,
    expected_count, landed_count, held_count, and the worst partition with its rate (null: no reading).
    """
    cursor = connection.execute(f"""
        select
            source_name, stream_name, count(*) as partition_count,
            cast(sum(expected_count) as bigint) as expected_count,
            cast(sum(landed_count) as bigint) as landed_count,
            cast(sum(held_count) as bigint) as held_count,
            min(capture_rate) as worst_capture_rate,
            min_by(partition_name, capture_rate) as worst_partition_name,
            cast(max(observed_date) as varchar) as newest_date
        from ({NEWEST.format(relation=relation)})
        group by 1, 2 order by 1, 2
    """)
    names = [column[0].lower() for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
