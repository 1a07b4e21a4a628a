"""From what a step did, or the error that it ended with, to the alerts that people get."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from orchestration.alerts.alert import Alert, Cause

if TYPE_CHECKING:
    from orchestration.steps import Outcome

SHOWN = 8
# What the limiter, GitHub and the connectors say when a quota is spent.
QUOTA_SIGNS = ("quota", "rate limit")
# What a publication names beside its end, by the attribute that holds it.
FOUND = {
    "held_back": (
        Cause.COMPLETENESS,
        "partition",
        "below the floor, shown as of the day when it was last met",
    ),
    "refused": (Cause.EXPECTATIONS, "mart", "kept back, since its suite does not hold"),
    "flagged": (Cause.COMPLETENESS, "part", "flagged, and published all the same"),
}


def alerts_of(found: Outcome | BaseException, source: str = "") -> list[Alert]:
    """One alert per cause in an outcome or error; empty if there is nothing to tell.

    Of an error only those causes are told that have a remedy of their own; every other is a failure,
    which the task's callback tells.
    """
    if isinstance(found, BaseException):
        return [alert for error in chain(found) for alert in of_error(error, source)][:1]
    return [*of_failures(found, source), *of_drift(found, source), *of_flags(found, source)]


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it was expressly raised from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def of_error(error: BaseException, source: str) -> Iterator[Alert]:
    from expectations.check import ExpectationsFailed
    from trendhouse.running import DiskFull
    from warehouse.freshness import SourcesStale
    from warehouse.publish import PublicationBlocked

    lines = str(error).strip().splitlines() or [type(error).__name__]
    if isinstance(error, ExpectationsFailed):
        verb = "expectations do" if len(lines) > 1 else "expectation does"
        yield of(Cause.EXPECTATIONS, f"{len(lines)} {verb} not hold.", source, lines)
    elif isinstance(error, SourcesStale):
        name = source if len(lines) > 1 else lines[0].partition(":")[0]
        yield of(Cause.STALE, counted(len(lines), "source", "nothing new"), name, lines)
    elif isinstance(error, PublicationBlocked):
        yield of(Cause.EXPECTATIONS, lines[0], source, lines[1:])
    elif isinstance(error, DiskFull):
        yield of(Cause.DISK, lines[0], source, lines[1:])
    elif is_quota(str(error)):
        yield of(Cause.QUOTA, lines[0], source, lines[1:])


def of_failures(outcome: Outcome, source: str) -> Iterator[Alert]:
    """Partial landings, and the quota apart, since its remedy is another; of a step that is about the
    marts, what they do not keep of their promises."""
    published = {line for name in FOUND for line in getattr(outcome.detail, name, [])}
    failures = [*(each for each in outcome.failures if each not in published), *outcome.crashes]
    spent = [each for each in failures if is_quota(each)]
    others = [each for each in failures if not is_quota(each)]
    if not source and others:
        what = counted(len(others), "promise", "not kept; all that is not named is published")
        yield of(Cause.EXPECTATIONS, what, source, others, outcome.rows)
        others = []
    for cause, lines in ((Cause.QUOTA, spent), (Cause.PARTIAL, others)):
        if lines:
            what = f"{counted(len(lines), 'part', 'not landed')} Landed: {outcome.summary}."
            yield of(cause, what, source, lines, outcome.rows)


def of_drift(outcome: Outcome, source: str) -> Iterator[Alert]:
    """Fields that a deduplication saw drift for the first time."""
    from orchestration.alerts.drift import new_drift
    from trendhouse.settings import load_settings

    reconciled = outcome.detail if isinstance(outcome.detail, list) else []
    found = new_drift(load_settings().place.lake, reconciled)
    if found:
        what = counted(len(found), "field", "new to the schema or changed in type")
        rows = max(each.rows for each in found)
        yield of(Cause.DRIFT, what, source, [str(each) for each in found], rows)


def of_flags(outcome: Outcome, source: str) -> Iterator[Alert]:
    """What a publication has found: see `FOUND`."""
    for name, (cause, noun, state) in FOUND.items():
        if lines := getattr(outcome.detail, name, []):
            yield of(cause, counted(len(lines), noun, state), source, lines, outcome.rows)


def of(
    cause: Cause, what: str, source: str, lines: Sequence[str], rows: int | None = None
) -> Alert:
    return Alert(cause, what, source=source, rows=rows, details=shown(lines))


def counted(count: int, name: str, state: str) -> str:
    """A sentence of how many of something are in a state."""
    return f"{count:,} {name}{'' if count == 1 else 's'}: {state}."


def is_quota(text: str) -> bool:
    return any(sign in text.lower() for sign in QUOTA_SIGNS)


def shown(lines: Sequence[str]) -> tuple[str, ...]:
    """The first lines, and how many more there are."""
    more = [f"and {len(lines) - SHOWN:,} more"] if len(lines) > SHOWN else []
    return tuple([line.strip() for line in lines[:SHOWN]] + more)
