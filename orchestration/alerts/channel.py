"""What every channel does: an Airflow notifier that groups, redacts, delivers and never raises."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import BaseNotifier

from orchestration.alerts.alert import Alert, Cause
from orchestration.alerts.context import alert_of

log = logging.getLogger(__name__)


class Channel(BaseNotifier):
    """A way to people. A new one gives its connection's name and says how it delivers."""

    connection_id = ""

    def __init__(self, cause: Cause, *, is_grouped: bool = True) -> None:
        super().__init__()
        self.cause = cause
        self.is_grouped = is_grouped

    def notify(self, context: Any) -> None:
        """Called by Airflow at a task's or a run's end."""
        self.post(alert_of(self.cause, context, is_grouped=self.is_grouped))

    def post(self, alert: Alert) -> None:
        """Deliver what the grouping lets through; a failure is logged and counted."""
        log.warning("alert: %s, %s %s: %s", alert.cause, alert.dag_id, alert.task_id, alert.what)

    def deliver(self, alert: Alert) -> None:
        raise NotImplementedError
