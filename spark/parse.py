"""Raw rows -> typed columns by the declared schema, each row with its verdict and its drift."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark.casts import cast
from spark.drift import changed_types, unknown_fields
from spark.promises import broken
from spark.texts import (
    each_text,
    each_texts,
    flat_names,
    is_container,
    open_levels,
    opened,
    text_of,
)
from trendhouse.declared.paths import context_tree, each_names, record_tree
from trendhouse.declared.sources import Column as Declared
from trendhouse.declared.sources import Table

RAW_SCHEMA = (
    "record string, context string, record_key string, cursor_value string, partition_name string, "
    "source_url string, collected_at timestamp, observed_at timestamp, load_id string"
)
LOADED = ("partition_name", "source_url", "collected_at", "observed_at", "load_id")
ELEMENTS = "_elements"
OBJECT = r'^\s*\{\s*["}]'


def parse(raw: DataFrame, table: Table, *, with_raw: bool = False) -> DataFrame:
    """One row per raw row: declared columns (those of elements as the array `_elements`), load columns,
    `_reason` (why it is quarantined, else null), `_drift` (array or null), and `record` if quarantined;
    `with_raw` the raw row itself as the struct `_raw`.

    Every entered object is first taken as text and then opened by a parse of its own, so that a field
    which is an object in one era and a string in another can be read in both.
    """
    tree = record_tree(table)
    frame = raw.select(
        "record",
        *("partition_name", "source_url", "load_id"),
        F.col("collected_at").cast("timestamp_ntz").alias("collected_at"),
        F.col("observed_at").cast("timestamp_ntz").alias("observed_at"),
        F.json_object_keys("record").alias("_keys"),
        opened(F.col("context"), context_tree(table)).alias("_context"),
        *([F.struct(*raw.columns).alias("_raw")] if with_raw else []),
    )
    frame = open_levels(frame, tree, table)
    frame = frame.select(
        "*", *(text_of(name, table).alias(f"_text_{name}") for name in flat_names(table))
    )
    frame = frame.select("*", *(typed(name, table).alias(name) for name in flat_names(table)))
    if table.explode:
        frame = frame.withColumn("_each", each_texts(table))
        frame = frame.withColumn(ELEMENTS, typed_elements(F.col("_each"), table))
    drift = F.concat(changed_types(table), unknown_fields(tree, table))
    frame = frame.select("*", reason(table).alias("_reason"), drift.alias("_drift"))
    return frame.select(
        *flat_names(table),
        *([ELEMENTS] if table.explode else []),
        *LOADED,
        "_reason",
        F.when(F.size("_drift") > 0, F.col("_drift")).alias("_drift"),
        F.when(F.col("_reason").isNotNull(), F.col("record")).alias("record"),
        *(["_raw"] if with_raw else []),
    )


def typed(name: str, table: Table) -> Column:
    """The column `name`; null where its text is of another type, as an object under a string."""
    text, declared = F.col(f"_text_{name}"), table.columns[name]
    if declared.type != "string":
        return cast(text, declared.type)
    return F.when(~is_container(name, table), text)


def typed_elements(texts: Column, table: Table) -> Column:
    """The elements as typed structs, in an order that does not depend on the record's."""
    names = each_names(table)

    def struct(element: Column) -> Column:
        return F.struct(
            *(cast(each_text(element, n, table), table.columns[n].type).alias(n) for n in names)
        )

    return F.array_sort(F.transform(texts, struct))


def reason(table: Table) -> Column:
    """Why the row cannot be used, or what it breaks of its table's promises; null if neither."""
    record = F.col("record")
    # A regular expression copies its whole text first: nearly always the beginning is enough.
    begin = F.substr(record, F.lit(1), F.lit(20))
    is_object = begin.rlike(OBJECT) | record.rlike(OBJECT)
    is_json = (F.col("_keys").isNotNull() & is_object) | F.try_parse_json(record).isNotNull()
    checks = [
        F.col("_context")["reason"],
        F.when(record.isNull() | ~F.coalesce(is_json, F.lit(False)), "the record is not JSON"),
    ]
    if table.explode:
        checks.append(
            F.when(
                F.col("_each").isNull(),
                f"`{table.explode.path}` is not there as {table.explode.kind}",
            )
        )
    checks += [missing(name, table.columns[name]) for name in needed(table)]
    checks += [missing_in_element(n) for n in each_names(table) if not table.columns[n].nullable]
    checks += broken(table, flat_names(table), ELEMENTS)
    return F.coalesce(*checks)


def needed(table: Table) -> list[str]:
    """Columns that must not be null: so declared, of the key, or cutting the table."""
    cut = [table.partition.column] if table.partition else []
    named = {*table.key, *cut, *(n for n in flat_names(table) if not table.columns[n].nullable)}
    return [name for name in flat_names(table) if name in named]


def missing_in_element(name: str) -> Column:
    found = F.exists(ELEMENTS, lambda element: element[name].isNull())
    return F.when(found, f"`{name}` of an element is null or of another type")


def missing(name: str, column: Declared) -> Column:
    text = F.col(f"_text_{name}")
    seen = F.concat(
        F.lit("`"), F.substr(text, F.lit(1), F.lit(100)), F.lit(f"` is no {column.type}")
    )
    said = F.coalesce(seen, F.lit("the record has no value"))
    return F.when(F.col(name).isNull(), F.concat(F.lit(f"`{name}` must not be null: "), said))
