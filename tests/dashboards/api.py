"""Superset's REST API as its user sees it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from dashboards.superset_app import USER


class Api:
    """A session by token. Raises HTTPError for whatever is refused."""

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self.token = ""
        self.open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open
        login = {"username": USER, "password": password, "provider": "db"}
        self.token = self.ask("security/login", login)["access_token"]

    def ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        return self.send(path, data, "application/json")

    def send(
        self, path: str, data: bytes | None, kind: str, method: str | None = None, **headers: str
    ) -> Any:
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if data is not None:
            headers["Content-Type"] = kind
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data, headers, method=method)
        with self.open(request, timeout=60) as answer:
            return json.load(answer)

    def change(self, method: str, path: str, data: bytes | None = None, kind: str = "") -> Any:
        """What only a page of Superset's own may ask: with the token that the session was given."""
        token = self.ask("security/csrf_token/")["result"]
        return self.send(path, data, kind, method, **{"X-CSRFToken": token})

    def upload(self, path: str, name: str, content: bytes) -> Any:
        """Send a file as a form does, over whatever is there."""
        line = b"--------trendhouse"
        parts = (
            (f'name="formData"; filename="{name}"', content),
            ('name="overwrite"', b"true"),
        )
        body = b"".join(
            b"--%b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n"
            % (line, said.encode(), held)
            for said, held in parts
        )
        kind = f"multipart/form-data; boundary={line.decode()}"
        return self.change("POST", path, body + b"--%b--\r\n" % line, kind)

    def refusal(self, path: str, body: Any = None) -> int:
        """The status of what is refused; 200 if it is not."""
        try:
            self.ask(path, body)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        return 200

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every `chart`, `dashboard` or `dataset`."""
        return self.ask(f"{kind}/?q=(page_size:200)")["result"]

    def rows(self, chart: int) -> list[dict[str, Any]]:
        """What a chart shows, by the query that is kept with it."""
        return self.ask(f"chart/{chart}/data/")["result"][0]["data"]

    def narrowed(self, chart: int, **values: str) -> list[dict[str, Any]]:
        """What a chart shows where a dashboard's filters have chosen these values."""
        context = json.loads(self.ask(f"chart/{chart}")["result"]["query_context"])
        context["queries"][0]["filters"] += [
            {"col": column, "op": "IN", "val": [value]} for column, value in values.items()
        ]
        return self.ask("chart/data", context)["result"][0]["data"]
