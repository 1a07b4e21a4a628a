"""A message in Slack, as blocks."""

from __future__ import annotations

from typing import Any

CONNECTION = "slack_default"
SECONDS = 10


def post(connection: Any, text: str, blocks: list[dict[str, Any]]) -> None:
    """Send blocks by the connection of this channel; `text` stands where they cannot be shown. May raise anything."""
    if connection.conn_type == "slack":
        from airflow.providers.slack.hooks.slack import SlackHook

        channel = connection.extra_dejson.get("channel", "#trendhouse")
        hook = SlackHook(slack_conn_id=CONNECTION, timeout=SECONDS)
        hook.client.chat_postMessage(channel=channel, text=text, blocks=blocks, unfurl_links=False)
    else:
        from airflow.providers.slack.hooks.slack_webhook import SlackWebhookHook

        hook = SlackWebhookHook(slack_webhook_conn_id=CONNECTION, timeout=SECONDS)
        hook.send(text=text, blocks=blocks, unfurl_links=False)


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": marked(text)}


def marked(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def escaped(text: str) -> str:
    """Slack's three control characters as it wants them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
