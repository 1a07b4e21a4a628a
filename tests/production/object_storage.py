"""Object stores of the tests' own on loopback: moto for S3, an emulator for GCS, and a proxy that disturbs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from typing import Any

BUCKET = "lake"
PATIENCE_SECONDS = 30
HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}
ERROR = '<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}, as the test wants it.</Message></Error>'
CODES = {403: "AccessDenied", 412: "PreconditionFailed", 500: "InternalError", 503: "SlowDown"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(command: list[str], url: str, **variables: str) -> Iterator[str]:
    """A server in a process of its own, from when it answers at all."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ends = time.monotonic() + PATIENCE_SECONDS
        while not answers(url):
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
            assert time.monotonic() < ends, f"{command[0]} does not answer"
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True


@contextmanager
def s3_server() -> Iterator[str]:
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("moto_server")),
        "-H",
        "127.0.0.1",
        "-p",
        f"{port}",
    ]
    with server(command, f"http://127.0.0.1:{port}") as url:
        yield url


def s3_variables(endpoint: str) -> dict[str, str]:
    """All that a user sets to reach another S3; the keys are made up here and now."""
    return {
        "AWS_ACCESS_KEY_ID": f"test{token_hex(8)}",
        "AWS_SECRET_ACCESS_KEY": token_hex(20),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def aws_client(service: str, endpoint: str) -> Any:
    import boto3

    given = s3_variables(endpoint)
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=given["AWS_DEFAULT_REGION"],
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
    )


def s3_client(endpoint: str) -> Any:
    return aws_client("s3", endpoint)


class Tokens(BaseHTTPRequestHandler):
    """Google's token service, as far as a service account asks it."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = json.dumps({"access_token": token_hex(16), "expires_in": 3600}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", f"{len(answer)}")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def gcs_server(folder: Path) -> Iterator[dict[str, str]]:
    """All that a user sets to reach Google Cloud Storage, an emulator of it: a service account, made up
    here and now, whose tokens come from a server of ours; and the emulator's own variables."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("gcp-storage-emulator")), "start"]
    command += ["-H", "127.0.0.1", "--port", f"{port}", "--in-memory", "--default-bucket", BUCKET]
    with server(command, f"http://127.0.0.1:{port}") as url, serving(Tokens) as tokens:
        account = folder / "account.json"
        account.write_text(json.dumps(service_account(f"{tokens}/token")))
        yield {
            "GOOGLE_APPLICATION_CREDENTIALS": str(account),
            "STORAGE_EMULATOR_HOST": url,
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # the emulator has no control API to ask
        }


def service_account(token_uri: str) -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "type": "service_account",
        "project_id": "trendhouse",
        "client_email": "loader@trendhouse.invalid",
        "token_uri": token_uri,
        "private_key": key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode(),
    }


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on a thread of this process."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        listening.daemon_threads = True
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()
            thread.join()


@dataclass
class Request:
    """What passed the proxy."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class Disturbed:
    """A proxy before a store. `fault` says of each request what to answer instead of passing it on: a
    status, or None; whatever it does before it answers, the request waits for. `lost` says whether the
    answer to a request that was passed on is replaced by an error, `stripped` names headers that the
    store never sees."""

    url: str
    upstream: str
    fault: Callable[[Request], int | None] = lambda request: None
    lost: Callable[[Request], bool] = lambda request: False
    stripped: set[str] = field(default_factory=set)
    seen: list[Request] = field(default_factory=list)

    def count(self, method: str, part: str = "") -> int:
        return sum(each.method == method and part in each.path for each in self.seen)


@contextmanager
def disturbed(upstream: str) -> Iterator[Disturbed]:
    host = upstream.removeprefix("http://")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:
                self.close_connection = True  # the client was killed, or has given up

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, dict(self.headers.items()))
            proxy.seen.append(request)
            status = proxy.fault(request)
            if status is not None:
                self.answer(status, {}, ERROR.format(code=CODES[status]).encode())
                return
            connection = HTTPConnection(host, timeout=60)
            headers = {k: v for k, v in self.headers.items() if k not in proxy.stripped}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            if proxy.lost(request):
                self.answer(500, {}, ERROR.format(code=CODES[500]).encode())
            else:
                self.answer(answer.status, dict(answer.getheaders()), content)

        def answer(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            length = headers.get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on

        def log_message(self, *arguments: Any) -> None:
            pass

    proxy = Disturbed("", upstream)
    with serving(Handler) as proxy.url:
        yield proxy
