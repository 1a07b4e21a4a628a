"""Airflow's four processes: each in a session of its own, started again when it dies, ended with all its children."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from orchestration.airflow_home import executable
from orchestration.child import guarded_command
from orchestration.settings import ROOT

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
GRACE_SECONDS = 8.0
# What dies again and again is not started more often than this.
PATIENCE_SECONDS = 10.0


class Session(NamedTuple):
    """A session by its first process; the instant at which that began tells it from a later namesake."""

    leader: int
    began: float


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


@dataclass
class Sessions:
    """Sessions that may have ended long ago, and who still lives in them."""

    recorded: list[Session] = field(default_factory=list)

    def ours(self) -> set[int]:
        """The sessions whose number has not passed on to others since."""
        import psutil

        found = set()
        for leader, began in self.recorded:
            try:
                same = abs(psutil.Process(leader).create_time() - began) < 1
            except psutil.NoSuchProcess:
                same = began > psutil.boot_time()
            if same:
                found.add(leader)
        return found

    def members(self) -> list[int]:
        """Their processes: the tasks of Airflow leave its process group, never its session."""
        import psutil

        ours, found = self.ours(), []
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                is_dead = process.status() == psutil.STATUS_ZOMBIE
                if os.getsid(process.pid) in ours and not is_dead:
                    found.append(process.pid)
        return found


def end_sessions(recorded: Iterable[Session], grace: float = GRACE_SECONDS) -> None:
    """Ask every process of these sessions to end, and end by force what is left after `grace` seconds."""
    sessions = Sessions([Session(*each) for each in recorded])
    deadline = time.monotonic() + grace
    if grace:
        send(signal.SIGTERM, sessions.members())
    while (left := sessions.members()) and time.monotonic() < deadline:
        time.sleep(0.2)
    while left:
        send(signal.SIGKILL, left)
        time.sleep(0.1)
        left = sessions.members()


def send(number: signal.Signals, processes: Iterable[int]) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
