"""Alerts: one message per cause, grouped and rate-limited, by Slack and by mail.

DAGs splat `task_alerts()` into their default arguments and `dag_alerts()` into themselves; what a step
finds beside its end (`alerts_of`) is sent with `send`.
"""

from orchestration.alerts.alert import Alert, Cause
from orchestration.alerts.callbacks import dag_alerts, task_alerts
from orchestration.alerts.causes import alerts_of
from orchestration.alerts.sending import send

__all__ = ["Alert", "Cause", "alerts_of", "dag_alerts", "send", "task_alerts"]
