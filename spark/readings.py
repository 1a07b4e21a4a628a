"""What the clean lake knows of a source's readings and deletions, as its floors need it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import duckdb
import pyarrow as pa

from spark.floors import Reading
from trendhouse.declared.sources import SourceSpec
from trendhouse.lake.lake import Lake
from trendhouse.lake.manifest import read_manifest

READINGS = "readings"
TOMBSTONES = "tombstones"
# Deduplicated before the tables that are held to them.
FIRST = (READINGS, TOMBSTONES)


def version_of(lake: Lake, spec: SourceSpec) -> int:
    """The version of the clean readings; -1 where there are none."""
    manifest = read_manifest(lake, spec.name, READINGS) if READINGS in spec.tables else None
    return manifest.version if manifest else -1


def partitions_read(lake: Lake, spec: SourceSpec, stream: str, since: int) -> set[str]:
    """The partitions of a stream with a reading that is newer than the version `since`."""
    rows = ask(
        lake,
        spec,
        READINGS,
        "select distinct partition_name_read from rows where stream_name = $stream and clean_version > $since",
        stream=stream,
        since=since,
    )
    return {name for (name,) in rows}


def readings_of(
    lake: Lake,
    spec: SourceSpec,
    stream: str,
    since: int,
    wanted: Iterable[tuple[str, datetime | None]],
) -> list[Reading]:
    """Of the wanted partitions the readings newer than the version `since`, those of the wanted moments
    (naive UTC), and the newest of all."""
    pairs = list(wanted)
    names = pa.table(
        {
            "name": pa.array([name for name, _ in pairs], pa.string()),
            "moment": pa.array([at for _, at in pairs], pa.timestamp("us")),
        }
    )
    rows = ask(
        lake,
        spec,
        READINGS,
        """
        select partition_name_read, observed_at, expected_count, method, load_id, clean_version > $since
        from rows
        where stream_name = $stream and partition_name_read in (select name from names)
        qualify clean_version > $since
            or (partition_name_read, observed_at) in (select (name, moment) from names where moment is not null)
            or row_number() over (partition by partition_name_read order by observed_at desc) = 1
        order by partition_name_read, observed_at
        """,
        names=names,
        stream=stream,
        since=since,
    )
    return [Reading(*row) for row in rows]


def deletions_of(lake: Lake, spec: SourceSpec, stream: str) -> dict[str, list[datetime]]:
    """Per partition the moments at which keys of a stream were found to be deleted, and still are."""
    found: dict[str, list[datetime]] = {}
    rows = ask(
        lake,
        spec,
        TOMBSTONES,
        "select cast(repository_id as varchar), observed_at from rows where is_deleted and object_type = $stream",
        stream=stream,
    )
    for name, at in rows:
        found.setdefault(name, []).append(at)
    return found


def ask(
    lake: Lake,
    spec: SourceSpec,
    table: str,
    query: str,
    names: pa.Table | None = None,
    **values: object,
) -> list[tuple]:
    """Ask a clean table of the source as `rows`; nothing where it holds nothing."""
    files = [str(path) for path in lake.here(lake.clean_files(spec.name, table))]
    if table not in spec.tables or not files:
        return []
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.from_parquet(files, union_by_name=True).create_view("rows")
        if names is not None:
            connection.register("names", names)
        return connection.execute(query, values).fetchall()
