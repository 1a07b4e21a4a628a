"""Texts of records become days and instants, or null: never another day than the one that is meant."""

from datetime import date, datetime

import pytest
from pyspark.sql import functions as F

from spark.casts import cast

DATES = {
    "2024-02-29": date(2024, 2, 29),
    "2024-01-05T23:00:00-08:00": date(2024, 1, 5),
    "2024-01-05 23:00:00": date(2024, 1, 5),
    "0001-01-01": date(1, 1, 1),
    "9999-12-31": date(9999, 12, 31),
    "2024": None,
    "2024-01": None,
    "2024-01-": None,
    "2024-1-5": None,
    "2024-01-051": None,
    "2023-02-29": None,
    "20240105": None,
    "0000-01-01": None,
    "-001-01-01": None,
    "10000-01-01": None,
    "true": None,
    "": None,
}
INSTANTS = {
    "2016-12-31T23:59:60Z": datetime(2016, 12, 31, 23, 59, 59),
    "2016-12-31T23:59:60.123Z": datetime(2016, 12, 31, 23, 59, 59, 123_000),
    "2017-01-01T08:59:60+09:00": datetime(2016, 12, 31, 23, 59, 59),
    "2017-01-01 05:29:60.5+05:30": datetime(2016, 12, 31, 23, 59, 59, 500_000),
    "2012/06/30 16:59:60 -0700": datetime(2012, 6, 30, 23, 59, 59),
    "2026-01-01T12:00:60Z": None,
    "2026-01-01T12:00:61Z": None,
    "2011/02/12 00:00:00 -0800": datetime(2011, 2, 12, 8),
    "1420070400": datetime(2015, 1, 1),
    "2024-01-05": datetime(2024, 1, 5),
    "0001-01-01T00:00:00Z": datetime(1, 1, 1),
    "0001-01-01T00:00:00+09:00": None,
    "9999-12-30T23:59:59Z": datetime(9999, 12, 30, 23, 59, 59),
    "9999-12-31T00:00:00Z": None,
    "10000-01-01T00:00:00Z": None,
    "2024": None,
    "2024-01": None,
    "20240105": None,
    "12:00": None,
    "": None,
}


@pytest.mark.parametrize(
    ("to", "right"), [("date", DATES), ("timestamp", INSTANTS)], ids=["date", "timestamp"]
)
def test_a_text_is_the_day_or_instant_that_is_meant_or_null(spark, to, right):
    frame = spark.createDataFrame([(text,) for text in right], "text string").coalesce(1)
    rows = frame.select("text", cast(F.col("text"), to).alias("value")).collect()
    assert {row.text: row.value for row in rows} == right
