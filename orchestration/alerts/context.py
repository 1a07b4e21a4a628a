"""From the context that Airflow gives a callback to an alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestration.alerts.alert import Alert, Cause
from orchestration.alerts.causes import alerts_of


def place_of(context: Mapping[str, Any]) -> dict[str, str]:
    """DAG, task, run and log link of a context, as far as it knows them."""
    instance, run = context.get("ti"), context.get("dag_run")
    of_run = run.get if isinstance(run, Mapping) else lambda name: getattr(run, name, None)
    return {
        "dag_id": known(
            getattr(instance, "dag_id", None),
            of_run("dag_id"),
            getattr(context.get("dag"), "dag_id", None),
        ),
        "task_id": known(getattr(instance, "task_id", None)),
        "run_id": known(getattr(instance, "run_id", None), of_run("run_id"), context.get("run_id")),
        "log_url": known(getattr(instance, "log_url", None)),
    }


def known(*values: object) -> str:
    return next((str(value) for value in values if value), "")


def alert_of(
    cause: Cause, context: Mapping[str, Any], *, is_of_run: bool = False, is_grouped: bool = True
) -> Alert:
    """The alert of a callback; an error that has a cause of its own is told as that."""
    place = place_of(context)
    if is_of_run:
        what = "The run succeeded." if cause is Cause.SUCCESS else of_reason(context)
        return Alert(cause, what, is_grouped=is_grouped, **{**place, "task_id": "", "log_url": ""})
    error = context.get("exception")
    own = alerts_of(error) if cause is Cause.FAILURE and isinstance(error, BaseException) else []
    if own:
        return replace(own[0], is_grouped=is_grouped, **place)
    return Alert(
        cause,
        what_of(context),
        attempt=attempt_of(context.get("ti"), cause),
        is_grouped=is_grouped,
        **place,
    )


def attempt_of(instance: Any, cause: Cause) -> str:
    """Which try of how many this was, as in `1/2`; empty where there is only one."""
    number = getattr(instance, "try_number", None)
    retries = getattr(getattr(instance, "task", None), "retries", 0) or 0
    if cause not in (Cause.RETRY, Cause.FAILURE) or not number or not retries:
        return ""
    return f"{number}/{max(retries + 1, number)}"


def of_reason(context: Mapping[str, Any]) -> str:
    return f"The run failed: {context.get('reason') or 'Airflow gives no reason'}."


def what_of(context: Mapping[str, Any]) -> str:
    """The error, or what Airflow says instead of one."""
    error = context.get("exception")
    if isinstance(error, BaseException):
        return f"{type(error).__name__}: {error}"
    if context.get("reason") or error:
        return str(context.get("reason") or error)
    return "The task has ended."
