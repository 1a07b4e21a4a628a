"""What DAGs splat into themselves and their default arguments, so that people hear of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from orchestration.alerts.alert import Cause


def task_alerts() -> dict[str, Any]:
    """Callbacks of every task of a DAG, for `default_args`."""
    return {
        "on_retry_callback": notifiers(Cause.RETRY),
        "on_failure_callback": notifiers(Cause.FAILURE),
    }


def dag_alerts(deadline: timedelta | None = None) -> dict[str, Any]:
    """Callbacks and deadline of a DAG, for `@dag`; the deadline counts from when a run is queued."""
    from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback

    from trendhouse.settings import load_settings

    interval = deadline or timedelta(minutes=load_settings().alert_deadline_minutes)
    return {
        "on_success_callback": notifiers(Cause.SUCCESS, is_of_run=True),
        "on_failure_callback": notifiers(Cause.FAILURE, is_of_run=True),
        "deadline": DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            # As a number: Airflow 3.3.2 cannot clear a task of a run whose interval it keeps as a timedelta.
            interval=interval.total_seconds(),
            callback=SyncCallback(
                "orchestration.alerts.deadline.tell_missed",
                kwargs={"seconds": interval.total_seconds()},
            ),
        ),
    }


def notifiers(cause: Cause, *, is_of_run: bool = False, is_grouped: bool = True) -> list[Any]:
    """One notifier per channel."""
    from orchestration.alerts.channels import CHANNELS

    return [channel(cause, is_of_run=is_of_run, is_grouped=is_grouped) for channel in CHANNELS]
