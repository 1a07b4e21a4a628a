"""From the text of a JSON value to a declared type: null where the text is not of that type."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from trendhouse.declared.sources import ColumnType

SPARK_TYPES = {
    "string": "string",
    "json": "string",
    "bigint": "bigint",
    "double": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp_ntz",
}


# Whole seconds since 1973: with fewer digits it is a year, or a day written without dashes.
SECONDS = "^[0-9]{9,11}$"
ENDS = ("0001-01-01 00:00:00", "9999-12-30 23:59:59.999999")


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
    is_all = F.substr(text, F.lit(11), F.lit(1)).isin("", "T", " ")
    return F.when(has_day(text) & is_all, F.substr(text, F.lit(1), F.lit(10)).try_cast("date"))


def has_day(text: Column) -> Column:
    """Whether a text begins as an ISO date does; Spark's own cast takes a year or a month for its first
    day, and years that calendars do not have."""
    year = F.substr(text, F.lit(1), F.lit(4))
    return (
        (F.substr(text, F.lit(5), F.lit(1)) == "-")
        & (F.substr(text, F.lit(8), F.lit(1)) == "-")
        & (F.length(text) >= 10)
        & year.between("0001", "9999")
    )


def as_timestamp(text: Column) -> Column:
    """ISO with Z or an offset, `2011/02/12 00:00:00 -0800`, or whole seconds since 1970, nine digits or more.

    The fifth character tells them apart; Spark's own cast would read `12:00` as today and `1297` as a
    year. A leap second is kept as the second before it. An instant has a day in every time zone, which
    leaves the years 1 to 9999 but for the very last day.
    """
    fifth = F.substr(text, F.lit(5), F.lit(1))
    is_leap = F.substr(text, F.lit(17), F.lit(3)) == ":60"
    before = F.concat(F.substr(text, F.lit(1), F.lit(16)), F.lit(":59"), F.substr(text, F.lit(20)))
    whole = F.when(is_leap, before).otherwise(text)
    slashed = F.try_to_timestamp(whole, F.lit("yyyy/MM/dd HH:mm:ss Z"))
    seconds = F.timestamp_seconds(F.when(text.rlike(SECONDS), text.try_cast("bigint")))
    instant = (
        F.when(has_day(text), whole.try_cast("timestamp"))
        .when(fifth == "/", slashed)
        .when(fifth != "-", seconds)
        .cast("timestamp_ntz")
    )
    is_one = ~is_leap | ((F.hour(instant) == 23) & (F.minute(instant) == 59))
    return F.when(
        is_one & instant.between(*(F.lit(end).cast("timestamp_ntz") for end in ENDS)), instant
    )


def as_json(text: Column) -> Column:
    """Objects, arrays, numbers and booleans as they are; a plain text becomes a JSON string again."""
    quoted = F.to_json(F.struct(text.alias("v")))
    first = F.substr(text, F.lit(1), F.lit(1))
    return F.when(first.isin("{", "[") | F.try_parse_json(text).isNotNull(), text).otherwise(
        F.when(text.isNotNull(), F.substr(quoted, F.lit(6), F.length(quoted) - 6))
    )
