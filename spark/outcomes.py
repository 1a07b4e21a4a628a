"""How many rows were kept, superseded, quarantined: summed by Spark in one job, gathered here."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from spark import winners
from spark.admission import Group
from spark.floors import Arrived

ByGroup = dict[tuple[str, date], Counter[str]]


@dataclass
class Counts:
    """What became of the rows: outcomes by ledger partition and day, counts by table partition, the sum
    of all, and the new rows as they came."""

    outcomes: ByGroup
    parts: dict[str, Counter[str]]
    total: Counter[str]
    groups: list[Group]


def count(decided: DataFrame, parsed: DataFrame, rereads: bool, measure: str) -> Counts:
    """Count everything in one job; `measure` says whether the moments of new rows are told apart."""
    is_new = F.col("_role") == winners.NEW
    moment = F.col("observed_at") if measure == "landed" else F.lit(None).cast("timestamp_ntz")
    flags = ("_kept", "_inserted", "_stays", "_marks")
    day = F.to_date("observed_at")
    grouped = decided.select(
        "_part",
        F.when(is_new, F.coalesce("partition_name", F.lit(""))).alias("partition_name"),
        F.when(is_new, day).alias("day"),
        F.when(is_new, F.col("load_id")).alias("load_id"),
        F.when(is_new, moment).alias("moment"),
        F.when(is_new, F.col("observed_at")).alias("observed_at"),
        *(F.col(flag).cast("int").alias(flag) for flag in flags),
        (is_new & ~F.col("_kept")).cast("int").alias("_superseded"),
        F.lit(0).alias("_quarantined"),
        F.lit(0).alias("_drifted"),
        is_new.cast("int").alias("_new"),
    )
    aside = parsed.where("_reason is not null or _drift is not null").select(
        F.lit(None).cast("string").alias("_part"),
        F.coalesce("partition_name", F.lit("")).alias("partition_name"),
        day.alias("day"),
        "load_id",
        moment.alias("moment"),
        "observed_at",
        *(F.lit(0).alias(flag) for flag in (*flags, "_superseded")),
        F.col("_reason").isNotNull().cast("int").alias("_quarantined"),
        F.col("_drift").isNotNull().cast("int").alias("_drifted"),
        F.lit(0).alias("_new"),
    )
    names = (*flags, "_superseded", "_quarantined", "_drifted", "_new")
    summed = grouped.unionByName(aside).groupBy(
        "_part", "partition_name", "day", "load_id", "moment"
    )
    outcomes, parts, total = defaultdict(Counter), defaultdict(Counter), Counter()
    groups: list[Group] = []
    last = F.max("observed_at").alias("observed_at")
    for row in summed.agg(last, *(F.sum(name).alias(name) for name in names)).collect():
        counts = Counter({name[1:]: row[name] for name in names})
        if rereads:  # the ledger begins anew with the table
            counts["inserted"] = counts["kept"]
        if row["partition_name"] is not None:
            outcomes[(row["partition_name"], row["day"])] += counts
            groups.append(group_of(row))
        if row["_part"] is not None:
            parts[row["_part"]] += counts
        total += counts
    return Counts(outcomes, parts, total, groups)


def group_of(row: Row) -> Group:
    arrived = Arrived(
        partition_name=row["partition_name"],
        load_id=row["load_id"],
        observed_at=row["observed_at"],
        good_count=row["_new"],
        quarantined_count=row["_quarantined"],
    )
    return Group(arrived, row["day"])
