"""Instants as upstreams write them: read without an error, and moved without leaving the calendar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LEAP_SECOND = re.compile(r"^(.{10}[T ]\d\d:\d\d):60")


def read_instant(text: str) -> datetime | None:
    """An ISO instant in UTC, without an offset UTC; a leap second is the one before it.

    None where the text is none, or where it lies before the year 1 or after 9999.
    """
    try:
        moment = datetime.fromisoformat(LEAP_SECOND.sub(r"\1:59", text))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def earlier(moment: datetime, by: timedelta) -> datetime:
    """`moment` minus `by`; not before the calendar's first."""
    first = datetime.min.replace(tzinfo=UTC)
    return first if moment - first < by else moment - by


def read_http_date(text: str | None) -> datetime | None:
    """The instant of a `Date` or `Retry-After` header, UTC; None where it is none."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None
