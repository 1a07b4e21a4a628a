"""Run records read back: how often each command ran, how its newest run ended, and each step of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trendhouse.state import read_state

STEPS = ("land", "deduplicate", "check_clean", "build", "check_marts", "publish")
STATE_OF = {0: "done", 3: "partial", 4: "refused"}
REFUSED = 4


@dataclass(frozen=True)
class Run:
    """The newest run of a command; times in seconds since 1970."""

    started: float
    seconds: float
    exit_code: int


@dataclass(frozen=True)
class Step:
    """How a step last went; `succeeded` is when it last ended well, seconds since 1970."""

    name: str
    source: str
    state: str
    seconds: float
    rows: int
    succeeded: float | None


def newest_run(folder: Path) -> str | None:
    """The id of the run at work: whoever works under the lock has left the newest record."""
    return max((path.stem for path in folder.glob("*.json")), default=None)


class Records:
    """What the files of a `runs` folder say together; each ended one is read once."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.forget()

    def forget(self) -> None:
        self.known: set[str] = set()
        self.counts: Counter[tuple[str, int]] = Counter()
        self.newest: dict[str, Run] = {}
        self.steps: dict[tuple[str, str], Step] = {}
        self.refusals: set[tuple[str, str]] = set()

    def read(self, folder: Path) -> None:
        """Take in what has ended since the last time; one that is still at work waits."""
        if folder != self.folder:
            self.folder = folder
            self.forget()
        files = {path.name: path for path in folder.glob("*.json")}
        ended = []
        for name in files.keys() - self.known:
            record = read_state(files[name])
            if record["exit_code"] is not None and record["seconds"] is not None:
                ended.append((seconds_of(record), name, record))
        for _, name, record in sorted(ended, key=lambda each: each[:2]):
            self.known.add(name)
            self.take(record)

    def take(self, record: dict[str, Any]) -> None:
        code, started = int(record["exit_code"]), seconds_of(record)
        name, source = split(record["command"].removeprefix("airflow "))
        self.counts[name, code] += 1
        self.newest[name] = Run(started, record["seconds"], code)
        steps = record["steps"]
        if name in STEPS:  # how a task of Airflow's ended is known by its exit alone
            told = steps[0] if steps else {"seconds": record["seconds"], "rows": 0}
            state = STATE_OF.get(code, "failed")
            steps = [{**told, "name": f"{name} {source}".strip(), "state": state}]
        for step in steps:
            self.take_step(step, started + record["seconds"])
        if code == REFUSED:
            self.refusals.add((name, source) if name in STEPS else ("publish", ""))

    def take_step(self, step: dict[str, Any], ended: float) -> None:
        key = split(step["name"])
        before = self.steps.get(key)
        if step["state"] == "skipped" and before:
            return
        is_well = step["state"] in ("done", "partial")
        if is_well and key[0] == "publish":  # nothing is published unless every suite holds
            self.refusals.clear()
        elif is_well:
            self.refusals.discard(key)
        succeeded = ended if is_well else before and before.succeeded
        self.steps[key] = Step(*key, step["state"], step["seconds"], step["rows"], succeeded)


def split(name: str) -> tuple[str, str]:
    """`land github` is the step `land` of the source `github`; `build` has no source."""
    verb, _, source = name.partition(" ")
    return verb, source


def seconds_of(record: dict[str, Any]) -> float:
    return datetime.fromisoformat(record["started_at"]).timestamp()
