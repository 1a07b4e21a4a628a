"""What a run leaves in the ledger of its table: reconciliations, drift, and the rows in quarantine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark import drift
from trendhouse.lake import ledger
from trendhouse.lake.lake import Lake
from trendhouse.lake.ledger import Reconciliation
from trendhouse.lake.manifest import Manifest


@dataclass(frozen=True)
class LedgerWriter:
    """Writes the ledger's files of one table and run; `folder` is the table's, `staging` the run's."""

    lake: Lake
    source: str
    table: str
    folder: Path
    staging: Path

    def write(
        self, parsed: DataFrame, rows: list[Reconciliation], counts: Counter, manifest: Manifest
    ) -> None:
        """Add the files of this run to the coming manifest."""
        version, files = manifest.version, manifest.ledger
        named = {"source_name": self.source, "table_name": self.table, "clean_version": version}
        files["reconciliations"].append(ledger.write_reconciliations(self.folder, rows, version))
        if counts["drifted"]:
            found = [{**row.asDict(), **named} for row in drift.summary(parsed).collect()]
            files["drift"].append(ledger.write_rows(self.folder, "drift", found, version))
        if counts["quarantined"]:
            files["quarantine"].append(self.write_quarantine(parsed, named))
        ledger.merge_small(self.lake, self.folder, manifest)

    def write_quarantine(self, parsed: DataFrame, named: dict) -> str:
        columns = ledger.ledger_schema("quarantine").names
        rows = parsed.where("_reason is not null").withColumnRenamed("_reason", "reason")
        rows = rows.withColumns({name: F.lit(value) for name, value in named.items()})
        rows = rows.withColumn("clean_version", F.col("clean_version").cast("bigint"))
        staged = self.staging / "quarantine"
        rows.select(*columns).coalesce(1).write.parquet(str(staged))
        target = self.folder / "_ledger" / f"quarantine-{named['clean_version']}.parquet"
        (written,) = staged.glob("*.parquet")
        written.replace(target)
        return str(target.relative_to(self.folder))
