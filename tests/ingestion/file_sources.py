"""How tests land file sources: a world of its own, its raw rows, and a server that says what it is told."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ingestion.landing import Landing
from ingestion.pipeline import plan, run
from trendhouse.declared.sources import load_spec
from trendhouse.settings import Settings, load_settings


class World:
    """A home below a test's folder; `land()` runs the real pipeline, `rows()` reads the raw lake."""

    def __init__(self, folder: Path, monkeypatch: Any, source: str, location: object) -> None:
        self.folder, self.source = folder, source
        self.options: dict[str, Any] = {"now": "2026-11-02T06:10:00+00:00"}
        self.watchlist = folder / "watchlist.csv"
        self.watchlist.write_text("product_name,kind,target,enabled\n")
        monkeypatch.setenv(load_spec(source).location.env, str(location))

    @property
    def settings(self) -> Settings:
        home = self.folder / "home"
        return load_settings(home=home, world="recorded", watchlist=self.watchlist, **self.options)

    def land(self, **options: Any) -> Landing:
        self.options.update(options)
        return run(self.source, self.settings)

    def planned(self) -> int:
        return plan(self.source, self.settings).requests

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every raw row, in the order of landing, its context read."""
        files = self.settings.place.lake.raw_files(self.source, table)
        rows = [row for file in files for row in pq.read_table(file).to_pylist()]
        return [{**row, "context": json.loads(row["context"])} for row in rows]

    def expected(self) -> dict[tuple[str, str], int]:
        """{(stream, partition): count} of the newest readings."""
        found = [json.loads(row["record"]) for row in self.rows("readings")]
        return {(r["stream_name"], r["partition_name"]): r["expected_count"] for r in found}

    def landed(self, table: str) -> Counter[str]:
        return Counter(row["partition_name"] for row in self.rows(table))


Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Upstream:
    """A server on loopback; `replies` are given in turn per path, the last one for ever after."""

    base_url: str = ""
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def put(self, path: str, body: bytes, tag: str | None = None, status: int = 200) -> None:
        headers = {"ETag": tag} if tag else {}
        self.replies[path] = [(status, headers, body)]

    def answer(self, path: str, headers: dict[str, str]) -> Reply:
        self.asked.append((path, headers))
        waiting = self.replies.get(path, [(404, {}, b"Not Found")])
        reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        tag = reply[1].get("ETag")
        return (304, {}, b"") if tag and headers.get("If-None-Match") == tag else reply


@contextlib.contextmanager
def serving() -> Iterator[Upstream]:
    upstream = Upstream()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = upstream.answer(self.path, dict(self.headers))
            self.send_response_only(status)  # without a Date of its own
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        upstream.base_url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield upstream
        finally:
            server.shutdown()
            thread.join()


def event(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "type": "WatchEvent",
        "repo": {"id": number % 7, "name": f"owner/{number % 7}"},
        "created_at": "2015-01-01T00:00:00Z",
        **changes,
    }


def ndjson(events: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in events)


def packed(events: list[dict[str, Any]]) -> bytes:
    return gzip.compress(ndjson(events))
