"""What Airflow calls when a run has missed its deadline: a function, on the executor, beside the run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from orchestration.alerts.alert import Alert, Cause
from orchestration.alerts.context import place_of
from orchestration.alerts.sending import send


def tell_missed(seconds: float, context: dict[str, Any]) -> None:
    """Tell that a run is still not over so long after it was queued."""
    what = f"The run is not over {timedelta(seconds=seconds)} after it was queued."
    send(Alert(Cause.DEADLINE, what, **place_of(context)))
