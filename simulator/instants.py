"""Instants are whole seconds since 1970 inside the world, and text in UTC outside of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache

DAY = 86_400


@lru_cache(maxsize=65_536)
def iso(instant: int) -> str:
    """`2026-11-02T06:00:00Z`."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_or_none(instant: int | None) -> str | None:
    return None if instant is None else iso(instant)


def read(text: str) -> int:
    """Seconds since 1970 of an ISO 8601 instant (a bare date is its midnight, no zone is UTC).

    Raises ValueError where the text is no instant.
    """
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def moment(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def day(instant: int) -> date:
    """The UTC day that holds an instant."""
    return moment(instant).date()


def midnight(of: date) -> int:
    return int(datetime(of.year, of.month, of.day, tzinfo=UTC).timestamp())
