"""Send an alert by every channel, from inside a step or from anywhere else."""

from __future__ import annotations

import logging
from dataclasses import replace

from orchestration.alerts.alert import Alert

log = logging.getLogger(__name__)


def send(alert: Alert) -> list[str]:
    """Tell people by every channel that is configured; never raises, whatever fails.

    The names of the channels that delivered something: none where nothing is configured, where all
    of it failed, or where this is only counted as a repeat.
    """
    try:
        from orchestration.alerts.channels import CHANNELS

        alert = in_this_task(alert)
        return [each.name for each in CHANNELS if each(alert.cause).post(alert)]
    except Exception as error:
        log.error("An alert could not be sent: %s, %s", alert.cause, type(error).__name__)
        return []


def in_this_task(alert: Alert) -> Alert:
    """The alert with the place of the Airflow task that this is called in, where it has none."""
    from orchestration.alerts.context import place_of

    try:
        from airflow.sdk import get_current_context

        context = get_current_context()
    except RuntimeError:
        return alert
    place = place_of(context)
    return replace(alert, **{name: getattr(alert, name) or value for name, value in place.items()})
