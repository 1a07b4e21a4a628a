"""Rows that wait until their partition meets its floor: how they are told apart, kept and counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark import winners
from spark.admission import Admission
from spark.floors import Held
from spark.outcomes import Counts
from spark.parse import parse
from trendhouse.declared.sources import RAW_COLUMNS, Table

FOLDER = "_waiting"


@dataclass(frozen=True)
class Decision:
    """Which rows win, out of which parsed rows, and what became of all of them."""

    decided: DataFrame
    parsed: DataFrame
    counts: Counts

    @property
    def inserted(self) -> Counter[str]:
        """Keys that are new to the table, by ledger partition."""
        found: Counter[str] = Counter()
        for (partition, _), outcome in self.counts.outcomes.items():
            found[partition] += outcome["inserted"]
        return found

    def staying(self) -> Counter[str]:
        """Held rows that no new one replaces, by ledger partition."""
        rows = self.decided.where("_stays").groupBy("partition_name").count().collect()
        return Counter({row["partition_name"]: row["count"] for row in rows})

    def first_loads(self, table: Table) -> Counter[tuple[str, str]]:
        """Of the keys that are new to the table: in which partition and load each came first."""
        new = self.decided.where((F.col("_role") == winners.NEW) & F.col("_held_digest").isNull())
        first = new.groupBy("partition_name", *table.key).agg(F.min("load_id").alias("load"))
        counts = first.groupBy("partition_name", "load").count().collect()
        return Counter({(row["partition_name"], row["load"]): row["count"] for row in counts})

    def quarantined(self) -> dict[str, set[str]]:
        """The records that have just gone to quarantine, by ledger partition."""
        found: dict[str, set[str]] = defaultdict(set)
        if self.counts.total["quarantined"]:
            rows = self.parsed.where(F.col("_reason").isNotNull())
            for row in rows.select("partition_name", "record").distinct().collect():
                found[row["partition_name"]].add(row["record"])
        return found


def held_by(
    admission: Admission, before: Counter[str], trial: Decision | None, table: Table
) -> Held:
    """How the floors count what a table holds: with `trial` as if all that has come were taken up."""
    inserted = trial.inserted if trial else Counter()
    firsts: Counter[tuple[str, str]] | None = None
    aside: dict[str, set[str]] | None = None

    def keys(partition: str, as_of: tuple[str, datetime] | None) -> int:
        if as_of is None:
            return before[partition] + inserted[partition] - admission.deleted(partition)
        nonlocal firsts
        if firsts is None:
            firsts = trial.first_loads(table) if trial else Counter()
        load, until = as_of
        new = sum(n for (name, first), n in firsts.items() if name == partition and first <= load)
        return before[partition] + new - admission.deleted(partition, until)

    def quarantined(partition: str) -> int:
        nonlocal aside
        if aside is None:  # read once, and only if some partition is short
            aside = trial.quarantined() if trial else {}
            for name, records in admission.quarantined_before().items():
                aside[name] = aside.get(name, set()) | records
        return len(aside.get(partition, ()))

    return Held(keys, quarantined)


def on_time(rows: DataFrame, refused: dict[str, str]) -> DataFrame:
    """The rows that may be taken up: all but those of refused partitions beyond their limit."""
    return rows.join(F.broadcast(beyond(rows, refused)), ["partition_name", "load_id"], "left_anti")


def beyond(rows: DataFrame, refused: dict[str, str]) -> DataFrame:
    """The partitions and loads among `rows` that have to wait."""
    limits = rows.sparkSession.createDataFrame(
        list(refused.items()), "partition_name string, _limit string"
    )
    loads = rows.select("partition_name", "load_id").distinct()
    late = loads.join(F.broadcast(limits), "partition_name", "inner")
    return late.where(F.col("load_id") > F.col("_limit")).select("partition_name", "load_id")


def write_waiting(
    raw: DataFrame, table: Table, refused: dict[str, str], staged: Path, folder: Path, version: int
) -> list[str]:
    """Keep the readable raw rows that have to wait; the names of their files relative to `folder`."""
    late = raw.join(F.broadcast(beyond(raw, refused)), ["partition_name", "load_id"], "left_semi")
    parsed = parse(late.select(*RAW_COLUMNS), table, with_raw=True)
    parsed.where("_reason is null").select("_raw.*").write.parquet(str(staged))
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    names = []
    for number, written in enumerate(sorted(staged.glob("*.parquet"))):
        file = target / f"{version}-{number}.parquet"
        written.replace(file)
        names.append(str(file.relative_to(folder)))
    return names


def without_loads(files: list[Path], loads: list[Path], target: Path) -> list[Path]:
    """The rows of `files` whose load has no row in the files `loads`, written to `target`."""
    known = pc.unique(pq.read_table(loads, columns=["load_id"])["load_id"])
    rows = pq.read_table(files)
    rows = rows.filter(pc.invert(pc.is_in(rows["load_id"], value_set=known)))
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, target)
    return [target]
