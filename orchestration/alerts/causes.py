"""From what a step did, or the error that it ended with, to the alerts that people get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orchestration.alerts.alert import Alert, Cause

if TYPE_CHECKING:
    from orchestration.steps import Outcome

SHOWN = 8
# What the limiter, GitHub and the connectors say when a quota is spent.
QUOTA_SIGNS = ("quota", "rate limit", "every token was refused")


def alerts_of(found: Outcome | BaseException, source: str = "") -> list[Alert]:
    """One alert per cause in an outcome or error; empty if there is nothing to tell.

    Of an error only those causes are told that have a remedy of their own; every other is a failure,
    which the task's callback tells.
    """
    if isinstance(found, BaseException):
        return [alert for error in chain(found) for alert in of_error(error, source)][:1]
    return [*of_failures(found, source), *of_drift(found, source), *of_flags(found, source)]


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it was raised from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def of_error(error: BaseException, source: str) -> list[Alert]:
    from expectations.check import ExpectationsFailed
    from orchestration.freshness import SourcesStale
    from orchestration.publish import PublicationBlocked

    head, *details = str(error).strip().splitlines() or [""]
    if isinstance(error, ExpectationsFailed):
        lines = [head, *details]
        what = f"{len(lines)} expectation{'s do' if len(lines) > 1 else ' does'} not hold."
        return [Alert(Cause.EXPECTATIONS, what, source=source, details=shown(lines))]
    if isinstance(error, PublicationBlocked):
        is_short = "below the floor" in head
        cause = Cause.COMPLETENESS if is_short else Cause.EXPECTATIONS
        return [Alert(cause, head, source=source, details=shown(details))]
    if isinstance(error, SourcesStale):
        lines = [head, *details]
        what = lines[0] if len(lines) == 1 else f"{len(lines)} sources are older than they promise."
        return [Alert(Cause.STALE, what, source=source, details=shown(lines))]
    if is_quota(str(error)):
        return [Alert(Cause.QUOTA, head, source=source, details=shown(details))]
    return []


def of_failures(outcome: Outcome, source: str) -> Iterator[Alert]:
    """Partial landings, and the quota apart, since its remedy is another."""
    failures = [*outcome.failures, *outcome.crashes]
    spent = [each for each in failures if is_quota(each)]
    others = [each for each in failures if each not in spent]
    for cause, lines in ((Cause.QUOTA, spent), (Cause.PARTIAL, others)):
        if lines:
            what = f"{len(lines)} part(s) could not be landed; landed are {outcome.summary}."
            yield Alert(cause, what, source=source, rows=outcome.rows, details=shown(lines))


def of_drift(outcome: Outcome, source: str) -> Iterator[Alert]:
    return iter(())


def of_flags(outcome: Outcome, source: str) -> Iterator[Alert]:
    """Partitions below a floor that only flags: published, and told."""
    lines = getattr(outcome.detail, "flagged", [])
    if lines:
        what = f"{len(lines)} partition(s) below a floor that only flags; published all the same."
        yield Alert(
            Cause.COMPLETENESS, what, source=source, rows=outcome.rows, details=shown(lines)
        )


def is_quota(text: str) -> bool:
    return any(sign in text.lower() for sign in QUOTA_SIGNS)


def shown(lines: list[str]) -> tuple[str, ...]:
    """The first lines, and how many more there are."""
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return tuple([line.strip() for line in lines[:SHOWN]] + more)
