"""What every channel does: an Airflow notifier that groups, redacts, delivers and never raises."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from airflow.sdk import BaseNotifier

from orchestration.alerts.alert import Alert, Cause
from orchestration.alerts.context import alert_of
from orchestration.alerts.grouping import Grouping
from orchestration.alerts.redaction import redacted
from trendhouse.notify import connections
from trendhouse.notify.redaction import redactor
from trendhouse.settings import Settings, load_settings

log = logging.getLogger(__name__)


class Channel(BaseNotifier, ABC):
    """A way to people. A new one names itself and its connection, and says how it delivers."""

    name: ClassVar[str]
    connection_id: ClassVar[str]

    def __init__(self, cause: Cause, *, is_of_run: bool = False, is_grouped: bool = True) -> None:
        super().__init__()
        self.cause = cause
        self.is_of_run = is_of_run
        self.is_grouped = is_grouped

    def notify(self, context: Any) -> None:
        """Called by Airflow at the end of a task or of a run."""
        try:
            alert = alert_of(
                self.cause, context, is_of_run=self.is_of_run, is_grouped=self.is_grouped
            )
        except Exception:
            log.exception("%s: no alert could be made of a callback's context", self.name)
        else:
            self.post(alert)

    def post(self, alert: Alert) -> bool:
        """Deliver what the grouping lets through; whatever fails is logged and counted, not raised.

        Whether something was delivered.
        """
        try:
            connection = connections.find(self.connection_id)
            if connection is None:
                log.info("%s: no connection `%s`, silent", self.name, self.connection_id)
                return False
            return self.tell(alert, connection, load_settings())
        except Exception as error:
            log.error("%s: %s not sent: %s", self.name, alert.cause, type(error).__name__)
            return False

    def tell(self, alert: Alert, connection: Any, settings: Settings) -> bool:
        redact = redactor([*settings.tokens, *connections.secrets(self.connection_id)])
        grouping = Grouping(
            settings.place.root / "alerts.json",
            self.name,
            timedelta(minutes=settings.alert_window_minutes),
            settings.alert_limit,
        )
        now, delivered = datetime.now(UTC), False
        for message in self.admitted(grouping, redacted(alert, redact), now):
            try:
                self.deliver(message, connection, settings)
            except Exception as error:
                said = redact(f"{type(error).__name__}: {error}")
                log.error("%s: %s not delivered: %s", self.name, message.cause, said)
                self.settle(grouping, message, now, is_delivered=False)
            else:
                self.settle(grouping, message, now, is_delivered=True)
                delivered = True
        return delivered

    def admitted(self, grouping: Grouping, alert: Alert, now: datetime) -> list[Alert]:
        """What the grouping lets through; all of it where its memory fails, as on a full disk."""
        try:
            return grouping.admit(alert, now)
        except OSError as error:
            log.warning("%s: not grouped, %s: %s", self.name, type(error).__name__, grouping.path)
            return [alert]

    def settle(
        self, grouping: Grouping, alert: Alert, now: datetime, *, is_delivered: bool
    ) -> None:
        try:
            grouping.settle(alert, now, is_delivered=is_delivered)
        except OSError as error:
            log.warning("%s: not counted, %s: %s", self.name, type(error).__name__, grouping.path)

    @abstractmethod
    def deliver(self, alert: Alert, connection: Any, settings: Settings) -> None:
        """Send one message. May raise anything."""
