"""Nothing secret leaves in a message: tokens, passwords of connections, addresses of webhooks."""

from __future__ import annotations

import re
from collections.abc import Callable

from trendhouse.redaction import MASK, Redaction

# Slack's webhook addresses and its tokens are secrets by themselves.
SLACK_FORMS = re.compile(
    r"https?://hooks\.slack(?:-gov)?\.com/[^\s\"'<>|]+|xox[a-z]-[A-Za-z0-9-]{8,}"
)


def redactor(secrets: list[str]) -> Callable[[str], str]:
    """A function that masks these secrets, all that Airflow knows of, and all that looks like one."""
    from airflow.sdk._shared.secrets_masker import redact as of_airflow

    redaction = Redaction(secrets)

    def redact(text: str) -> str:
        return SLACK_FORMS.sub(MASK, str(of_airflow(redaction.text(text), replacement=MASK)))

    return redact
