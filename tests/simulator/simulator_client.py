"""How tests read from a simulator: one plain request at a time, or a list along its links."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Reply:
    """What came back: status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def next(self) -> str | None:
        match = re.search(r'<([^>]+)>; rel="next"', self.headers.get("link", ""))
        return match[1] if match else None


def get(url: str, token: str | None = "t", body: bytes | None = None, **headers: str) -> Reply:
    """One request without following redirects; raises IncompleteRead where the answer is cut."""
    parts = urlsplit(url)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST" if body is not None else "GET", path, body, sent)
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, names, answer.read())
    finally:
        connection.close()


def walk(url: str | None, **options: Any) -> list[Any]:
    """Every item of a list, page by page along `next`."""
    items: list[Any] = []
    while url is not None:
        reply = get(url, **options)
        assert reply.status == 200, reply.body
        items += reply.json
        url = reply.next
    return items
