"""`trendhouse serve` as a user starts and ends it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

TRENDHOUSE = Path(sys.executable).with_name("trendhouse")


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """The address of a server that is ended as Ctrl-C does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([TRENDHOUSE, "serve", "--port", str(port), *options]) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=60)
    assert code in (0, -signal.SIGTERM)


def asked(url: str, status: int) -> dict:
    """The answer, as soon as it has the status that is waited for."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            found, body = error.code, error.read()
        except OSError:
            found = None
        if found == status:
            return json.loads(body)
        time.sleep(0.1)
    raise AssertionError(f"{url} never answered {status}")


def test_what_is_published_is_served_and_followed(house):
    house.product("spark", "4.1.0", date(2026, 11, 1))
    house.publish()
    with serving() as address:
        assert asked(f"{address}/readyz", 200)["version"] == 1
        house.product("hive", "4.2.0", date(2026, 11, 1))
        house.publish()
        for _ in range(300):
            if (version := asked(f"{address}/readyz", 200)["version"]) == 2:
                break
            time.sleep(0.1)
        assert version == 2


def test_without_a_publication_it_says_so_or_waits_for_one(house):
    ended = subprocess.run([TRENDHOUSE, "serve"], capture_output=True, text=True, env=os.environ)
    assert ended.returncode == 2
    assert "make run" in ended.stderr
    with serving("--wait") as address:
        assert asked(f"{address}/readyz", 503)
        house.product("spark", "4.1.0", date(2026, 11, 1))
        house.publish()
        assert asked(f"{address}/readyz", 200)["version"] == 1
