"""A mailbox for alerts on this machine, where no channel is configured: shown as they come, kept, and read as a page."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOOK = "/alerts"
PAGE = """<!doctype html><meta charset="utf-8"><title>Alerts of Trendhouse</title>
<style>body{{font:15px/1.5 sans-serif;max-width:50em;margin:2em auto;color:#1d1c1d}}
article{{border:1px solid #ddd;border-radius:8px;padding:.4em 1.2em;margin:1.2em 0}}
time{{color:#777;font-size:.85em}}code{{background:#eee;padding:.1em .3em}}
h3{{margin:.2em 0}}p{{margin:.5em 0}}ul{{display:grid;grid-template-columns:1fr 1fr;gap:.5em 1em;
list-style:none;padding:0;margin:.5em 0}}li{{overflow-wrap:anywhere}}</style>
<h2>Alerts of Trendhouse</h2>{articles}"""
LINK = re.compile(r"&lt;(https?://[^|&]+)\|([^&]+)&gt;")
MARKS = (
    (re.compile(r"\*([^*\n]+)\*"), r"<b>\1</b>"),
    (re.compile(r"`([^`\n]+)`"), r"<code>\1</code>"),
)


class Mailbox(ThreadingHTTPServer):
    """Takes what a Slack webhook takes; keeps a line per message."""

    daemon_threads = True

    def __init__(self, path: Path, on_alert: Callable[[str], None]) -> None:
        super().__init__(("127.0.0.1", 0), Delivery)
        self.path = path
        self.on_alert = on_alert
        self.writing = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{HOOK}"

    def take(self, message: dict[str, Any]) -> None:
        kept = {"received_at": datetime.now(UTC).isoformat(timespec="seconds"), "message": message}
        with self.writing:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(kept) + "\n")
        self.on_alert(headline(message))

    def kept(self) -> list[dict[str, Any]]:
        """Every message so far, the last one first."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        return [json.loads(line) for line in reversed(lines)]


class Delivery(BaseHTTPRequestHandler):
    """POST delivers a message, GET shows all of them."""

    server: Mailbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.take(json.loads(body))
        self.answer(b"ok", "text/plain")

    def do_GET(self) -> None:
        self.answer(page(self.server.kept()).encode(), "text/html; charset=utf-8")

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Deliveries are told by the mailbox itself."""


def headline(message: dict[str, Any]) -> str:
    """A message in one line."""
    text = message.get("text") or " ".join(t for block in blocks(message) for t in texts(block))
    return text.strip().splitlines()[0] if text.strip() else "(no text)"


def blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A message's blocks in their order, those of attachments after its own."""
    parts = [message, *message.get("attachments", [])]
    return [block for part in parts for block in part.get("blocks", [])]


def texts(block: dict[str, Any]) -> list[str]:
    """The texts of a block."""
    pieces = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
    found = [piece.get("text") for piece in pieces if isinstance(piece, dict)]
    return [text if isinstance(text, str) else text.get("text", "") for text in found if text]


def page(kept: list[dict[str, Any]]) -> str:
    """Every message, the last one first."""
    articles = "".join(
        f"<article><time>{html.escape(each['received_at'])}</time>{article(each['message'])}</article>"
        for each in kept
    )
    return PAGE.format(articles=articles or "<p>None so far.</p>")


def article(message: dict[str, Any]) -> str:
    """One message as HTML; one without blocks by its text."""
    made = []
    for block in blocks(message):
        lines = [rendered(text) for text in texts(block)]
        if block.get("type") == "header":
            made += [f"<h3>{line}</h3>" for line in lines]
        elif block.get("fields"):
            made.append(f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>")
        else:
            made += [f"<p>{line}</p>" for line in lines]
    return "".join(made) or f"<p>{rendered(headline(message))}</p>"


def rendered(text: str) -> str:
    """Slack's marks as HTML."""
    made = html.escape(text, quote=False)
    made = LINK.sub(r'<a href="\1">\2</a>', made)
    for pattern, replacement in MARKS:
        made = pattern.sub(replacement, made)
    return made.replace("\n", "<br>")


def connection(url: str) -> str:
    """The mailbox as Airflow's Slack connection, in the form that AIRFLOW_CONN_… takes."""
    return json.dumps({"conn_type": "slackwebhook", "password": url})


@contextmanager
def mailbox(path: Path, on_alert: Callable[[str], None]) -> Iterator[Mailbox]:
    """A mailbox on a free loopback port, for as long as the context lasts."""
    with Mailbox(path, on_alert) as box:
        thread = threading.Thread(target=box.serve_forever, name="mailbox", daemon=True)
        thread.start()
        try:
            yield box
        finally:
            box.shutdown()
            thread.join()
