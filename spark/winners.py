"""One row per key: which of the new rows, the held row and what has confirmed it is the latest."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark.casts import SPARK_TYPES
from spark.parse import ELEMENTS
from spark.texts import flat_names
from trendhouse.declared.paths import each_names
from trendhouse.declared.sources import LOAD_COLUMNS, Partition, Table

NEW, HELD, CONFIRMED = 0, 1, 2
WHOLE = "all"


def part_of(table: Table) -> Column:
    """The partition value of a typed row: a day, month, year, bucket or value; `all` without one."""
    if table.partition is None:
        return F.lit(WHOLE)
    return part_value(table.partition)


def part_value(partition: Partition) -> Column:
    value = F.col(partition.column)
    formats = {"day": "yyyy-MM-dd", "month": "yyyy-MM", "year": "yyyy"}
    if partition.by in formats:
        return F.date_format(value, formats[partition.by])
    if partition.by == "bucket":
        return F.pmod(F.crc32(value.cast("string").cast("binary")), F.lit(partition.buckets)).cast(
            "string"
        )
    return value.cast("string")


def slice_of(table: Table, slices: dict[str, int]) -> Column:
    """Which of the files of its partition a key belongs to; only big partitions have several."""
    chosen = F.lit(0)
    key_hash = F.xxhash64(*table.key)
    for part, count in slices.items():
        if count > 1:
            chosen = F.when(
                F.col("_part") == part, F.pmod(key_hash, F.lit(count)).cast("int")
            ).otherwise(chosen)
    return chosen


def digest(table: Table) -> Column:
    """A hash of what the record says (all declared columns; load columns are not part of it)."""
    columns = [*flat_names(table), *([ELEMENTS] if table.explode else [])]
    # xxhash64 skips nulls, so (null, 1) and (1, null) need their pattern of nulls beside them.
    nulls = F.concat(*(F.when(F.col(name).isNull(), "0").otherwise("1") for name in columns))
    return F.xxhash64(nulls, *columns)


def with_digest(parsed: DataFrame, table: Table) -> DataFrame:
    return parsed.withColumn("_digest", digest(table))


def cursor_of(table: Table) -> Column:
    return F.col(table.cursor) if table.cursor else F.lit(None).cast("string")


def cursor_type(table: Table) -> str:
    if table.cursor is None:
        return "string"
    if table.cursor in table.columns:
        return SPARK_TYPES[table.columns[table.cursor].type]
    return SPARK_TYPES[LOAD_COLUMNS[table.cursor]]


def candidates(rows: DataFrame, table: Table, role: int) -> DataFrame:
    """Typed rows in the common shape of everything that competes for a key."""
    version = F.col("clean_version") if role == HELD else F.lit(None).cast("bigint")
    return rows.select(
        *flat_names(table),
        *([ELEMENTS] if table.explode else []),
        *(name for name in LOAD_COLUMNS if name != "clean_version"),
        version.alias("clean_version"),
        cursor_of(table).alias("_cursor"),
        (F.col("_digest") if role == NEW else digest(table)).alias("_digest"),
        part_of(table).alias("_part"),
        F.lit(role).alias("_role"),
    )


def regroup(held: DataFrame, table: Table) -> DataFrame:
    """Clean rows of an exploded table, gathered to one row per record again."""
    names = each_names(table)
    one = [*flat_names(table), *LOAD_COLUMNS]
    return held.groupBy(*one).agg(F.array_sort(F.collect_list(F.struct(*names))).alias(ELEMENTS))


def decide(rows: DataFrame, table: Table, slices: dict[str, int], partitions: int) -> DataFrame:
    """Candidates with their outcome: `_kept`, `_inserted`, `_stays` (held row that stays), `_marks`.

    The latest by (cursor, collected_at, load_id) wins, nulls last; content breaks what is left of ties,
    so the order of arrival never matters. Equal content changes nothing: the held row stays untouched
    with its clean_version, the later one counts as superseded, and a marker remembers how late the
    content was still true, so that a row which arrives late cannot undo it.
    """
    order = [
        F.col("_cursor").desc_nulls_last(),
        F.col("collected_at").desc_nulls_last(),
        F.col("load_id").desc_nulls_last(),
        F.col("_digest").desc(),
        F.col("_role").desc(),
        F.col("observed_at").desc_nulls_last(),
        F.col("source_url").desc_nulls_last(),
        F.col("partition_name").desc_nulls_last(),
    ]
    spread = rows.withColumn("_slice", slice_of(table, slices))
    spread = (
        spread.coalesce(1) if partitions == 1 else spread.repartition(partitions, "_part", "_slice")
    )
    ordered = Window.partitionBy("_part", "_slice", *table.key).orderBy(*order)
    whole = ordered.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    holder = F.max(F.when(F.col("_role") != NEW, F.col("_digest"))).over(whole)
    ranked = spread.select(
        "*",
        (F.row_number().over(ordered) == 1).alias("_first"),
        holder.alias("_held_digest"),
        F.first("_role").over(whole).alias("_top_role"),
        F.first("_digest").over(whole).alias("_top_digest"),
    )
    differs = F.col("_held_digest").isNull() | (F.col("_held_digest") != F.col("_top_digest"))
    changed = (F.col("_top_role") == NEW) & differs
    is_empty = F.size(ELEMENTS) == 0 if table.explode else F.lit(False)
    marks = F.col("_first") & ((~changed & (F.col("_role") != HELD)) | (changed & is_empty))
    return ranked.select(
        "*",
        (changed & F.col("_first")).alias("_kept"),
        (changed & F.col("_first") & F.col("_held_digest").isNull()).alias("_inserted"),
        (~changed & (F.col("_role") == HELD)).alias("_stays"),
        marks.alias("_marks"),
    )


def mark_columns(table: Table) -> dict[str, str]:
    """Columns and types of a marker: the key, where it stands in time, and the content it confirms.

    `_place` is its partition: Spark keeps the column that cuts its output out of the files.
    """
    types = {name: SPARK_TYPES[kind] for name, kind in LOAD_COLUMNS.items()}
    types |= {name: SPARK_TYPES[column.type] for name, column in table.columns.items()}
    key = {name: types[name] for name in table.key}
    at = {"_cursor": cursor_type(table), "collected_at": "timestamp_ntz", "load_id": "string"}
    return {**key, **at, "_digest": "bigint", "_place": "string"}
