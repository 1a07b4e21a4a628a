"""Every text of an alert is masked before it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from orchestration.alerts.alert import Alert

TEXTS = ("what", "attempt", "dag_id", "task_id", "run_id", "source", "log_url")


def redacted(alert: Alert, redact: Callable[[str], str]) -> Alert:
    """The alert with every text of it masked."""
    return replace(
        alert,
        details=tuple(map(redact, alert.details)),
        **{name: redact(getattr(alert, name)) for name in TEXTS},
    )
