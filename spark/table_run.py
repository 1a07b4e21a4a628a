"""One clean table in one run: from its new raw files to the commit of its manifest."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property, reduce
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark import winners
from spark.admission import Admission, held_back
from spark.casts import SPARK_TYPES
from spark.floors import Assessment
from spark.ledger_writer import LedgerWriter
from spark.outcomes import count
from spark.parse import ELEMENTS, RAW_SCHEMA, parse
from spark.promises import is_kept
from spark.session import interpreting
from spark.texts import flat_names
from spark.waiting import Decision, held_by, on_time, without_loads, write_waiting
from trendhouse.declared.sources import SourceSpec
from trendhouse.lake import ledger
from trendhouse.lake.lake import Lake
from trendhouse.lake.ledger import Reconciliation, ReconciliationError
from trendhouse.lake.manifest import (
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

if TYPE_CHECKING:
    from trendhouse.declared.sources import Table

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
        has_work = new or (self.rereads and self.live_files())
        if has_work or (self.admission.is_due and self.old and self.old.waiting):
            return self.merge(new)
        if self.old is None or self.rereads or self.admission.is_due:
            self.write_nothing()
        return []

    @cached_property
    def admission(self) -> Admission:
        return Admission(self.lake, self.spec, self.name, self.old or Manifest())

    def write_nothing(self) -> None:
        """A manifest with one empty file, so that readers of a table without data find its types; what
        readings say of rows that did not come is kept."""
        manifest = self.manifest([])
        if not manifest.files:
            manifest.files = [self.empty_file()]
        held = self.admission.held_before()
        counted = held_by(self.admission, held, None, self.table)
        self.settle(self.admission.assess([], counted), held, manifest)
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
            # What was once captured stays true, however the records are read today.
            ledger={
                kind: [] if fresh and kind != "captures" else list(names)
                for kind, names in old.ledger.items()
            },
            positions=[] if fresh else list(old.positions),
            declared=declaration(self.table),
            retained=old.retained,
            waiting=list(old.waiting),
            refused=dict(old.refused),
            held=dict(old.held),
            floor=self.admission.floor_text,
            assessed=self.admission.read_version,
            newest_load=old.newest_load,
        )

    def merge(self, new: list[Path]) -> list[Reconciliation]:
        waited = self.waiting_files(new)
        came = ledger.count_landed([*self.lake.here(new), *waited])
        held = sum(self.lake.size(self.folder / name) for name in self.live_files())
        is_small = came.total() <= FEW_ROWS and held <= FEW_BYTES
        if is_small:
            self.spark = interpreting(self.spark)
        raw = [self.read_raw(new), *([self.read_raw(waited)] if waited else [])]
        parsed = self.hold(winners.with_digest(self.parsed(*raw), self.table), is_small)
        row_bytes = sum(file.stat().st_size for file in [*new, *waited]) / max(1, came.total())
        try:
            trial = self.decide(parsed, {}, row_bytes, is_small)
            before = trial.staying() if self.rereads else self.admission.held_before()
            found = self.admission.assess(
                trial.counts.groups, held_by(self.admission, before, trial, self.table)
            )
            late = held_back(trial.counts.groups, found.refused)
            chosen = self.decide(parsed, found.refused, row_bytes, is_small) if late else trial
            manifest = self.manifest(new)
            rows = self.reconcile(came, waited, chosen, late)
            self.write_parts(chosen.decided, chosen.counts.parts, manifest)
            writer = LedgerWriter(self.lake, self.source, self.name, self.folder, self.staging)
            writer.write(parsed, rows, chosen.counts.total, manifest)
            manifest.waiting = self.write_waiting(raw, found.refused) if late else []
            loads = (group.arrived.load_id for group in trial.counts.groups)
            manifest.newest_load = max([manifest.newest_load, *loads])
            self.settle(found, before + chosen.inserted, manifest)
            commit(self.lake, self.source, self.name, manifest, self.old)
            sweep(self.lake, self.source, self.name, manifest)
            return rows
        finally:
            parsed.unpersist()

    def read_raw(self, files: list[Path]) -> DataFrame:
        if not files:
            return self.spark.createDataFrame([], RAW_SCHEMA)
        return self.spark.read.schema(RAW_SCHEMA).parquet(*map(str, files))

    def parsed(self, raw: DataFrame, waited: DataFrame | None = None) -> DataFrame:
        """New rows, and rows that have waited: the drift of these was told when they came."""
        rows = parse(raw, self.table)
        if waited is None:
            return rows
        again = parse(waited, self.table)
        kind = again.schema["_drift"].dataType
        return rows.unionByName(again.withColumn("_drift", F.lit(None).cast(kind)))

    def decide(
        self, parsed: DataFrame, refused: dict[str, str], row_bytes: float, is_small: bool
    ) -> Decision:
        """Which rows win, without those of refused partitions that have to wait."""
        readable = parsed.where("_reason is null")
        if refused:
            readable = on_time(readable, refused)
        good = winners.candidates(readable, self.table, winners.NEW)
        slices = self.touched(good, row_bytes)
        decided = winners.decide(
            self.compete(good, slices), self.table, slices, 1 if is_small else spread_of(slices)
        )
        counts = count(decided, parsed, self.rereads, self.admission.measure)
        return Decision(decided, parsed, counts)

    def reconcile(
        self, came: Counter, waited: list[Path], chosen: Decision, late: Counter
    ) -> list[Reconciliation]:
        """Rows in against rows out; the ledger of a table that is read anew begins anew."""
        waits, landed = Counter(late), came
        if not self.rereads:
            before = ledger.count_landed(waited)
            landed = came - before
            waits.subtract(before)
        return ledger.reconcile(
            self.source, self.name, landed, chosen.counts.outcomes, waits, self.version
        )

    def write_waiting(self, raw: list[DataFrame], refused: dict[str, str]) -> list[str]:
        rows = reduce(DataFrame.unionByName, raw)
        staged = self.staging / "waiting"
        return write_waiting(rows, self.table, refused, staged, self.folder, self.version)

    def settle(self, found: Assessment, held: Counter[str], manifest: Manifest) -> None:
        """Put what the floors say into the next manifest."""
        manifest.refused = found.refused
        manifest.held = dict(held) if self.admission.measure == "held" else {}
        if rows := self.admission.rows(found, self.version):
            file = ledger.write_rows(self.folder, "captures", rows, self.version)
            manifest.ledger["captures"].append(file)

    def waiting_files(self, new: list[Path]) -> list[Path]:
        """Raw rows that wait; of a table that is read anew only those whose raw files are gone."""
        if self.old is None or not self.old.waiting:
            return []
        files = self.lake.here(self.folder / name for name in self.old.waiting)
        if not self.rereads:
            return files
        if not self.old.retained:
            return []
        return without_loads(files, new, self.staging / "waited.parquet") if new else files

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
            if self.rereads:  # a row may break a new promise though its record is gone
                held = held.where(is_kept(self.table, flat_names(self.table), ELEMENTS))
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


def spread_of(slices: dict[str, int]) -> int:
    """Shuffle partitions: more than files, so that the files spread over them evenly."""
    return min(max(4, 2 * sum(slices.values())), 64)
