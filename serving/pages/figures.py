"""What the charts of a repository show: which rows, which looks, and where they come from.

A chart that a later source adds is one more entry of FIGURES.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from serving.completeness import STREAMS, capture_rate
from serving.drawing.chart import Chart, Line, Marker
from serving.model import Model
from serving.pages.words import CALENDARS
from serving.queries import activity, repositories
from serving.queries.releases import DAYS
from serving.queries.weeks import weekly

WEEKS = 104
TABLE_ROWS = 30
DAY = timedelta(1)
LOOKS = {"api": "solid", "ranking": "dashed", "archive": "dotted"}  # as charts.css has them
COUNTERS = ("github.repository_counters",)
Points = list[tuple[date, float]]

# Key to English and Korean.
WORDS = {
    "stars": ("Stars", "스타"),
    "forks": ("Forks", "포크"),
    "issues": ("Issues by week", "주별 이슈"),
    "open-issues": ("Open issues", "열린 이슈"),
    "pull-requests": ("Pull requests by week", "주별 풀 리퀘스트"),
    "open-pull-requests": ("Open pull requests", "열린 풀 리퀘스트"),
    "commits": ("Commits by week", "주별 커밋"),
    "opened": ("opened", "열림"),
    "closed": ("closed", "닫힘"),
    "merged": ("merged", "병합됨"),
    "open": ("open", "열린 수"),
    "people": ("by people", "사람"),
    "bots": ("by bots", "봇"),
    "api": ("GitHub's API", "GitHub API"),
    "ranking": ("a ranking", "랭킹"),
    "archive": ("GH Archive", "GH Archive"),
    "solid": ("(solid)", "(실선)"),
    "dashed": ("(dashed)", "(파선)"),
    "dotted": ("(dotted)", "(점선)"),
    "day": ("Day", "날짜"),
    "week": ("Week of", "주 시작일"),
    "origin": ("Origin", "출처"),
    "captured": ("captured", "수집률"),
    "empty": ("No data yet", "아직 데이터가 없습니다"),
    "provenance": ("{origin} · {captured} {rate} · {calendar} · {day}", "{origin} · {captured} {rate} · {calendar} · {day}"),
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A repository, the language and day for which it is drawn, and release markers by day."""

    model: Model
    repository: sqlite3.Row
    language: str
    today: date

    @property
    def calendar(self) -> str:
        return CALENDARS[self.language]

    @property
    def id(self) -> str:
        return self.repository["repository_id"]

    def say(self, key: str) -> str:
        return WORDS[key][self.language == "ko"]


@dataclass(frozen=True)
class Figure:
    """A chart with its rows as a table (newest first, header first) and the path of its download."""

    kind: str
    chart: Chart
    header: tuple[str, ...]
    rows: list[tuple] = field(default_factory=list)
    download: str = ""


def provenance(
    subject: Subject, origins: Iterable[str], streams: Sequence[str], *others: Subject
) -> tuple[str, ...]:
    """Origin, worst capture rate of the repositories' own parts, calendar, and the day of publication."""
    found = [capture_rate(each.model, *streams, partition=each.id) for each in (subject, *others)]
    rate = min((each for each in found if each is not None), default=None)
    told = "–" if rate is None else f"{int(rate * 1000) / 10:g} %"
    line = subject.say("provenance").format(
        origin=", ".join(origins),
        captured=subject.say("captured"),
        rate=told,
        calendar=subject.calendar,
        day=f"{subject.model.published_at:%Y-%m-%d}",
    )
    return (line,)


def title(subject: Subject, kind: str) -> str:
    return f"{subject.repository['repository_name']}: {subject.say(kind)}"


def markers(subject: Subject) -> tuple[Marker, ...]:
    """Stable releases of the repository by day."""
    column = DAYS[subject.calendar]
    rows = subject.model.rows(
        f"select version, {column} as day from releases where repository_id = ? and {column} is not null "
        "and source_name = 'github' and is_version and not is_prerelease and not is_draft "
        "and not is_withdrawn and not is_deleted",
        subject.id,
    )
    return tuple(Marker(date.fromisoformat(row["day"]), row["version"]) for row in rows)


def by_origin(
    subject: Subject, points: list[tuple[date, float, str]], look: str, label: str | None = None
) -> list[Line]:
    """Lines that look as the origin of their days does, labelled by it or all alike; what joins days that are apart
    is a thin one."""
    lines, run = [], points[:1]

    def end(run: list[tuple[date, float, str]]) -> None:
        if run:
            told = label or subject.say(run[0][2])
            lines.append(
                Line(tuple((day, value) for day, value, _ in run), f"{look} {run[0][2]}", told)
            )

    for before, after in pairwise(points):
        if after[0] - before[0] == DAY and after[2] == before[2]:
            run.append(after)
            continue
        end(run)
        lines.append(Line((before[:2], after[:2]), f"{look} gap"))
        run = [after]
    end(run)
    return lines


