"""Airflow's four processes: each in a session of its own, started again when it dies, ended with all its children."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.airflow_home import executable
from trendhouse.child import guarded_command
from trendhouse.sessions import Session, end_sessions
from trendhouse.settings import ROOT

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
# What dies again and again is not started more often than this.
PATIENCE_SECONDS = 10.0


@dataclass
class Component:
    """One of Airflow's processes; the first of a session, so that its tasks are found again."""

    name: str
    logs: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    session: Session | None = None

    @property
    def log(self) -> Path:
        return self.logs / f"{self.name}.log"

    def start(self) -> None:
        import psutil

        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                guarded_command([executable(), self.name]),
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started = time.monotonic()
        pid = self.process.pid
        self.session = Session(pid, psutil.Process(pid).create_time())

    def revive(self) -> int | None:
        """Start it again if it has died; the exit code with which it did, or None."""
        code = self.process.poll() if self.process else None
        if code is None or time.monotonic() - self.started < PATIENCE_SECONDS:
            return None
        # Tasks of a scheduler that was killed outlive it: two of the same must not run.
        end_sessions([self.session], grace=0)
        self.let_go()
        self.start()
        return code

    def let_go(self) -> None:
        """Close what holds it alive; whatever is left of it ends."""
        if self.process:
            self.process.stdin.close()
            self.process.wait()
