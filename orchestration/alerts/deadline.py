"""What Airflow calls when a run has missed its deadline."""

from __future__ import annotations

from typing import Any

from orchestration.alerts.alert import Alert, Cause
from orchestration.alerts.context import place_of
from orchestration.alerts.sending import send


def tell_missed(minutes: float, context: dict[str, Any]) -> None:
    """Tell that a run is still not over `minutes` after it was queued."""
    what = f"The run is not over {minutes:g} minutes after it was queued."
    send(Alert(Cause.DEADLINE, what, **place_of(context)))
