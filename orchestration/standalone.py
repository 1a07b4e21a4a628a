"""Airflow on this machine, with everything provisioned: what `make airflow` starts, watches and ends."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rich.markup import escape

from orchestration.airflow_api import Api
from orchestration.airflow_home import USER, AirflowFailed, AirflowHome
from orchestration.components import COMPONENTS, Component
from orchestration.display import console
from trendhouse.lake.lake import replace_text
from trendhouse.sessions import Session, end_sessions
from trendhouse.settings import Settings

START_SECONDS = 240
WATCH_SECONDS = 2.0
# The scheduler makes the run that a DAG owes within its loop; then it need not be triggered.
OWED_SECONDS = 15
AT_WORK = ("queued", "running")
INGEST, BUILD = "ingest_", "build_warehouse"


class Unpause(StrEnum):
    """Which DAGs run on their schedules from the start."""

    flow = "flow"
    all = "all"
    none = "none"


@dataclass
class Standalone:
    """One Airflow: its processes, its address, and what has been told of its runs."""

    home: AirflowHome
    settings: Settings
    port: int
    upstream: str | None = None
    components: list[Component] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.environment = self.home.environment(self.port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = Api(self.url, USER, self.home.password())
        self.components = [
            Component(name, self.home.logs / "components", self.environment) for name in COMPONENTS
        ]

    def start(self) -> None:
        """Provision, start every component and wait until all are well. Raises AirflowFailed."""
        self.home.provision(self.environment)
        self.say("database migrated, pools imported, dbt manifest fresh")
        for component in self.components:
            component.start()
        self.remember()
        deadline = time.monotonic() + START_SECONDS
        while not self.api.is_healthy():
            self.revive()
            if time.monotonic() > deadline:
                raise AirflowFailed(
                    f"Airflow is not well after {START_SECONDS} s; its logs:{self.logs()}"
                )
            time.sleep(0.5)
        self.say(f"Airflow is well, {self.components[0].name} at {self.url}")

    def logs(self) -> str:
        return "".join(f"\n  {each.log}" for each in self.components)

    def wait_for_dags(self, wanted: set[str]) -> dict[str, bool]:
        """Every DAG and whether it is paused, once all wanted ones have been read."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            found = self.api.dags()
            errors = self.api.import_errors()
            for file, trace in errors.items():
                self.tell(file, f"[red]cannot be read[/]: {escape(trace.strip().splitlines()[-1])}")
            if wanted <= set(found) or errors or time.monotonic() > deadline:
                return found
            time.sleep(0.5)

    def unpause(self, choice: Unpause, dags: dict[str, bool]) -> list[str]:
        """Let the chosen DAGs follow their schedules; those that now do."""
        for dag in chosen_dags(choice, dags):
            if dags[dag]:
                self.api.unpause(dag)
        return sorted(dag for dag, paused in self.api.dags().items() if not paused)

    def land_now(self, dags: list[str]) -> list[str]:
        """Let each of these DAGs run once: by itself, if its schedule owes a run, or triggered."""
        deadline = time.monotonic() + OWED_SECONDS
        waiting = set(dags)
        while waiting and time.monotonic() < deadline:
            time.sleep(1)
            waiting -= {run["dag_id"] for run in self.api.runs() if run["state"] in AT_WORK}
        for dag in sorted(waiting):
            self.api.trigger(dag)
        return dags

    def watch(self) -> None:
        """Say what becomes of every run, and start again what dies, until interrupted."""
        while True:
            self.revive()
            with contextlib.suppress(OSError):
                for run in self.api.runs():
                    self.follow(run)
            time.sleep(WATCH_SECONDS)

    def follow(self, run: dict[str, Any]) -> None:
        dag, state, key = run["dag_id"], run["state"], f"{run['dag_id']}/{run['dag_run_id']}"
        if state == "failed":
            broken = [
                each for each in self.api.tasks(dag, run["dag_run_id"]) if each["state"] == "failed"
            ]
            names = ", ".join(each["task_id"] for each in broken)
            self.tell(
                key,
                f"{dag} [red]failed[/] at {names}: {self.url}/dags/{dag}/runs/{run['dag_run_id']}",
            )
        elif state == "success" and dag == BUILD:
            self.tell(
                key,
                f"{dag} [green]success[/]: the marts are published, `trendhouse status` shows them",
            )
        else:
            self.tell(key, f"{dag} [{'green' if state == 'success' else 'dim'}]{state}[/]")

    def tell(self, key: str, line: str) -> None:
        """Say a line once."""
        if self.told.get(key) != line:
            self.told[key] = line
            self.say(line)

    def say(self, line: str) -> None:
        seconds = time.monotonic() - self.began
        console.print(f"[dim]{seconds:6.0f} s[/]  {line}", highlight=False, soft_wrap=True)

    def revive(self) -> None:
        for component in self.components:
            code = component.revive()
            if code is not None:
                self.say(
                    f"[red]{component.name} ended with {code}[/] ({component.log}); started again"
                )
                self.remember()

    @property
    def sessions(self) -> dict[str, Session]:
        return {part.name: part.session for part in self.components if part.session}

    def remember(self) -> None:
        """Write down who runs here, for the commands that look for it and for the next start."""
        content = {
            "pid": os.getpid(),
            "url": self.url,
            "upstream": self.upstream,
            "world": self.settings.effective_world,
            "sessions": self.sessions,
        }
        replace_text(self.home.state, json.dumps(content, indent=1))
        # So that `airflow …` in another terminal means this Airflow and this world; no secret is in it.
        ours = {name: text for name, text in os.environ.items() if name.startswith("TRENDHOUSE_")}
        lines = {**ours, **self.environment}.items()
        replace_text(
            self.home.exports,
            "".join(f"export {name}={shlex.quote(text)}\n" for name, text in lines),
        )

    def end(self) -> None:
        """End every process that belongs to this Airflow."""
        end_sessions(self.sessions.values())
        for component in self.components:
            component.let_go()
        self.home.state.unlink(missing_ok=True)


def chosen_dags(choice: Unpause, dags: dict[str, bool]) -> list[str]:
    """The DAGs that a choice lets run; the flow is the way of the data, from the sources to the marts."""
    if choice is Unpause.none:
        return []
    # The warehouse first: an asset that comes while it is paused does not start it.
    ordered = sorted(dags, key=lambda dag: (dag != BUILD, dag))
    return [dag for dag in ordered if choice is Unpause.all or dag.startswith((INGEST, BUILD))]
