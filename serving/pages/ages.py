"""How long ago a day was, in words: days, then months, then years of the calendar that is named."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

MOST_DAYS = 45
DAYS_PER_MONTH = 30.44
# Language to the words for today, then to each unit's (one, several), past and to come.
TODAY = {"en": "today", "ko": "오늘"}
UNITS = {
    "en": {"day": ("day", "days"), "month": ("month", "months"), "year": ("year", "years")},
    "ko": {"day": ("일", "일"), "month": ("개월", "개월"), "year": ("년", "년")},
}
FORMS = {"en": ("{} {} ago", "in {} {}"), "ko": ("{}{} 전", "{}{} 후")}


def today(now: datetime, calendar: str) -> date:
    """The calendar's day at a time."""
    return now.astimezone(ZoneInfo(calendar)).date()


def age(day: date, today: date, language: str) -> str:
    """As in `1 day ago` and `1일 전`."""
    if day == today:
        return TODAY[language]
    first, last = sorted((day, today))
    count, unit = (last - first).days, "day"
    if count > MOST_DAYS:
        months = round(count / DAYS_PER_MONTH)
        count, unit = (round(months / 12), "year") if months >= 24 else (months, "month")
    return FORMS[language][day > today].format(count, UNITS[language][unit][count != 1])
