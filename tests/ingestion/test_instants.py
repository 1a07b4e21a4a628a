"""Instants of records are read without an error, and move without leaving the calendar."""

from datetime import UTC, datetime, timedelta

import pytest

from ingestion.connectors.github_desk import instant
from ingestion.instants import earlier, read_http_date, read_instant


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59)),
        ("2017-01-01T08:59:60.5+09:00", datetime(2016, 12, 31, 23, 59, 59, 500_000)),
        ("2026-11-01T10:00:00", datetime(2026, 11, 1, 10)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1)),
        ("0001-01-01T00:00:00+09:00", None),
        ("9999-12-31T23:59:59-05:00", None),
        ("10000-01-01T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_an_instant_is_read_or_is_none(text, moment):
    assert read_instant(text) == (moment and moment.replace(tzinfo=UTC))


def test_nothing_is_earlier_than_the_calendar():
    first = datetime(1, 1, 1, tzinfo=UTC)
    assert earlier(first + timedelta(hours=1), timedelta(hours=24)) == first
    assert earlier(datetime(2026, 1, 2, tzinfo=UTC), timedelta(days=1)).day == 1


def test_an_instant_of_the_first_year_is_written_with_four_digits():
    assert instant(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00Z"
    assert instant(datetime.fromisoformat("2026-01-01T00:00:00+09:00")) == "2025-12-31T15:00:00Z"


@pytest.mark.parametrize("text", [None, "", "soon", "Mon, 99 Foo 2026 25:61:61 GMT"])
def test_a_header_that_is_no_date_is_none(text):
    assert read_http_date(text) is None
