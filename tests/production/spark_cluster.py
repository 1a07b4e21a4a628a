"""Real Spark servers on this machine, each a process of its own, and raw lakes that make them work."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spark.java import find_java
from tests.spark.conftest import T0, Landing
from trendhouse.lake.lake import Lake
from trendhouse.settings import ROOT

PATIENCE = 90.0
SOURCE, TABLE = "github_ranking", "rankings"


def until(found: Callable[[], Any], what: str) -> Any:
    """What `found` returns as soon as that is something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(OSError, ValueError):
            if result := found():
                return result
        time.sleep(0.05)
    raise AssertionError(f"not within {PATIENCE:g} s: {what}")


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


@dataclass
class Server:
    """One server process with all that it starts, in a process group of its own."""

    process: subprocess.Popen[bytes]
    log: Path

    def says(self, pattern: str) -> str:
        """The first group of what the log comes to say."""

        def found() -> str | None:
            assert self.process.poll() is None, self.log.read_text()
            match = re.search(pattern, self.log.read_text())
            return match and match[1]

        return until(found, f"{pattern} in {self.log}")

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def serve(folder: Path, name: str, *command: str, **variables: str) -> Server:
    """Start a class or script of PySpark's own jars."""
    import pyspark

    folder.mkdir(parents=True, exist_ok=True)
    log4j = folder / "log4j2.properties"
    log4j.write_text(
        "rootLogger.level = info\nrootLogger.appenderRef.e.ref = e\nappender.e.type = Console\n"
        "appender.e.name = e\nappender.e.target = SYSTEM_ERR\nappender.e.layout.type = PatternLayout\n"
        "appender.e.layout.pattern = %p %c{1}: %m%n\n"
    )
    environment = {
        **os.environ,
        "JAVA_HOME": str(find_java().home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_CONF_DIR": str(folder),
        "SPARK_WORKER_DIR": str(folder / "work"),
        **variables,
    }
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [Path(pyspark.__file__).parent / "bin" / command[0], *command[1:]],
            env=environment,
            stdout=file,
            stderr=file,
            cwd=folder,
            start_new_session=True,
        )
    return Server(process, log)


class Cluster:
    """A standalone master and two workers of one core each."""

    def __init__(self, folder: Path) -> None:
        deploy, here = "org.apache.spark.deploy", ("--host", "127.0.0.1", "--webui-port", "0")
        self.workers: list[Server] = []
        self.master = serve(
            folder, "master", "spark-class", f"{deploy}.master.Master", *here, "--port", "0"
        )
        self.address = self.master.says(r"Starting Spark master at (spark://\S+)")
        port = self.master.says(r"Successfully started service 'MasterUI' on port (\d+)")
        self.page = f"http://127.0.0.1:{port}/json/"
        size = ("--cores", "1", "--memory", "700m")
        for name in ("first", "second"):
            worker = f"{deploy}.worker.Worker"
            self.workers.append(
                serve(folder, name, "spark-class", worker, *here, *size, self.address)
            )
        until(lambda: len(self.alive()) == 2, "two workers at the master")

    def alive(self) -> list[dict[str, Any]]:
        return [each for each in ask(self.page)["workers"] if each["state"] == "ALIVE"]

    def stop(self) -> None:
        for server in (*self.workers, self.master):
            server.kill()


def land(lake: Lake, load: int, days: int, rows: int) -> int:
    """Rankings of `days` days with `rows` lines each: later loads restate half of the lines before, one in a
    hundred is unreadable. Returns the raw rows."""
    landing = Landing(lake, SOURCE)
    for day in range(1, days + 1):
        lines = [
            (line(load, rank), {"ranking_date": f"2026-01-{day:02d}"})
            for rank in range(1, rows + 1)
        ]
        landing.land(
            TABLE, *lines, at=T0.replace(month=2, day=load), load=f"load{load:02d}{day:02d}"
        )
    return days * rows


def line(load: int, rank: int) -> dict[str, Any]:
    """One line; its text is long, so that reading it takes a while."""
    return {
        "item": "top-100-stars",
        "rank": rank,
        "repo_name": f"r{rank}",
        "stars": "many" if rank % 100 == 0 else rank * 10 + (load if rank % 2 else 0),
        "forks": rank,
        "repo_url": f"https://example.org/o/r{rank}",
        "description": f"{rank} " * 100,
    }


def job(lake: Lake, master: str, cwd: Path = ROOT, **conf: str) -> subprocess.Popen[str]:
    """The deduplication as anybody runs it, driven from this machine; with `conf` for Spark."""
    settings = {"spark.executor.memory": "512m", "spark.driver.host": "127.0.0.1", **conf}
    command = (sys.executable, "-m", "spark.jobs.deduplicate", SOURCE, "--lake", str(lake.root))
    return subprocess.Popen(
        command,
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": "/nowhere/python",  # executors need none
            "TRENDHOUSE_SPARK_MASTER": master,
            "TRENDHOUSE_SPARK_MEMORY": "600m",
            "TRENDHOUSE_SPARK_CONF": json.dumps(settings),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def done(process: subprocess.Popen[str]) -> str:
    """What a job printed; fails with what it said if it failed."""
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, said + errors
    return said
