"""A migrated Airflow home to run DAGs in, each in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.airflow_home import DAGS, AirflowHome
from trendhouse.settings import ROOT

# Nobody listens there: what needs the API server starts one by itself.
NO_PORT = 9
QUIET = {"AIRFLOW__METRICS__STATSD_ON": "False"}


@dataclass
class Ended:
    """How a run ended: its state, each task's, what tasks returned, which assets they updated."""

    state: str
    tasks: dict[str, str]
    results: dict[str, Any]
    assets: list[str]
    said: str = field(repr=False, default="")


class Airflow:
    """An Airflow home with its database, pools and manifest; no process of it is running."""

    def __init__(self, root: Path, like: Airflow | None = None) -> None:
        self.home = AirflowHome(root)
        self.environment = {**self.home.environment(NO_PORT), **QUIET}
        if like:
            shutil.copytree(like.home.root, root, dirs_exist_ok=True)
        else:
            self.home.provision(self.environment)

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command in this home, `variables` on top of its environment."""
        return subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def python(self, code: str, *arguments: str, **variables: str) -> str:
        """What a piece of Python says on stdout; fails with its errors."""
        done = self.run(sys.executable, "-c", code, *arguments, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def test(
        self, file: str | Path, dag_id: str, conf: dict[str, Any] | None = None, **variables: str
    ) -> Ended:
        """One run of a DAG of `orchestration/dags` (or of any other file), task by task."""
        (ended,) = self.test_all((file, dag_id, conf or {}), **variables)
        return ended

    def test_all(
        self, *runs: tuple[str | Path, str, dict[str, Any]], **variables: str
    ) -> list[Ended]:
        """Several runs, one after the other in one process, so that Airflow and Spark start once."""
        result = self.home.root / "ended.json"
        result.unlink(missing_ok=True)
        asked = [(str(DAGS / file), dag_id, conf) for file, dag_id, conf in runs]
        command = (sys.executable, "-m", "tests.orchestration.dags.once")
        done = self.run(*command, json.dumps(asked), str(result), **variables)
        said = done.stdout + done.stderr
        assert result.exists(), said
        return [Ended(**each, said=said) for each in json.loads(result.read_text())]
