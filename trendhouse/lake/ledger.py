"""Rows in against rows out: independent counts of what landed, the reconciliation, the ledger's files."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trendhouse.declared.sources import load_spec
from trendhouse.lake.lake import Lake
from trendhouse.lake.manifest import Manifest

MOST_FILES = 20
MERGED_BYTES = 64 * 2**20
ARROW_TYPES = {
    "string": pa.string(),
    "json": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}


class ReconciliationError(Exception):
    """Rows in are not rows kept, superseded and quarantined; nothing of the table was committed."""


@dataclass(frozen=True)
class Reconciliation:
    """What became of the raw rows of one table, ledger partition and UTC day in one run."""

    source_name: str
    table_name: str
    partition_name: str
    observed_date: date
    landed_count: int
    kept_count: int
    inserted_count: int
    superseded_count: int
    quarantined_count: int
    waiting_count: int
    clean_version: int


def arrow_schema(columns: dict[str, str]) -> pa.Schema:
    return pa.schema([(name, ARROW_TYPES[kind]) for name, kind in columns.items()])


def ledger_schema(kind: str) -> pa.Schema:
    columns = load_spec("ledger").tables[kind].columns
    return arrow_schema({name: column.type for name, column in columns.items()})


def count_landed(files: list[Path]) -> Counter[tuple[str, date]]:
    """Raw rows by (partition name, UTC day of observed_at), counted without Spark or any parsing."""
    counts: Counter[tuple[str, date]] = Counter()
    for file in files:
        reader = pq.ParquetFile(file)
        for batch in reader.iter_batches(1_000_000, columns=["partition_name", "observed_at"]):
            days = pc.cast(pc.floor_temporal(batch["observed_at"], unit="day"), pa.date32())
            table = pa.table({"p": pc.cast(batch["partition_name"], pa.string()), "d": days})
            grouped = table.group_by(["p", "d"]).aggregate([([], "count_all")])
            for row in grouped.to_pylist():
                counts[(row["p"] or "", row["d"])] += row["count_all"]
    return counts


def reconcile(
    source: str,
    table: str,
    landed: Counter[tuple[str, date]],
    outcomes: dict[tuple[str, date], Counter[str]],
    waiting: Counter[tuple[str, date]],
    version: int,
) -> list[Reconciliation]:
    """One row per partition and day. Raises ReconciliationError naming the first that do not add up.

    `waiting` counts the rows that began to wait for their partition, less those that ended to.
    """
    rows = [
        Reconciliation(
            source,
            table,
            *group,
            landed[group],
            *(
                outcomes.get(group, {}).get(name, 0)
                for name in ("kept", "inserted", "superseded", "quarantined")
            ),
            waiting[group],
            version,
        )
        for group in sorted({*landed, *outcomes, *waiting}, key=str)
    ]
    wrong = [
        row
        for row in rows
        if row.landed_count
        != row.kept_count + row.superseded_count + row.quarantined_count + row.waiting_count
    ]
    if wrong:
        said = "; ".join(
            f"{row.partition_name or '(no partition)'} on {row.observed_date}: landed {row.landed_count} != "
            f"kept {row.kept_count} + superseded {row.superseded_count} + quarantined {row.quarantined_count} "
            f"+ waiting {row.waiting_count}"
            for row in wrong[:5]
        )
        raise ReconciliationError(f"{source}.{table}: {said}. Nothing of this table was committed.")
    return rows


def write_rows(folder: Path, kind: str, rows: list[dict], version: int) -> str:
    """A ledger file of `rows`; returns its name relative to the table's folder."""
    return write_table(folder, f"{kind}-{version}", pa.Table.from_pylist(rows, ledger_schema(kind)))


def write_table(folder: Path, stem: str, table: pa.Table) -> str:
    path = folder / "_ledger" / f"{stem}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")
    return str(path.relative_to(folder))


def write_reconciliations(folder: Path, rows: list[Reconciliation], version: int) -> str:
    return write_rows(folder, "reconciliations", [asdict(row) for row in rows], version)


def merge_small(lake: Lake, folder: Path, manifest: Manifest) -> None:
    """Gather a kind's small files into one once there are many, as part of the coming commit."""
    for kind, names in manifest.ledger.items():
        small = [n for n in names if lake.size(folder / n) < MERGED_BYTES]
        if len(small) <= MOST_FILES:
            continue
        files = lake.here(folder / n for n in small)
        tables = [pq.read_table(file).cast(ledger_schema(kind)) for file in files]
        merged = write_table(folder, f"{kind}-{manifest.version}-merged", pa.concat_tables(tables))
        manifest.ledger[kind] = [*(n for n in names if n not in small), merged]
