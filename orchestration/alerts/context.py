"""From the context that Airflow gives a callback to an alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from orchestration.alerts.alert import Alert, Cause
from orchestration.alerts.causes import alerts_of, shown
from orchestration.alerts.summaries import lines_of, rows_of, summaries


def place_of(context: Mapping[str, Any]) -> dict[str, str]:
    """DAG, task, run and log link of a context, as far as it knows them."""
    instance = context.get("ti")
    run = context.get("dag_run") or {}  # an object, but plain values where a deadline is missed
    of_run = run.get if isinstance(run, Mapping) else lambda name: getattr(run, name, None)
    dag_id = (
        getattr(instance, "dag_id", None)
        or of_run("dag_id")
        or getattr(context.get("dag"), "dag_id", "")
    )
    run_id = (
        getattr(instance, "run_id", None)
        or of_run("run_id")
        or of_run("dag_run_id")
        or context.get("run_id", "")
    )
    return {
        "dag_id": dag_id,
        "task_id": getattr(instance, "task_id", ""),
        "run_id": run_id,
        "log_url": getattr(instance, "log_url", "") or url_of(dag_id, run_id),
    }


def url_of(dag_id: str, run_id: str) -> str:
    """Where Airflow shows a run."""
    from airflow.sdk.configuration import conf

    base = conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")
    return f"{base}/dags/{dag_id}/runs/{quote(run_id)}" if dag_id and run_id else ""


def alert_of(
    cause: Cause, context: Mapping[str, Any], *, is_of_run: bool = False, is_grouped: bool = True
) -> Alert:
    """The alert of a callback; an error that has a cause of its own is told as that."""
    place = place_of(context)
    if is_of_run:
        return of_run_end(cause, context, place)
    error = context.get("exception")
    is_end = cause is Cause.FAILURE
    own = alerts_of(error) if is_end and isinstance(error, BaseException) else []
    rows = rows_of(summaries(context)) if is_end else None
    if own:
        return replace(own[0], rows=rows, is_grouped=is_grouped, is_end=True, **place)
    what, *details = str(error or "").strip().splitlines() or [""]
    if cause is Cause.SUCCESS:
        what = "The task succeeded."
    elif isinstance(error, BaseException):
        what = f"{type(error).__name__}: {what}"
    return Alert(
        cause,
        what,
        rows=rows,
        details=shown(details),
        attempt=attempt_of(context.get("ti"), cause),
        is_grouped=is_grouped,
        is_end=is_end,
        **place,
    )


def of_run_end(cause: Cause, context: Mapping[str, Any], place: dict[str, str]) -> Alert:
    """The end of a run as a whole, told without a task; what follows a failure stands in the grid."""
    of_run = {**place, "task_id": "", "log_url": url_of(place["dag_id"], place["run_id"])}
    done = summaries(context)
    rows, lines = rows_of(done), lines_of(done)
    if cause is Cause.SUCCESS:
        return Alert(cause, "The run succeeded.", rows=rows, details=lines, **of_run)
    what = (
        "The run failed, and no task has said why: it was killed, ran out of memory or of time. "
        f"Airflow says: {context.get('reason') or 'nothing'}."
    )
    if place["task_id"]:
        lines = (f"{place['task_id']}: failed", *lines)
        of_run["log_url"] = place["log_url"]
    return Alert(cause, what, rows=rows, details=lines, is_end=True, **of_run)


def attempt_of(instance: Any, cause: Cause) -> str:
    """Which try of how many this was, as in `1/2`; empty where there is only one."""
    number = getattr(instance, "try_number", None)
    retries = getattr(getattr(instance, "task", None), "retries", 0) or 0
    if cause not in (Cause.RETRY, Cause.FAILURE) or not number or not retries:
        return ""
    return f"{number}/{max(retries + 1, number)}"
