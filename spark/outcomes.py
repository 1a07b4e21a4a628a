"""How many rows were kept, superseded, quarantined: summed by Spark in one job, gathered here."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark import winners

ByGroup = dict[tuple[str, date], Counter[str]]
Counts = tuple[ByGroup, dict[str, Counter[str]], Counter[str]]


def count(decided: DataFrame, parsed: DataFrame, rereads: bool) -> Counts:
    """Outcomes by ledger partition and day, counts by table partition, and of quarantine and drift."""
    is_new = F.col("_role") == winners.NEW
    flags = ("_kept", "_inserted", "_stays", "_marks")
    day = F.to_date("observed_at")
    grouped = decided.select(
        "_part",
        F.when(is_new, F.coalesce("partition_name", F.lit(""))).alias("partition_name"),
        F.when(is_new, day).alias("day"),
        *(F.col(flag).cast("int").alias(flag) for flag in flags),
        (is_new & ~F.col("_kept")).cast("int").alias("_superseded"),
        F.lit(0).alias("_quarantined"),
        F.lit(0).alias("_drifted"),
    )
    aside = parsed.where("_reason is not null or _drift is not null").select(
        F.lit(None).cast("string").alias("_part"),
        F.coalesce("partition_name", F.lit("")).alias("partition_name"),
        day.alias("day"),
        *(F.lit(0).alias(flag) for flag in (*flags, "_superseded")),
        F.col("_reason").isNotNull().cast("int").alias("_quarantined"),
        F.col("_drift").isNotNull().cast("int").alias("_drifted"),
    )
    names = (*flags, "_superseded", "_quarantined", "_drifted")
    summed = grouped.unionByName(aside).groupBy("_part", "partition_name", "day")
    outcomes, parts, total = defaultdict(Counter), defaultdict(Counter), Counter()
    for row in summed.agg(*(F.sum(name).alias(name) for name in names)).collect():
        counts = Counter({name[1:]: row[name] for name in names})
        if rereads:  # the ledger begins anew with the table
            counts["inserted"] = counts["kept"]
        if row["partition_name"] is not None:
            outcomes[(row["partition_name"], row["day"])] += counts
        if row["_part"] is not None:
            parts[row["_part"]] += counts
        total += counts
    return outcomes, parts, total
