"""Where alerts arrive in tests: a real mail server and a real HTTP server on this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

MAIL_PASSWORD = "the-mail-password"
WEBHOOK_PATH = "T0/B0/the-secret-part-of-the-hook"
BOT_TOKEN = "the-token-of-the-bot"


class Mailbox:
    """Every mail that the server took; `refuses` makes it refuse them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[Message] = []
        self.recipients: list[list[str]] = []
        self.refuses = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuses:
            return "554 no"
        self.mails.append(message_from_bytes(envelope.content))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 taken"

    @property
    def subjects(self) -> list[str]:
        return [str(make_header(decode_header(mail["Subject"]))) for mail in self.mails]

    @property
    def bodies(self) -> list[str]:
        return [
            part.get_payload(decode=True).decode().replace("\r\n", "\n")
            for mail in self.mails
            for part in mail.walk()
            if part.get_content_type() == "text/html"
        ]

    @property
    def connection(self) -> str:
        """What the environment gives as `AIRFLOW_CONN_SMTP_DEFAULT`."""
        return json.dumps(
            {
                "conn_type": "smtp",
                "host": "127.0.0.1",
                "port": self.port,
                "extra": {
                    "disable_ssl": True,
                    "disable_tls": True,
                    "from_email": "house@example.org",
                    "access_token": MAIL_PASSWORD,
                    "retry_limit": 0,
                },
            }
        )


class Sink:
    """Every JSON body that was posted, with its path; answers as Slack does, or with `status`."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.status = 200
        self.url = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if sink.status == 200:
                    sink.paths.append(self.path)
                    sink.bodies.append(json.loads(body))
                answer = b'{"ok": true}' if self.path.startswith("/api") else b"ok"
                self.send_response(sink.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    @property
    def webhook(self) -> str:
        """What the environment gives as `AIRFLOW_CONN_SLACK_DEFAULT` for a webhook."""
        return json.dumps({"conn_type": "slackwebhook", "host": self.url, "password": WEBHOOK_PATH})

    @property
    def bot(self) -> str:
        """The same for a bot."""
        return json.dumps(
            {
                "conn_type": "slack",
                "password": BOT_TOKEN,
                "extra": {"base_url": f"{self.url}/api/", "channel": "#monitoring_airflow"},
            }
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    box = Mailbox(free_port())
    server = Controller(box, hostname="127.0.0.1", port=box.port)
    server.start()
    try:
        yield box
    finally:
        server.stop()


@contextmanager
def slack_server() -> Iterator[Sink]:
    sink = Sink()
    server = ThreadingHTTPServer(("127.0.0.1", 0), sink.handler())
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    sink.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
