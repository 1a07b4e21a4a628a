"""From the context that Airflow gives a callback to an alert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestration.alerts.alert import Alert, Cause


def place_of(context: Mapping[str, Any]) -> dict[str, str]:
    """DAG, task, run and log link of a context, as far as it knows them."""
    instance, run = context.get("ti"), context.get("dag_run")
    of_run = run.get if isinstance(run, Mapping) else lambda name: getattr(run, name, None)
    return {
        "dag_id": str(getattr(instance, "dag_id", None) or of_run("dag_id") or ""),
        "task_id": str(getattr(instance, "task_id", None) or ""),
        "run_id": str(getattr(instance, "run_id", None) or of_run("run_id") or ""),
        "log_url": str(getattr(instance, "log_url", None) or ""),
    }


def alert_of(cause: Cause, context: Mapping[str, Any], *, is_grouped: bool = True) -> Alert:
    """The alert of a callback: the error's own cause where it has one."""
    return Alert(cause, what_of(context), is_grouped=is_grouped, **place_of(context))


def what_of(context: Mapping[str, Any]) -> str:
    error = context.get("exception")
    if error is None:
        return str(context.get("reason") or "")
    return f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else str(error)
