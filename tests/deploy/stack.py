"""The shipped monitoring, started for real: Prometheus, Alertmanager, node-exporter and Airflow on free ports.

Of the shipped files only addresses and intervals are changed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from orchestration.airflow_home import AirflowHome, executable
from orchestration.components import Component
from trendhouse.sessions import end_sessions
from trendhouse.settings import ROOT

DEPLOY = ROOT / "deploy"
PROGRAMS = (
    *("prometheus", "promtool", "prometheus-alertmanager", "amtool", "prometheus-node-exporter"),
)
# Without the triggerer: the watched DAGs defer nothing.
COMPONENTS = ("api-server", "scheduler", "dag-processor")
# Nothing takes so long, unless much else is at work on the machine.
PATIENCE = 240.0


def missing() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(what: str, ask: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What `ask` says once that is something; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := ask():
                return found
        except OSError:
            pass
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.3)


def answers(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.status == 200


@contextmanager
def running(log: Path, *command: str | Path, **variables: str) -> Iterator[None]:
    """A program for as long as the context lasts."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            list(map(str, command)),
            env={**os.environ, **variables},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


class Sink:
    """Slack's place: keeps what is posted to it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                """What was posted is kept; no need to tell."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/services/slack"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> Sink:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def told(self, words: str) -> dict[str, Any] | None:
        """The first attachment whose title has these words."""
        shown = (each for message in list(self.messages) for each in message["attachments"])
        return next((each for each in shown if words in each["title"]), None)


class Prometheus:
    """Asks a running Prometheus."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path: str, **arguments: str) -> Any:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        return self.ask("query", query=expression)["result"]

    def names(self) -> set[str]:
        """Every metric that has been seen."""
        return set(self.ask("label/__name__/values"))

    def firing(self) -> set[str]:
        return {each["metric"]["alertname"] for each in self.query('ALERTS{alertstate="firing"}')}


def configure_prometheus(folder: Path, addresses: dict[str, str]) -> Path:
    """The shipped configuration with these addresses, by job, and with short intervals."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for job in config["scrape_configs"]:
        if "scrape_interval" in job:
            job |= {"scrape_interval": "5s", "scrape_timeout": "5s"}
        job["static_configs"][0]["targets"] = [addresses[job["job_name"]]]
    (managers,) = config["alerting"]["alertmanagers"]
    managers["static_configs"][0]["targets"] = [addresses["alertmanager"]]
    (folder / "rules").mkdir(parents=True)
    for path in (DEPLOY / "prometheus" / "rules").glob("*.yml"):
        text = re.sub(r"^( +)for: \d+m$", r"\1for: 10s", path.read_text(), flags=re.MULTILINE)
        (folder / "rules" / path.name).write_text(text)
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    return file


def configure_alertmanager(folder: Path, sink: Sink) -> Path:
    """The shipped configuration with the sink for Slack and with short intervals."""
    shutil.copytree(DEPLOY / "alertmanager", folder)
    (folder / "webhook").write_text(sink.url)
    file = folder / "alertmanager.yml"
    config = yaml.safe_load(file.read_text())
    config["global"]["slack_api_url_file"] = str(folder / "webhook")
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "2s"}
    file.write_text(yaml.safe_dump(config))
    return file


@contextmanager
def watching(folder: Path, sink: Sink, addresses: dict[str, str]) -> Iterator[Prometheus]:
    """Prometheus, Alertmanager and node-exporter; `addresses` says where the other jobs are."""
    port, alertmanager, node = free_port(), free_port(), free_port()
    local = {"node": node, "prometheus": port, "alertmanager": alertmanager}
    addresses = addresses | {job: f"127.0.0.1:{number}" for job, number in local.items()}
    with (
        running(
            folder / "node.log",
            "prometheus-node-exporter",
            f"--web.listen-address=127.0.0.1:{node}",
        ),
        running(
            folder / "alertmanager.log",
            "prometheus-alertmanager",
            f"--config.file={configure_alertmanager(folder / 'alertmanager', sink)}",
            f"--storage.path={folder / 'alerts'}",
            f"--web.listen-address=127.0.0.1:{alertmanager}",
            "--cluster.listen-address=",
        ),
        running(
            folder / "prometheus.log",
            "prometheus",
            f"--config.file={configure_prometheus(folder / 'prometheus', addresses)}",
            f"--storage.tsdb.path={folder / 'series'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ),
    ):
        prometheus = Prometheus(port)
        wait_for("Prometheus", lambda: prometheus.query("vector(1)"))
        yield prometheus


@contextmanager
def exporting(folder: Path, home: Path) -> Iterator[str]:
    """`trendhouse metrics` over a home's sample world; its address."""
    port = free_port()
    tool = Path(sys.executable).with_name("trendhouse")
    variables = {"TRENDHOUSE_HOME": str(home), "TRENDHOUSE_WORLD": "sample"}
    log = folder / "metrics.log"
    with running(log, tool, "metrics", "--port", str(port), **variables):
        wait_for("trendhouse metrics", lambda: "/metrics" in log.read_text())
        yield f"127.0.0.1:{port}"


@contextmanager
def serving(folder: Path, home: Path) -> Iterator[str]:
    """`trendhouse serve` over a home's sample world, an hour after it was published; its address."""
    port = free_port()
    tool = Path(sys.executable).with_name("trendhouse")
    variables = {
        "TRENDHOUSE_HOME": str(home),
        "TRENDHOUSE_WORLD": "sample",
        "TRENDHOUSE_NOW": "2026-11-02T07:00:00Z",
    }
    log = folder / "serve.log"
    with running(log, tool, "serve", "--port", str(port), **variables):
        wait_for("trendhouse serve", lambda: f":{port}/" in log.read_text())
        yield f"127.0.0.1:{port}"


@contextmanager
def scheduling(root: Path, dags: Path, statsd_port: int) -> Iterator[None]:
    """Airflow with the shipped settings of its metrics, on the DAGs of a folder."""
    home = AirflowHome(root)
    home.password()
    environment = (
        home.environment(free_port())
        | shipped_environment("metrics.env")
        | {
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(statsd_port),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        }
    )
    subprocess.run(
        [executable(), "db", "migrate"],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    components = [Component(name, home.logs, environment) for name in COMPONENTS]
    health = f"{environment['AIRFLOW__API__BASE_URL']}/api/v2/monitor/health"
    try:
        for component in components:
            component.start()
            # A task that cannot ask the API server fails.
            wait_for("the API server", lambda: answers(health))
        yield
    finally:
        end_sessions([each.session for each in components if each.session])
        for each in components:
            each.let_go()


def shipped_environment(file: str) -> dict[str, str]:
    """What an environment file of `deploy/` sets."""
    lines = (DEPLOY / file).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
