"""Nothing secret is written down or shown: known secrets, and whatever looks like one."""

from __future__ import annotations

import logging
import os
import re
import time
import traceback
from typing import Any

from rich.console import Console

MASK = "[redacted]"
TOKEN_FORMS = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|(?i:authorization[\"']*\s*[:=]\s*[\"']?(?:(?:bearer|token|basic)\s+)?|bearer\s+)[^\s\"',}]{8,}"
    r"|(?<=://)[^/\s@\"'<>]+(?=@)"
    r"|(?i:(?<=[?&])((?:[a-z_-]*(?:token|password|secret|signature|api_?key))|sig|key|auth)=)[^&\s\"'<>]+"
)


def store_secrets() -> list[str]:
    """What opens an object store, as its libraries take it from the environment."""
    return [os.environ.get(name, "") for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]


class Redaction(logging.Formatter):
    """Formats log records with every known secret, and all that looks like a token, masked."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.converter = time.gmtime
        self.secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)

    def text(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return TOKEN_FORMS.sub(mask, text)

    def format(self, record: logging.LogRecord) -> str:
        return self.text(super().format(record))

    def formatException(self, exc_info: Any) -> str:
        return "".join(traceback.format_exception(*exc_info)).rstrip()


def mask(found: re.Match) -> str:
    """The mask, behind the name of a parameter of an address."""
    return f"{found[1]}={MASK}" if found[1] else MASK


def redacted(text: str) -> str:
    """The text with all that looks like a secret masked, as people may see it."""
    return TOKEN_FORMS.sub(mask, text)


class Screen(Console):
    """A console on which nothing is shown that looks like a secret."""

    def print(self, *objects: Any, **options: Any) -> None:
        shown = [redacted(each) if isinstance(each, str) else each for each in objects]
        super().print(*shown, **options)
