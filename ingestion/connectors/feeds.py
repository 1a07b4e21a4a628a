"""Feeds of one file per hour or day: which are to be asked for, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ingestion.budget import Estimate, Plan
from ingestion.connectors.archive_files import Damage, SourceFile, base_url, fingerprint, is_whole
from ingestion.connectors.downloads import Answer, Downloads, Wanted
from ingestion.landing import Context, Failure, Item, Remember
from ingestion.readable import storable
from trendhouse.declared.sources import SourceSpec

RETRY_DAYS = 7
# Basis of a plan before anything was measured; seconds for one file.
ASSUMED_SECONDS = 2.0
# What packed files of a folder land at on two cores, for plans.
FOLDER_BYTES_PER_SECOND = 2 * 2**20

Reader = Callable[[SourceFile, datetime], Iterator[Item]]
Absence = Callable[[datetime, str], Iterator[Item]]


@dataclass(frozen=True)
class Feed:
    """A feed's rhythm. Periods are named by their start, UTC.

    `late` is how long after its end a period may be absent without anything being wrong, `again` how
    many of the newest landed ones are asked for (on condition) once more, since they may have grown.
    """

    table: str
    step: timedelta
    late: timedelta
    again: int
    label: Callable[[datetime], str]
    file_name: Callable[[datetime], str]
    is_open: bool = False  # a period is asked for before it has ended

    def floor(self, at: datetime) -> datetime:
        midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + (at - midnight) // self.step * self.step

    def newest(self, now: datetime) -> datetime:
        return self.floor(now) if self.is_open else self.floor(now) - self.step

    def is_late(self, start: datetime, now: datetime) -> bool:
        return now >= start + self.step + self.late

    def span(self, first: datetime, last: datetime) -> list[datetime]:
        """Every period from `first` to `last`, both included."""
        return [first + number * self.step for number in range((last - first) // self.step + 1)]


@dataclass(frozen=True)
class Agenda:
    """Starts of the periods to ask for, by reason, in the order in which they are asked for."""

    open: list[datetime]
    again: list[datetime]
    new: list[datetime]
    back: list[datetime]

    @property
    def all(self) -> list[datetime]:
        return [*self.open, *self.again, *self.new, *self.back]

    @property
    def basis(self) -> str:
        named = {
            "new": self.new,
            "before the first": self.back,
            "asked again if changed": self.again,
            "missing so far": self.open,
        }
        return ", ".join(f"{len(starts)} {name}" for name, starts in named.items() if starts)


def agenda(feed: Feed, state: dict[str, Any], now: datetime, since: datetime) -> Agenda:
    """What to ask for next. Landed is the range from `from` to `until`, but for what is `open`."""
    newest, since = feed.newest(now), feed.floor(since)
    if "until" not in state:
        return Agenda([], [], feed.span(since, newest), [])
    first, until = datetime.fromisoformat(state["from"]), datetime.fromisoformat(state["until"])
    still = sorted(datetime.fromisoformat(start) for start in state.get("open", {}))
    return Agenda(
        open=still,
        again=[
            start
            for start in feed.span(max(first, until - feed.step * (feed.again - 1)), until)
            if start not in still
        ],
        new=feed.span(until + feed.step, newest),
        back=feed.span(since, first - feed.step)[::-1],
    )


def due(context: Context, feed: Feed, since: datetime) -> list[datetime]:
    """Starts of the periods to ask for: those of the window, or what is next."""
    window, newest = context.window, feed.newest(context.now())
    if window is None:
        return agenda(feed, context.state, context.now(), since).all
    return [start for start in feed.span(feed.floor(window.since), newest) if start in window]


def land_feed(
    context: Context,
    feed: Feed,
    since: datetime,
    read: Reader,
    absent: Absence,
    is_whole: Callable[[Path], bool] = is_whole,
) -> Iterator[Item]:
    """Ask for what is due, land it with `read`; a file that is missing or broken stays open for a week."""
    base, starts = base_url(context.spec), due(context, feed, since)
    tags, done = dict(context.state.get("tags", {})), 0

    def wanted() -> Iterator[Wanted]:
        for start in starts:
            name = feed.file_name(start)
            yield Wanted(name, f"{base}/{name}", tags.get(start.isoformat()))

    with Downloads(context, is_whole) as downloads:
        answers = downloads.answers(wanted(), feed.table)
        for start, answer in zip(starts, answers, strict=False):
            error = yield from land_answer(feed, start, answer, read, absent, context.now())
            yield from remember(context, feed, start, answer, error)
            done += 1
    if done < len(starts):
        left = f"the deadline came first: {len(starts) - done} files are left for the next run"
        yield Failure(feed.table, feed.label(starts[done]), left)


def land_answer(
    feed: Feed, start: datetime, answer: Answer, read: Reader, absent: Absence, now: datetime
) -> Generator[Item, None, str | None]:
    """The rows of an answer, or what stands for it; returns why the period stays open, if it does."""
    url = answer.wanted.url
    if answer.path is not None:
        try:
            yield from read(SourceFile(answer.wanted.name, answer.path, url), start)
        except Damage as damage:
            yield Failure(feed.table, feed.label(start), str(damage))
            return str(damage)
        return None
    if answer.is_missing and answer.wanted.tag is None:
        if feed.is_late(start, now):
            yield from absent(start, url)
        return "missing"
    if answer.error is not None:
        yield Failure(feed.table, feed.label(start), f"{url}: {answer.error}")
    return answer.error


def remember(
    context: Context, feed: Feed, start: datetime, answer: Answer, error: str | None
) -> Iterator[Item]:
    """Widen the landed range by a period, keep its tag while it may change, keep it open on an error.

    A back-fill does not widen it, since what lies between would count as landed, too.
    """
    state, key, now = context.state, start.isoformat(), context.now()
    first = None
    if error is not None:
        first = state.get("open", {}).get(key, now.isoformat())
        is_over = now - datetime.fromisoformat(first) >= timedelta(days=RETRY_DAYS)
        first = None if is_over else first
    elif answer.path is not None:
        yield Remember(("tags", key), answer.tag)
        known = state.get("seconds_per_file", answer.seconds)
        yield Remember(("seconds_per_file",), round(0.7 * known + 0.3 * answer.seconds, 3))
    yield Remember(("open", key), first)
    for old in sorted(state.get("tags", {}))[: -2 * feed.again]:
        yield Remember(("tags", old), None)
    if context.window is not None:
        return
    if "from" not in state or key < state["from"]:
        yield Remember(("from",), key)
    if "until" not in state or key > state["until"]:
        yield Remember(("until",), key)


def land_folder(
    context: Context,
    folder: Path,
    table: str,
    paths: Iterable[Path],
    read: Callable[[SourceFile], Iterator[Item]],
) -> Iterator[Item]:
    """Land every file of a folder that is new or changed since; a broken one is told of in every run."""
    for path in paths:
        name = storable(path.relative_to(folder).as_posix())
        try:
            mark = fingerprint(path)
        except OSError as error:
            yield Failure(table, name, f"{type(error).__name__}: {error}")
            continue
        known = context.state.get("files", {}).get(name, {})
        if known.get("fingerprint") == mark:
            if known.get("damage"):
                yield Failure(table, name, known["damage"])
            continue
        entry = {"fingerprint": mark}
        try:
            yield from read(SourceFile(path.name, path, path.as_uri()))
        except Damage as damage:
            yield Failure(table, name, str(damage))
            entry["damage"] = str(damage)
        except OSError as error:
            yield Failure(table, name, f"{type(error).__name__}: {error}")
            continue
        yield Remember(("files", name), entry)


def plan_feed(
    spec: SourceSpec, feed: Feed, state: dict[str, Any], now: datetime, since: datetime
) -> Plan:
    """One request a file; seconds from the files landed so far."""
    ahead = agenda(feed, state, now, since)
    each = state.get("seconds_per_file")
    basis = ahead.basis + ("" if each else f"; {ASSUMED_SECONDS:g} s a file assumed")
    seconds = len(ahead.all) * (each or ASSUMED_SECONDS)
    return Plan(spec.name, [Estimate(feed.table, len(ahead.all), 0, seconds, basis)])


def plan_folder(
    spec: SourceSpec, folder: Path, table: str, paths: Iterable[Path], state: dict[str, Any]
) -> Plan:
    """No request; the basis says how many files are new or changed."""
    known = state.get("files", {})
    changed = [
        path
        for path in paths
        if path.exists()  # a link may lead nowhere: the landing names it
        and known.get(storable(path.relative_to(folder).as_posix()), {}).get("fingerprint")
        != fingerprint(path)
    ]
    size = sum(path.stat().st_size for path in changed)
    basis = f"{len(changed)} new or changed files of a folder, {size / 2**20:,.1f} MB"
    return Plan(spec.name, [Estimate(table, 0, 0, size / FOLDER_BYTES_PER_SECOND, basis)])
