"""Which fields of a source have drifted for the first time, as the ledger of the clean lake tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trendhouse.lake.lake import Lake


@dataclass(frozen=True)
class Drift:
    """A field that the schema does not know, or whose type changed; rows that showed it."""

    table: str
    path: str
    kind: str
    rows: int
    example: str | None

    def __str__(self) -> str:
        example = f", as in {self.example[:60]}" if self.example else ""
        return f"{self.table}: {self.path} ({self.kind}), {self.rows:,} rows{example}"


def new_drift(lake: Lake, reconciled: Iterable[Any]) -> list[Drift]:
    """What the versions just reconciled show and no version before them did."""
    import pyarrow.parquet as pq

    from trendhouse.lake.manifest import read_manifest

    versions = {(each.source_name, each.table_name): each.clean_version for each in reconciled}
    found = []
    for (source, table), version in sorted(versions.items()):
        manifest = read_manifest(lake, source, table)
        folder = lake.clean_table(source, table)
        names = manifest.ledger["drift"] if manifest else []
        files = lake.here(folder / name for name in names)
        rows = [row for file in files for row in pq.read_table(file).to_pylist()]
        before = {(row["path"], row["kind"]) for row in rows if row["clean_version"] < version}
        found += [
            Drift(table, row["path"], row["kind"], row["occurrence_count"], row["example"])
            for row in rows
            if row["clean_version"] == version and (row["path"], row["kind"]) not in before
        ]
    return found
