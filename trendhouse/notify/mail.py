"""A message by mail."""

from __future__ import annotations

CONNECTION = "smtp_default"
SENDER = "trendhouse@localhost"


def post(to: list[str], subject: str, html: str) -> None:
    """Send a mail by the connection of this channel. May raise anything."""
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    with SmtpHook(smtp_conn_id=CONNECTION) as hook:
        hook.send_email_smtp(
            to=to,
            from_email=hook.from_email or SENDER,
            subject=subject,
            html_content=html,
            custom_headers={"Auto-Submitted": "auto-generated"},
        )
