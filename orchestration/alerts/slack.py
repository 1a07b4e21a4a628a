"""Alerts in Slack: Block Kit, by an incoming webhook or as a bot."""

from __future__ import annotations

from typing import Any

from orchestration.alerts import wording
from orchestration.alerts.alert import Alert
from orchestration.alerts.channel import Channel
from trendhouse.notify.slack import CONNECTION, escaped, marked, post, section
from trendhouse.settings import Settings

LONGEST_TITLE = 150


class SlackChannel(Channel):
    """`slack_default`: of type `slackwebhook` a webhook, of type `slack` a bot's token.

    A bot needs the extra `channel`; whoever has a Slack of their own gives `base_url`, too.
    """

    name = "slack"
    connection_id = CONNECTION

    def deliver(self, alert: Alert, connection: Any, settings: Settings) -> None:
        post(connection, wording.title(alert), blocks_of(alert))


def blocks_of(alert: Alert) -> list[dict[str, Any]]:
    """The message as Slack's blocks: title, what failed, where, what to do, and the log."""
    title = f"{wording.sign(alert)} {wording.title(alert)}"[:LONGEST_TITLE]
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}},
        section(escaped(wording.what(alert))),
        {
            "type": "section",
            "fields": [
                marked(f"*{label}*\n{escaped(value)}") for label, value in wording.facts(alert)
            ],
        },
    ]
    if lines := wording.details(alert):
        blocks.append(section("\n".join(f"• {escaped(line)}" for line in lines)[:3000]))
    if to_do := wording.to_do(alert):
        blocks.append(section(f"*What to do*\n{escaped(to_do)}"))
    if alert.log_url:
        blocks.append(section(f"<{escaped(alert.log_url)}|Open in Airflow>"))
    return blocks
