"""Processes that we started, by their sessions: who still lives in one, and how all of it is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

GRACE_SECONDS = 8.0


class Session(NamedTuple):
    """A session by its first process; the instant at which that began tells it from a later namesake."""

    leader: int
    began: float


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
