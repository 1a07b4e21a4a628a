"""The application in a process of its own, started as people start it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.sinks import free_port
from trendhouse.settings import ROOT

SERVE = "from cli.main import main; main()"


@contextmanager
def standing(home: Path, log: Path, **settings: str) -> Iterator[str]:
    """Its address, once it is ready; `log` gets what it says."""
    port = free_port()
    given = {f"TRENDHOUSE_{name.upper()}": value for name, value in settings.items()}
    environment = {
        **os.environ,
        "TRENDHOUSE_HOME": str(home),
        "TRENDHOUSE_WORLD": "sample",
        "TRENDHOUSE_RATE_LIMIT": "none",
        **given,
    }
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "serve", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=said,
            stderr=said,
        )
        try:
            wait_for(url, process, log)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            if requests.get(f"{url}/readyz", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())
