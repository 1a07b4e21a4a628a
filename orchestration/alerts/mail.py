"""Alerts by mail: the same facts as a small table, to the owner of the source or to whom is named."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from orchestration.alerts import wording
from orchestration.alerts.alert import Alert
from orchestration.alerts.channel import Channel
from trendhouse.notify.mail import CONNECTION, post
from trendhouse.settings import Settings


class MailChannel(Channel):
    """`smtp_default`; its extra `from_email` is the sender."""

    name = "mail"
    connection_id = CONNECTION

    def deliver(self, alert: Alert, connection: Any, settings: Settings) -> None:
        post(recipients(alert, settings), f"[trendhouse] {wording.title(alert)}", body(alert))


def recipients(alert: Alert, settings: Settings) -> list[str]:
    """Who is named, else who owns the source, else all owners."""
    from trendhouse.declared.sources import landed_specs

    if settings.alert_mail:
        return [part.strip() for part in settings.alert_mail.split(",") if part.strip()]
    owners = {spec.name: spec.owner for spec in landed_specs()}
    return [owners[alert.origin]] if alert.origin in owners else sorted(set(owners.values()))


def body(alert: Alert) -> str:
    """The message as HTML that any mail reader shows."""
    rows = "".join(
        f"<tr><th align='left'>{escape(label)}</th><td>{escape(value)}</td></tr>\n"
        for label, value in wording.facts(alert)
    )
    parts = [
        f"<p><b>{wording.sign(alert)} {escape(wording.title(alert))}</b></p>",
        f"<p>{escape(wording.what(alert))}</p>",
    ]
    if lines := wording.details(alert):
        parts.append("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")
    parts.append(f"<table>\n{rows}</table>")
    if to_do := wording.to_do(alert):
        parts.append(f"<p><b>What to do:</b> {with_commands(to_do)}</p>")
    if alert.log_url:
        parts.append(f"<p><a href='{escape(alert.log_url)}'>Open in Airflow</a></p>")
    return "\n".join(parts) + "\n"


def with_commands(text: str) -> str:
    """The text as HTML, what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
