"""A whole Airflow as `trendhouse airflow` starts it, in a temporary home: to watch, to disturb, to ask for its alerts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from orchestration.airflow_api import Api
from orchestration.airflow_home import USER, AirflowHome
from tests.sinks import Sink, free_port, slack_server
from trendhouse.settings import Place

TRENDHOUSE = Path(sys.executable).parent / "trendhouse"
PATIENCE_SECONDS = 400
ALERT_SECONDS = 60
# The real DAGs; but they run when the test says so, wait less, and see settings that change meanwhile.
POLICY = """
import json, os, pathlib
from datetime import timedelta

from airflow.timetables.simple import NullTimetable

def dag_policy(dag):
    if dag.dag_id.startswith("ingest_") and not {is_on_schedule}:
        vars(dag).update(schedule=None, timetable=NullTimetable())

def task_policy(task):
    task.retry_delay = timedelta(seconds=2)
    os.environ.update(json.loads(pathlib.Path({path!r}).read_text()).get(task.dag_id, {{}}))
"""


class StandingAirflow:
    """One Airflow at work in `home`, with the sample world beside it; its Slack is `sink`.

    `is_on_schedule`: an ingest DAG that is unpaused runs as its source says, not only when triggered.
    """

    def __init__(
        self, home: Path, variables: dict[str, str], sink: Sink, *, is_on_schedule: bool = False
    ) -> None:
        self.folder = home
        self.home = AirflowHome(home / "airflow")
        self.place = Place(home / "sample")
        self.sink = sink
        self.settings = home / "task_settings.json"
        self.environment = {
            **os.environ,
            **variables,
            "TRENDHOUSE_HOME": str(home),
            "AIRFLOW_CONN_SLACK_DEFAULT": sink.webhook,
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
            "AIRFLOW__METRICS__STATSD_ON": "False",
        }
        self.output = home / "said.log"
        config = self.home.root / "config"
        config.mkdir(parents=True)
        policy = POLICY.format(path=str(self.settings), is_on_schedule=is_on_schedule)
        (config / "airflow_local_settings.py").write_text(policy)
        self.set({})
        port = free_port()
        with self.output.open("w") as said:
            self.process = subprocess.Popen(
                [TRENDHOUSE, "airflow", "--unpause=none", "--no-first-run", f"--port={port}"],
                env=self.environment,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_until(lambda: "on schedule:" in self.output.read_text())
        password = json.loads(self.home.passwords.read_text())[USER]
        self.api = Api(f"http://127.0.0.1:{port}", USER, password)

    def set(self, settings: dict[str, dict[str, str]]) -> None:
        """By DAG, settings of every task that starts from now on."""
        self.settings.write_text(json.dumps(settings))

    def wait_until(self, holds: Callable[[], Any], what: str = "") -> Any:
        """What `holds` comes to say; fails with what Airflow said if that takes too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if found := holds():
                return found
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.3)
        raise AssertionError(f"{what or holds} never came.\n{self.output.read_text()}")

    def runs(self, dag: str) -> list[dict[str, Any]]:
        return [run for run in self.api.runs() if run["dag_id"] == dag]

    def task(self, dag: str, task: str, state: str) -> dict[str, Any]:
        """The task of the DAG's latest run, once it is in this state."""

        def found() -> dict[str, Any] | None:
            runs = self.runs(dag)
            instances = self.api.tasks(dag, runs[-1]["dag_run_id"]) if runs else []
            return next(
                (each for each in instances if (each["task_id"], each["state"]) == (task, state)),
                None,
            )

        return self.wait_until(found, f"{dag}.{task} {state}")

    def ended(self, dag: str, state: str) -> None:
        """Wait until no run of the DAG is at work and the last one ended like this."""

        def is_ended() -> bool:
            states = [run["state"] for run in self.runs(dag)]
            return bool(states) and not {"queued", "running"} & {*states} and states[-1] == state

        self.wait_until(is_ended, f"a run of {dag} that is {state}")

    def tries(self, dag: str, task: str) -> int:
        instances = self.api.tasks(dag, self.runs(dag)[-1]["dag_run_id"])
        return next(each["try_number"] for each in instances if each["task_id"] == task)

    def kill_task(self, dag: str, task: str) -> None:
        """SIGKILL for the process that works on a task."""
        running = self.task(dag, task, "running")
        pid = self.wait_until(lambda: self.task(dag, task, "running")["pid"] or running["pid"])
        os.kill(pid, signal.SIGKILL)

    def kill_java(self, dag: str, task: str) -> None:
        """SIGKILL for the JVM of a task's Spark, as the kernel does when memory runs out."""
        pid = self.wait_until(lambda: self.task(dag, task, "running")["pid"])

        def java() -> psutil.Process | None:
            # Not the one that is only asked for its version.
            children = psutil.Process(pid).children(recursive=True)
            return next((each for each in children if "org.apache.spark" in said(each)), None)

        self.wait_until(java, "a JVM").kill()

    def kill_component(self, name: str) -> None:
        """SIGKILL for one of Airflow's own processes; returns when it is at work again."""
        began = self.session_of(name)
        os.kill(began, signal.SIGKILL)
        self.wait_until(lambda: self.session_of(name) != began, f"another {name}")

    def session_of(self, name: str) -> int:
        return json.loads(self.home.state.read_text())["sessions"][name][0]

    def upstream(self, *options: str) -> None:
        done = subprocess.run(
            [TRENDHOUSE, "upstream", *options],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def processes(self) -> list[psutil.Process]:
        """All that is at work for this Airflow, the simulator and the tasks among it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    @property
    def alerts(self) -> list[str]:
        """The titles of alerts in the order in which they came, numbers of tries left out.

        Without those of drift: the sample world has something to tell there with and without faults.
        """
        titles = [re.sub(r" \d+/\d+|\d+ x ", "", body["text"]) for body in self.sink.bodies]
        return [title for title in titles if not title.startswith("schema drift")]

    def told(self, dag: str, count: int = 0) -> list[str]:
        """The alerts of one DAG and its tasks, once there are `count`: they come after a run's end."""

        def found() -> list[str]:
            return [title for title in self.alerts if re.search(rf"\b{dag}(\.|$)", title)]

        deadline = time.monotonic() + ALERT_SECONDS
        while len(found()) < count and time.monotonic() < deadline:
            time.sleep(0.3)
        return found()

    def end(self) -> None:
        """SIGTERM, as a service manager sends it."""
        self.process.terminate()
        assert self.process.wait(timeout=60) == 0, self.output.read_text()


def said(process: psutil.Process) -> str:
    """A process's command line; nothing of one that is just going."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def standing(
    home: Path, variables: dict[str, str], *, is_on_schedule: bool = False
) -> Iterator[StandingAirflow]:
    with slack_server() as sink:
        airflow = StandingAirflow(home, variables, sink, is_on_schedule=is_on_schedule)
        try:
            yield airflow
        finally:
            if airflow.process.poll() is None:
                airflow.end()
