"""Axes: round numbers and days at readable distances."""

from __future__ import annotations

import math
from datetime import date, timedelta

# Days between ticks, then months.
DAY_STEPS = (1, 2, 5, 7, 14)
MONTH_STEPS = (1, 2, 3, 6, 12, 24, 36, 60, 120)
DAYS_PER_MONTH = 30.44


def round_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About `count` round numbers whose ends enclose the range; whole ones where the range is of whole numbers."""
    if low == high:
        low, high = low - 1 if low > 0 else low, high + 1
    raw = (high - low) / count
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= raw * 0.999)
    if float(low).is_integer() and float(high).is_integer():
        step = max(step, 1)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [each * step for each in range(first, last + 1)]


def day_ticks(first: date, last: date, count: int = 5) -> list[tuple[date, str]]:
    """At most about `count` days of the range with their labels: days, months or years."""
    days = (last - first).days
    for step in DAY_STEPS:
        if days / step <= count:
            found = [first + timedelta(each) for each in range(0, days + 1, step)]
            return [(each, each.strftime("%m-%d")) for each in found]
    months = days / DAYS_PER_MONTH
    step = next((each for each in MONTH_STEPS if months / each <= count), MONTH_STEPS[-1])
    start = (first.year * 12 + first.month - 1) // step * step
    found = []
    for each in range(start, last.year * 12 + last.month, step):
        tick = date(each // 12, each % 12 + 1, 1)
        if first <= tick <= last:
            found.append((tick, f"{tick.year}" if step % 12 == 0 else f"{tick:%Y-%m}"))
    return found


def short(number: float) -> str:
    """A number for an axis: `12.5k`, `1.2M`."""
    for size, unit in ((1_000_000, "M"), (10_000, "k")):
        if abs(number) >= size:
            return f"{number / (1000 if unit == 'k' else size):.4g}{unit}"
    return f"{number:,.4g}" if number != int(number) else f"{int(number):,}"
