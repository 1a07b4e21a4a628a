"""What an Airflow task does around a step: settings, locks, log, record, alerts, and how it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingestion.window import Window
    from orchestration.steps import Outcome, Progress
    from trendhouse.running import Record
    from trendhouse.settings import Settings

log = logging.getLogger(__name__)

TOKENS = "github_default"
# Between two lines of progress in a task's log.
PROGRESS_SECONDS = 10.0
SHOWN = 20


class StepFailed(Exception):
    """A step came to nothing, or the house's own code broke in it; Airflow tries it again."""


@dataclass
class Work:
    """A task at work: its effective settings and the record that it leaves in `runs/`."""

    settings: Settings
    record: Record


@contextmanager
def working(step: str, sources: Sequence[str] = ()) -> Iterator[Work]:
    """Hold what a step needs, for as long as the context lasts; a holder before us is waited for.

    Raises Locked after `lock_wait_seconds`, DiskFull: both are failures that Airflow tries again.
    """
    from trendhouse import worlds
    from trendhouse.running import guarded, locks_of

    command = " ".join(["airflow", step, *sources])
    with ExitStack() as held:
        settings = held.enter_context(credentials())
        record = held.enter_context(
            guarded(
                settings,
                command,
                locks=locks_of(step, sources),
                wait=settings.lock_wait_seconds,
            )
        )
        held.enter_context(worlds.environment(worlds.home_variables(settings)))
        yield Work(settings, record)


@contextmanager
def credentials() -> Iterator[Settings]:
    """The settings, with the tokens of the connection where the environment has none; masked in logs."""
    from airflow.sdk.log import mask_secret

    from trendhouse import worlds
    from trendhouse.settings import load_settings

    settings = load_settings()
    if settings.effective_world == "live" and not settings.tokens:
        given = {"GITHUB_TOKENS": tokens_of_connection()}
    else:
        given = {}
    with worlds.environment(given):
        settings = load_settings()
        for token in settings.tokens:
            mask_secret(token)
        yield settings


def tokens_of_connection() -> str:
    """The password of the connection `github_default`: tokens, separated by commas; empty without."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return Connection.get(TOKENS).password or ""
    except AirflowNotFoundException:
        log.warning("No token: neither GITHUB_TOKEN nor a connection `%s` is set.", TOKENS)
        return ""


def run_step(step: str, source: str | None = None, **arguments: Any) -> dict[str, Any]:
    """Run a step as a task; its summary for people and for other tasks, as plain values.

    What failed beside it is in the summary and told by an alert. A refusal ends the task for good
    (AirflowFailException), everything else that is raised is tried again.
    """
    from airflow.sdk.exceptions import AirflowFailException

    from expectations.check import ExpectationsFailed
    from orchestration import steps
    from warehouse.freshness import SourcesStale
    from warehouse.publish import PublicationBlocked

    sources = [source] if source else []
    began = time.monotonic()
    try:
        with working(step, sources) as work:
            if step == "publish":
                arguments["run_id"] = work.record.run_id
            act = getattr(steps, step)
            progress = logged(step)
            outcome = act(*sources, settings=work.settings, progress=progress, **arguments)
            return conclude(step, source, outcome, work.record, time.monotonic() - began)
    except (ExpectationsFailed, PublicationBlocked, SourcesStale) as refusal:
        raise AirflowFailException(str(refusal)) from refusal


def land(source: str, window: Window | None = None) -> dict[str, Any]:
    """Land a source as a task: `window`, or the day or hour that a run of `airflow backfill` stands
    for, or what is new. Skips (AirflowSkipException) where there is no history to back-fill from."""
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from ingestion.window import NoHistory, require_history, window_of
    from trendhouse.declared.sources import load_spec

    run, spec = get_current_context()["dag_run"], load_spec(source)
    try:
        if window is not None:
            require_history(spec)
        elif run.run_type == "backfill":
            window = window_of(spec, run.data_interval_start, run.data_interval_end)
    except NoHistory as none:
        raise AirflowSkipException(str(none)) from none
    if window is not None:
        log.info("back-fill: %s", window)
    return run_step("land", source, window=window)


def days(since: str | None, until: str | None) -> Window:
    """From the first day to the last, both included. Ends the task where they are no such days."""
    from datetime import UTC, datetime, timedelta

    from airflow.sdk.exceptions import AirflowFailException

    from ingestion.window import Window

    if not (since and until):
        raise AirflowFailException("Give the first day, `since`, and the last one, `until`.")
    first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (since, until))
    if last < first:
        raise AirflowFailException(f"The last day, {until}, is before the first, {since}.")
    return Window(first, last + timedelta(days=1))


def conclude(
    step: str, source: str | None, outcome: Outcome, record: Record, seconds: float
) -> dict[str, Any]:
    """Record, log and tell what a step did. Raises StepFailed if that is nothing at all."""
    from trendhouse.errors import Exit

    record.steps = [
        {
            "name": " ".join(filter(None, [step, source])),
            "state": outcome.state,
            "detail": outcome.summary,
            "rows": outcome.rows,
            "seconds": round(seconds, 3),
        }
    ]
    record.failures = [*outcome.crashes, *outcome.failures]
    log.info("%s: %s", step, outcome.summary)
    for failure in record.failures:
        log.warning("%s", failure)
    if outcome.crashes or (outcome.failures and not outcome.rows):
        raise StepFailed("\n".join(record.failures[:SHOWN]))
    record.exit_code = int(Exit.PARTIAL if outcome.failures else Exit.DONE)
    tell(outcome, source or "")
    return {
        "step": step,
        "source": source,
        "state": outcome.state,
        "summary": outcome.summary,
        "rows": outcome.rows,
        "failures": outcome.failures[:SHOWN],
        "failure_count": len(outcome.failures),
        "run_id": record.run_id,
        "seconds": round(seconds, 3),
    }


def tell(outcome: Outcome, source: str) -> None:
    """Tell people what a step found beside its end; what was done stays done, whatever telling meets."""
    from orchestration.alerts import alerts_of, send

    try:
        for alert in alerts_of(outcome, source):
            send(alert)
    except Exception:
        log.exception("What was found could not be told.")


def logged(step: str) -> Progress:
    """Progress as lines of the task's log, some seconds apart."""
    told = time.monotonic()

    def say(detail: str) -> None:
        nonlocal told
        if time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            log.info("%s: %s", step, detail)

    return say
