"""An answer from upstream, and what its headers and errors say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import orjson

from ingestion.records import Malformed, Records


@dataclass
class Reply:
    """An answer: status, headers, body, the address that gave it and when it was true (UTC)."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    observed_at: datetime
    seconds: float = 0.0
    moved: bool = False

    @cached_property
    def json(self) -> Any:
        """The decoded body. Raises Malformed."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Malformed(str(error)) from error

    @property
    def is_array(self) -> bool:
        return self.body.lstrip()[:1] == b"["

    @cached_property
    def records(self) -> Records:
        """The items of an array, or else the whole as one record, as received. Raises Malformed."""
        if self.is_array:
            return Records.of_array(self.body)
        self.json  # noqa: B018  a text that is no JSON is found here, as in an array
        return Records([self.body])

    @cached_property
    def links(self) -> dict[str, str]:
        """The Link header as relation -> address."""
        found = {}
        for part in self.headers.get("Link", "").split(","):
            address, _, relation = part.partition(";")
            if 'rel="' in relation:
                found[relation.split('rel="')[1].split('"')[0]] = address.strip().strip("<>")
        return found


def is_rate_limited(content: Any) -> bool:
    """Whether GraphQL refuses for want of points; it does so with status 200."""
    errors = content.get("errors") if isinstance(content, dict) else None
    return any(error.get("type") == "RATE_LIMITED" for error in errors or [])


def message_of(reply: Reply) -> str:
    try:
        said = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return reply.body[:200].decode("utf-8", "replace")
    return str(said.get("message", "")) if isinstance(said, dict) else ""


def seconds_of(text: str | None, date: float) -> float | None:
    """A Retry-After header in seconds from the answer's Date; None without one."""
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    return max(0.0, parsedate_to_datetime(text).timestamp() - date)
