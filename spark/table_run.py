"""One clean table in one run: from its new raw files to the commit of its manifest."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ingestion.lake import Lake
from ingestion.spec import SourceSpec
from spark import drift, ledger, winners
from spark.casts import SPARK_TYPES
from spark.ledger import Reconciliation, ReconciliationError
from spark.manifest import (
    STAGING,
    Manifest,
    commit,
    declaration,
    move_staged,
    part_of_file,
    read_manifest,
    schema_of,
    sweep,
    vacuum,
)
from spark.outcomes import count
from spark.parse import ELEMENTS, RAW_SCHEMA, parse
from spark.session import interpreting

if TYPE_CHECKING:
    from ingestion.spec import Table

FILE_BYTES = 128 * 2**20
FEW_ROWS = 20_000
FEW_BYTES = 32 * 2**20
# Written once and read at once: what makes a file small or quick to search costs more than it saves.
STAGED = {
    "compression": "lz4_raw",
    "parquet.enable.dictionary": "false",
    "parquet.column.statistics.enabled": "false",
}


@dataclass
class TableRun:
    """One clean table in one run, from its new raw files to the commit of its manifest."""

    spark: SparkSession
    lake: Lake
    spec: SourceSpec
    name: str
    version: int

    def __post_init__(self) -> None:
        self.source = self.spec.name
        self.table: Table = self.spec.tables[self.name]
        self.raw_folder = self.lake.raw_table(self.source, self.spec.raw_name(self.name))
        self.folder = self.lake.clean_table(self.source, self.name)
        self.staging = self.folder / STAGING / str(self.version)
        self.old = read_manifest(self.lake, self.source, self.name)
        # Another declaration reads every record again; what retention has removed stays as it was.
        self.rereads = self.old is not None and self.old.declared != declaration(self.table)

    def run(self) -> list[Reconciliation]:
        sweep(self.lake, self.source, self.name, self.old)
        vacuum(self.lake, self.source, self.name)
        self.old = read_manifest(self.lake, self.source, self.name)
        consumed = set(self.old.consumed) if self.old and not self.rereads else set()
        files = self.lake.raw_files(self.source, self.spec.raw_name(self.name))
        new = [file for file in files if str(file.relative_to(self.raw_folder)) not in consumed]
        if not new and not (self.rereads and self.live_files()):
            if self.old is None or self.rereads:
                self.write_nothing()
            return []
        return self.merge(new)

    def write_nothing(self) -> None:
        """A manifest with one empty file, so that readers of a table without data find its types."""
        manifest = self.manifest([])
        if not manifest.files:
            manifest.files = [self.empty_file()]
        commit(self.lake, self.source, self.name, manifest, self.old)

    def empty_file(self) -> str:
        path = self.folder / "empty" / f"{self.version}-0.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(ledger.arrow_schema(schema_of(self.table)).empty_table(), path)
        return str(path.relative_to(self.folder))

    def manifest(self, new: list[Path]) -> Manifest:
        """The next manifest, as far as it does not depend on the rows."""
        old = self.old or Manifest()
        fresh = self.old is None or self.rereads
        read = [str(file.relative_to(self.raw_folder)) for file in new]
        return Manifest(
            version=self.version,
            files=[] if fresh else list(old.files),
            schema=schema_of(self.table),
            consumed=sorted({*([] if fresh else old.consumed), *read}),
            ledger={kind: [] if fresh else list(old.ledger[kind]) for kind in Manifest().ledger},
            positions=[] if fresh else list(old.positions),
            declared=declaration(self.table),
            retained=old.retained,
        )

    def merge(self, new: list[Path]) -> list[Reconciliation]:
        landed = ledger.count_landed(self.lake.here(new))
        held = sum(self.lake.size(self.folder / name) for name in self.live_files())
        is_small = landed.total() <= FEW_ROWS and held <= FEW_BYTES
        if is_small:
            self.spark = interpreting(self.spark)
        reader = self.spark.read.schema(RAW_SCHEMA)
        raw = reader.parquet(*map(str, new)) if new else self.spark.createDataFrame([], RAW_SCHEMA)
        parsed = self.hold(winners.with_digest(parse(raw, self.table), self.table), is_small)
        try:
            good = winners.candidates(parsed.where("_reason is null"), self.table, winners.NEW)
            slices = self.touched(
                good, sum(file.stat().st_size for file in new) / max(1, landed.total())
            )
            decided = winners.decide(
                self.compete(good, slices), self.table, slices, 1 if is_small else spread_of(slices)
            )
            outcomes, parts, counts = count(decided, parsed, self.rereads)
            rows = ledger.reconcile(self.source, self.name, landed, outcomes, self.version)
            manifest = self.manifest(new)
            self.write_parts(decided, parts, manifest)
            self.write_ledger(parsed, rows, counts, manifest)
            commit(self.lake, self.source, self.name, manifest, self.old)
            sweep(self.lake, self.source, self.name, manifest)
            return rows
        finally:
            parsed.unpersist()

    def hold(self, parsed: DataFrame, is_small: bool) -> DataFrame:
        """The parsed rows, so that records are read once: few in memory, many as Parquet beside the table.

        Spark's own cache costs twice the time of the file, and memory that grows with the input.
        """
        if is_small:
            return parsed.persist(StorageLevel.MEMORY_AND_DISK)
        staged = str(self.staging / "parsed")
        parsed.write.options(**STAGED).parquet(staged)
        return self.spark.read.schema(parsed.schema).parquet(staged)

    def touched(self, good: DataFrame, row_bytes: float) -> dict[str, int]:
        """The partitions that the new rows touch, with the number of files each will need."""
        counts = {row["_part"]: row["count"] for row in good.groupBy("_part").count().collect()}
        held = defaultdict(int)
        for name in self.live_files():
            held[part_of_file(name)] += self.lake.size(self.folder / name)
        return {
            part: max(1, math.ceil((rows * row_bytes + held[part]) / FILE_BYTES))
            for part, rows in counts.items()
        }

    def paths(self, names: list[str]) -> list[str]:
        return [str(path) for path in self.lake.here(self.folder / name for name in names)]

    def live_files(self) -> list[str]:
        if self.old is None or (self.rereads and not self.old.retained):
            return []
        return [name for name in self.old.files if not name.startswith("empty/")]

    def compete(self, good: DataFrame, slices: dict[str, int]) -> DataFrame:
        """The new rows with the held rows and markers of the same partitions."""
        rows = good
        files = [n for n in self.live_files() if self.rereads or part_of_file(n) in slices]
        if files:
            schema = ", ".join(f"{n} {SPARK_TYPES[t]}" for n, t in schema_of(self.table).items())
            held = self.spark.read.schema(schema).parquet(*self.paths(files))
            held = winners.regroup(held, self.table) if self.table.explode else held
            held = winners.candidates(held, self.table, winners.HELD)
            if self.rereads:  # at the same place in time the record read anew is the better one
                held = held.withColumn("_digest", F.lit(-(2**63)))
            rows = rows.unionByName(held)
        marks = [n for n in self.old.positions if part_of_file(n) in slices] if self.old else []
        if marks and not self.rereads:
            schema = ", ".join(f"{n} {t}" for n, t in winners.mark_columns(self.table).items())
            read = self.spark.read.schema(schema).parquet(*self.paths(marks))
            read = read.withColumnRenamed("_place", "_part")
            marked = read.withColumn("_role", F.lit(winners.CONFIRMED))
            rows = rows.unionByName(marked, allowMissingColumns=True)
        return rows

    def write_parts(
        self, decided: DataFrame, parts: dict[str, Counter], manifest: Manifest
    ) -> None:
        """Rewrite the partitions in which a row has changed, and the markers of those touched."""
        changed = [part for part, count in parts.items() if count["kept"] or self.rereads]
        if changed:
            version = F.when(F.col("_kept"), self.version).otherwise(F.col("clean_version"))
            rows = decided.where(F.col("_kept") | F.col("_stays")).where(
                F.col("_part").isin(changed)
            )
            rows = rows.withColumn("clean_version", version.cast("bigint"))
            if self.table.explode:
                rows = rows.select("*", F.inline(ELEMENTS))
            columns = list(schema_of(self.table))
            moved = self.write(rows.select(*columns, "_part"), "")
            self.check_written(moved, parts, changed)
            keep = [n for n in manifest.files if part_of_file(n) not in {*changed, "empty"}]
            manifest.files = sorted([*keep, *(name for names in moved.values() for name in names)])
        marks = {part_of_file(name) for name in manifest.positions} & set(parts)
        moved = {}
        if any(count["marks"] for count in parts.values()):
            rows = decided.where("_marks").withColumn("_place", F.col("_part"))
            rows = rows.select(*winners.mark_columns(self.table), "_part")
            moved = self.write(rows, "_positions")
        keep = [n for n in manifest.positions if part_of_file(n) not in marks]
        manifest.positions = sorted([*keep, *(name for names in moved.values() for name in names)])
        if not manifest.files:
            manifest.files = [self.empty_file()]

    def write(self, rows: DataFrame, under: str) -> dict[str, list[str]]:
        staged = self.staging / (under or "rows")
        rows.write.partitionBy("_part").parquet(str(staged))
        return move_staged(self.folder, staged, self.version, under)

    def check_written(self, moved: dict, parts: dict[str, Counter], changed: list[str]) -> None:
        """The files hold what was decided, by their own footers. Raises ReconciliationError."""
        if self.table.explode:
            return
        for part in changed:
            written = sum(
                pq.read_metadata(self.folder / name).num_rows for name in moved.get(part, [])
            )
            wanted = parts[part]["kept"] + parts[part]["stays"]
            if written != wanted:
                raise ReconciliationError(
                    f"{self.source}.{self.name}: partition {part} holds {written} rows on disk, "
                    f"{wanted} were decided. Nothing of this table was committed."
                )

    def write_ledger(
        self, parsed: DataFrame, rows: list[Reconciliation], counts: Counter, manifest: Manifest
    ) -> None:
        named = {"source_name": self.source, "table_name": self.name, "clean_version": self.version}
        files = manifest.ledger
        files["reconciliations"].append(
            ledger.write_reconciliations(self.folder, rows, self.version)
        )
        if counts["drifted"]:
            found = [{**row.asDict(), **named} for row in drift.summary(parsed).collect()]
            files["drift"].append(ledger.write_rows(self.folder, "drift", found, self.version))
        if counts["quarantined"]:
            files["quarantine"] += self.write_quarantine(parsed, named)
        ledger.merge_small(self.lake, self.folder, manifest)

    def write_quarantine(self, parsed: DataFrame, named: dict) -> list[str]:
        columns = ledger.ledger_schema("quarantine").names
        rows = parsed.where("_reason is not null").withColumnRenamed("_reason", "reason")
        rows = rows.withColumns({name: F.lit(value) for name, value in named.items()})
        rows = rows.withColumn("clean_version", F.col("clean_version").cast("bigint"))
        staged = self.staging / "quarantine"
        rows.select(*columns).coalesce(1).write.parquet(str(staged))
        target = self.folder / "_ledger" / f"quarantine-{self.version}.parquet"
        (written,) = staged.glob("*.parquet")
        written.replace(target)
        return [str(target.relative_to(self.folder))]


def spread_of(slices: dict[str, int]) -> int:
    """Shuffle partitions: more than files, so that the files spread over them evenly."""
    return min(max(4, 2 * sum(slices.values())), 64)
