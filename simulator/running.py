"""A simulator in a process of its own, for whoever needs one: `with serve(faults=0.2) as upstream`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


class SimulatorFailed(RuntimeError):
    """The simulator's process ended before it was ready; the message holds what it said."""


@dataclass
class Controls:
    """The controls of a simulator, whoever has started it."""

    base_url: str

    def control(self, name: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask (or, with content, tell) one of the controls below `/_simulator/`."""
        data = None if content is None else json.dumps(content).encode()
        url = f"{self.base_url}/_simulator/{name}"
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=30) as answer:
            return json.load(answer)

    def requests(self) -> dict[str, Any]:
        """Requests so far: total, bytes, faults by kind, and counts by path class and status."""
        return self.control("requests")

    def faults(self, **settings: Any) -> dict[str, Any]:
        """Replace the fault settings (`rate`, `seed`, `kinds`, `cut_page`, …)."""
        return self.control("faults", settings)

    def move_to(self, now: str) -> None:
        """Set the world's clock."""
        self.control("now", {"now": now})


@dataclass
class RunningSimulator(Controls):
    """A handle on a simulator's process."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        """End the process; a second time does nothing."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def arguments(options: dict[str, Any]) -> list[str]:
    """Options as the command line has them: `fault_kinds=["cut"]` is `--fault-kinds=cut`."""
    made = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if name == "prerender":
            made += [f"{flag}={path}" for path in value]
        elif isinstance(value, (list, tuple)):
            made.append(f"{flag}={','.join(value)}")
        elif value is not None:
            made.append(f"{flag}={value}")
    return made


def start(**options: Any) -> RunningSimulator:
    """Start a simulator on a free loopback port and wait until it is ready.

    Takes the options of `python -m simulator`. It ends with this process, even if that is killed.
    Raises SimulatorFailed where it does not come up.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--exit-with-parent", *arguments(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # Ctrl-C is for whoever started it
    )
    line = process.stdout.readline()
    if not line:
        code = process.wait()
        process.stdin.close()
        process.stdout.close()
        raise SimulatorFailed(f"simulator {arguments(options)} ended with code {code}")
    ready = json.loads(line)
    return RunningSimulator(ready["base_url"], process, ready)


@contextlib.contextmanager
def serve(**options: Any) -> Iterator[RunningSimulator]:
    """A running simulator for the length of a `with` block; options as for `start`."""
    running = start(**options)
    try:
        yield running
    finally:
        running.stop()
