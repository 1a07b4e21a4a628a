"""What the published marts do not have: partitions without a reading, days and hours, dates of tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import duckdb

from trendhouse.declared.sources import SourceSpec, landed_specs

# Of the stretches that are missing so many are named, the newest.
NAMED = 5
STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
FORMS = {"hour": "%Y-%m-%d-%H", "day": "%Y-%m-%d"}

Stretch = tuple[datetime, datetime, int]


def gaps(connection: duckdb.DuckDBPyConnection, marts: Iterable[str]) -> list[str]:
    """A line for each thing that is missing, by source and stream; empty if nothing is."""
    found = [*without_reading(connection), *missing_periods(connection)]
    return found + ([*undated_tags(connection)] if "tags" in marts else [])


def without_reading(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Streams of which a floor or another partition's reading says that each should have one."""
    floors = {
        (spec.name, name)
        for spec in landed_specs()
        for name, table in spec.tables.items()
        if table.floor is not None
    }
    rows = connection.execute("""
        select
            source_name, stream_name, count(*) as partition_count,
            count(*) filter (where not has_reading) as unread_count,
            min(partition_name) filter (where not has_reading) as example
        from (
            select source_name, stream_name, partition_name,
                bool_or(expected_count is not null) as has_reading
            from completeness
            where stream_name <> 'readings'
            group by source_name, stream_name, partition_name
        )
        group by source_name, stream_name
        order by source_name, stream_name
    """).fetchall()
    for source, stream, count, unread, example in rows:
        if unread and (unread < count or (source, stream) in floors):
            yield (
                f"{source}.{stream}: {unread:,} of {count:,} partitions have no reading of how much "
                f"there is, as {example}"
            )


def missing_periods(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Hours and days between the first and the last that are held, of sources that keep them apart."""
    for spec in landed_specs():
        if spec.history is None:
            continue
        stretches = missing(held_periods(connection, spec), STEPS[spec.history])
        if not stretches:
            continue
        count = sum(number for _, _, number in stretches)
        named = [stretch_name(each, spec.history) for each in stretches[::-1][:NAMED]]
        left = len(stretches) - len(named)
        more = f" and {left:,} earlier stretches" if left else ""
        yield (
            f"{spec.name}: {count:,} between the first {spec.history} and the last: "
            f"{', '.join(named)}{more}"
        )


def held_periods(connection: duckdb.DuckDBPyConnection, spec: SourceSpec) -> list[datetime]:
    """The periods of which a record is held, by their partitions' names, in their order."""
    rows = connection.execute(
        "select distinct partition_name from completeness "
        "where source_name = ? and stream_name <> 'readings' and kept_count > 0",
        [spec.name],
    ).fetchall()
    assert spec.history is not None
    found = (period(name, FORMS[spec.history]) for (name,) in rows)
    return sorted(each for each in found if each is not None)


def period(name: str, form: str) -> datetime | None:
    """The period that a partition is named by; None for a file that names none."""
    try:
        return datetime.strptime(name, form)
    except ValueError:
        return None


def missing(held: list[datetime], step: timedelta) -> list[Stretch]:
    """(first, last, count) of the stretches between the periods that are held."""
    return [
        (before + step, after - step, (after - before) // step - 1)
        for before, after in pairwise(held)
        if after - before > step
    ]


def stretch_name(stretch: Stretch, history: str) -> str:
    first, last, _ = stretch
    hour = "-{0.hour}" if history == "hour" else ""
    ends = [("{0:%Y-%m-%d}" + hour).format(each) for each in sorted({first, last})]
    return " to ".join(ends)


def undated_tags(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    row = connection.execute(
        "select count(*) filter (where committed_at is null), count(*) from tags where not is_deleted"
    ).fetchone()
    assert row is not None
    undated, count = row
    if undated:
        yield (
            f"github.tags: {undated:,} of {count:,} tags have no date: "
            "GitHub gives none with a tag, and the commit could not be had"
        )
