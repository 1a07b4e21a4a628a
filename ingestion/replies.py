"""An answer from upstream, and what its headers and errors say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from ingestion.instants import read_http_date
from ingestion.records import Records
from ingestion.unreadable import Malformed, value_of


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
        """The decoded body, by a lenient reader what a strict one refuses. Raises Malformed."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            if (found := value_of(self.body)) is None:
                raise Malformed(str(error)) from error
            return found

    @cached_property
    def said(self) -> Any:
        """The body's value whatever it is; None if it is no JSON."""
        return value_of(self.body)

    @property
    def is_array(self) -> bool:
        return self.body.lstrip()[:1] == b"["

    @cached_property
    def records(self) -> Records:
        """The items of an array, or else the whole as one record, as received. Raises Malformed."""
        if self.is_array:
            return Records.of_array(self.body)
        return Records.of_object(self.body)

    @cached_property
    def links(self) -> dict[str, str]:
        """The Link header as relation -> address."""
        found = {}
        for part in self.headers.get("Link", "").split(","):
            address, _, relation = part.partition(";")
            if 'rel="' in relation:
                found[relation.split('rel="')[1].split('"')[0]] = address.strip().strip("<>")
        return found


def errors_of(content: Any) -> list[Mapping[str, Any]]:
    """The errors in a GraphQL answer."""
    errors = content.get("errors") if isinstance(content, dict) else None
    return [error for error in errors or [] if isinstance(error, dict)]


def is_rate_limited(content: Any) -> bool:
    """Whether GraphQL refuses for want of points; it does so with status 200."""
    return any(error.get("type") == "RATE_LIMITED" for error in errors_of(content))


def message_of(reply: Reply) -> str:
    if reply.said is None:
        return reply.body[:200].decode("utf-8", "replace")
    return str(reply.said.get("message", "")) if isinstance(reply.said, dict) else ""


def seconds_of(text: str | None, date: float) -> float | None:
    """A Retry-After header in seconds from the answer's Date; None without one that can be read."""
    if text and text.strip().isdecimal():
        return float(text)
    at = read_http_date(text)
    return max(0.0, at.timestamp() - date) if at else None
