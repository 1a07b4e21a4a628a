"""Days gathered to weeks, Monday to Sunday."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

WEEK = timedelta(7)


def monday(day: date) -> date:
    return day - timedelta(day.weekday())


def weekly(
    counts: Iterable[tuple[date, int]], until: date, most: int | None = None
) -> list[tuple[date, int]]:
    """Sums by the Monday of each week, weeks without anything as 0: from the first to the last whole one that ends
    before `until`; the newest `most` of them."""
    sums: dict[date, int] = {}
    for day, count in counts:
        sums[monday(day)] = sums.get(monday(day), 0) + count
    if not sums:
        return []
    end = monday(until)
    first = max(min(sums), end - WEEK * most) if most else min(sums)
    return [
        (first + WEEK * number, sums.get(first + WEEK * number, 0))
        for number in range(max(0, (end - first).days // 7))
    ]