def counter(kind: str, column: str) -> Callable[[Subject], Figure]:
    """Stars or forks by day, with releases."""

    def draw(subject: Subject) -> Figure:
        rows = repositories.series(subject.model, subject.id, subject.calendar)
        known = [row for row in rows if row[column] is not None]
        points = [
            (date.fromisoformat(row["observed_date"]), row[column], row["origin"]) for row in known
        ]
        origins = {each[2]: subject.say(each[2]) for each in points}
        chart = Chart(
            title(subject, kind),
            tuple(by_origin(subject, points, "one")),
            provenance(subject, origins.values(), streams_of_counters(origins)),
            subject.say("empty"),
            markers(subject),
        )
        return Figure(
            kind,
            chart,
            (subject.say("day"), subject.say(kind), subject.say("origin")),
            [
                (row["observed_date"], row[column], subject.say(row["origin"]))
                for row in reversed(known)
            ],
            "daily",
        )

    return draw


def streams_of_counters(origins: Iterable[str]) -> tuple[str, ...]:
    """Rankings and archive are not counted by repository: the ledger has its parts for the API only."""
    return COUNTERS if "api" in origins else ()


def flow(kind: str, mart: str, parts: dict[str, str]) -> Callable[[Subject], Figure]:
    """What happened week by week: each part is a column of the days and the word for it."""

    def draw(subject: Subject) -> Figure:
        rows = days_of(subject, mart)
        columns = {
            word: dict(weekly(((row[0], row[1][name]) for row in rows), subject.today, WEEKS))
            for name, word in parts.items()
        }
        looks = ("one", "two", "three")
        lines = tuple(
            Line(tuple(column.items()), look, subject.say(word))
            for look, (word, column) in zip(looks, columns.items(), strict=False)
            if column
        )
        weeks = sorted({week for column in columns.values() for week in column}, reverse=True)
        return Figure(
            kind,
            drawn(subject, kind, mart, lines),
            (subject.say("week"), *(subject.say(word) for word in columns)),
            [(f"{week}", *(column.get(week, 0) for column in columns.values())) for week in weeks],
            downloads(mart),
        )

    return draw


def stock(kind: str, mart: str) -> Callable[[Subject], Figure]:
    """What was open at the end of each day on which that changed."""

    def draw(subject: Subject) -> Figure:
        points: Points = [(day, row["open_count"]) for day, row in days_of(subject, mart)]
        until: Points = [(subject.today, points[-1][1])] if points else []
        drawn_points = tuple(points + until)
        lines = (Line(drawn_points, "one", subject.say("open"), is_step=True),) if points else ()
        return Figure(
            kind,
            drawn(subject, kind, mart, lines),
            (subject.say("day"), subject.say("open")),
            [(f"{day}", value) for day, value in reversed(points)],
            downloads(mart),
        )

    return draw


def days_of(subject: Subject, mart: str) -> list[tuple[date, sqlite3.Row]]:
    if mart == "commits_daily":
        rows = activity.commits(subject.model, subject.id, subject.calendar)
        return [(date.fromisoformat(row["commit_date"]), row) for row in rows]
    rows = activity.daily(mart, subject.model, subject.id, subject.calendar)
    return [(date.fromisoformat(row["day"]), row) for row in rows]


def downloads(mart: str) -> str:
    return mart.removesuffix("_daily").replace("_", "-")


def drawn(subject: Subject, kind: str, mart: str, lines: tuple[Line, ...]) -> Chart:
    notes = provenance(subject, [subject.say("api")], STREAMS[mart])
    return Chart(title(subject, kind), lines, notes, subject.say("empty"), is_from_zero=True)


OPENED = {"opened_count": "opened", "closed_count": "closed"}
COMMITS = {"commit_without_bots_count": "people", "bot_commit_count": "bots"}
FIGURES: dict[str, Callable[[Subject], Figure]] = {
    "stars": counter("stars", "star_count"),
    "forks": counter("forks", "fork_count"),
    "issues": flow("issues", "issues", OPENED),
    "open-issues": stock("open-issues", "issues"),
    "pull-requests": flow("pull-requests", "pull_requests", {**OPENED, "merged_count": "merged"}),
    "open-pull-requests": stock("open-pull-requests", "pull_requests"),
    "commits": flow("commits", "commits_daily", COMMITS),
}


def compared(subjects: Sequence[Subject], kind: str) -> Chart:
    """One line per repository: its stars or forks by day."""
    column = {"stars": "star_count", "forks": "fork_count"}[kind]
    looks = ("one", "two", "three", "four", "five")
    lines: list[Line] = []
    origins: set[str] = set()
    for look, subject in zip(looks, subjects, strict=False):
        rows = repositories.series(subject.model, subject.id, subject.calendar)
        rows = [row for row in rows if row[column] is not None]
        origins |= {row["origin"] for row in rows}
        points = [
            (date.fromisoformat(row["observed_date"]), row[column], row["origin"]) for row in rows
        ]
        lines += by_origin(subject, points, look, subject.repository["repository_name"])
    first, *others = subjects
    names = [f"{first.say(each)} {first.say(LOOKS[each])}" for each in LOOKS if each in origins]
    notes = provenance(first, names, COUNTERS, *others)
    return Chart(first.say(kind), tuple(lines), notes, first.say("empty"))
