"""From the text of a JSON value to a declared type: null where the text is not of that type."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from ingestion.spec import ColumnType

SPARK_TYPES = {
    "string": "string",
    "json": "string",
    "bigint": "bigint",
    "double": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp_ntz",
}


def cast(text: Column, to: ColumnType) -> Column:
    """`text` as the type `to`. Timestamps are UTC without a zone; numbers may stand in quotes."""
    return {
        "string": lambda: text,
        "json": lambda: as_json(text),
        "bigint": lambda: text.try_cast("bigint"),
        "double": lambda: text.try_cast("double"),
        "boolean": lambda: as_boolean(text),
        "date": lambda: as_date(text),
        "timestamp": lambda: as_timestamp(text),
    }[to]()


def as_boolean(text: Column) -> Column:
    """`true` and `false` only: 1, `yes` and `t` are another type than the declared one."""
    lowered = F.lower(text)
    return F.when(lowered == "true", True).when(lowered == "false", False)


def as_date(text: Column) -> Column:
    """An ISO date; of an ISO timestamp the date as it is written, in its own zone."""
    return F.when(
        F.substr(text, F.lit(5), F.lit(1)) == "-",
        F.substr(text, F.lit(1), F.lit(10)).try_cast("date"),
    )


def as_timestamp(text: Column) -> Column:
    """ISO with Z or an offset, `2011/02/12 00:00:00 -0800`, or whole seconds since 1970.

    The fifth character tells them apart; Spark's own cast would read `12:00` as today and `1297` as a
    year.
    """
    fifth = F.substr(text, F.lit(5), F.lit(1))
    slashed = F.try_to_timestamp(text, F.lit("yyyy/MM/dd HH:mm:ss Z"))
    seconds = F.timestamp_seconds(F.when(F.length(text) <= 11, text.try_cast("bigint")))
    instant = (
        F.when(fifth == "-", text.try_cast("timestamp"))
        .when(fifth == "/", slashed)
        .otherwise(seconds)
    )
    return instant.cast("timestamp_ntz")


def as_json(text: Column) -> Column:
    """Objects, arrays, numbers and booleans as they are; a plain text becomes a JSON string again."""
    quoted = F.to_json(F.struct(text.alias("v")))
    first = F.substr(text, F.lit(1), F.lit(1))
    return F.when(first.isin("{", "[") | F.try_parse_json(text).isNotNull(), text).otherwise(
        F.when(text.isNotNull(), F.substr(quoted, F.lit(6), F.length(quoted) - 6))
    )
