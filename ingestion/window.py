"""A stretch of history to land again, of a source whose upstream keeps its hours or days apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from zoneinfo import ZoneInfo

from trendhouse.declared.sources import SourceSpec


class NoHistory(Exception):
    """A source cannot be back-filled; the message says why."""


@dataclass(frozen=True)
class Window:
    """The periods that start from `since` on and before `until`, UTC."""

    since: datetime
    until: datetime

    def __contains__(self, start: datetime | None) -> bool:
        return start is not None and self.since <= start < self.until

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"


def require_history(spec: SourceSpec) -> None:
    """Raises NoHistory for a source whose upstream knows only its present state."""
    if spec.history is None:
        raise NoHistory(
            f"`{spec.name}` cannot be back-filled: its upstream tells the present state and keeps no "
            "earlier one. What it has is landed by every ordinary run."
        )


def window_of(spec: SourceSpec, start: datetime, end: datetime) -> Window:
    """The periods that a data interval stands for: those in which it starts, up to that of its end.

    Intervals that follow on each other give windows that do. Days are those of the schedule's zone.
    """
    require_history(spec)
    zone = ZoneInfo(spec.schedule.timezone) if spec.schedule else UTC
    return Window(*(floored(spec, moment, zone) for moment in (start, end)))


def floored(spec: SourceSpec, moment: datetime, zone: tzinfo) -> datetime:
    if spec.history == "hour":
        return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return datetime.combine(moment.astimezone(zone).date(), time(), UTC)
