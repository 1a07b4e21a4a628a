"""What runs beside what: the locks, the disk check, and what a run leaves behind (its log and its record)."""

from __future__ import annotations

import json
import logging
import os
import shlex
import shutil
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from trendhouse.declared.sources import landed_specs
from trendhouse.errors import Exit, TrendhouseError
from trendhouse.lake.lake import replace_text
from trendhouse.redaction import Redaction, store_secrets
from trendhouse.settings import Place, Settings
from trendhouse.state import StateBroken, read_state
from trendhouse.terminable import asked, exit_code

GIGABYTE = 1_000_000_000
# What a step holds, beside its sources: `clean` the versions of the clean lake, which a build must see
# between two deduplications and never within one (its models remember the newest version they saw);
# `warehouse` DuckDB's one writer and what is published; `expectations` the pages of the checks.
SHARED = ("clean", "warehouse", "expectations")
HELD_BESIDE_SOURCES = {
    "land": (),
    "deduplicate": ("clean",),
    "check_clean": ("expectations",),
    "compact": (),
    "retain": (),
}
HELD = {
    "prepare": ("clean", "warehouse"),
    "build": ("clean", "warehouse"),
    "check_marts": ("warehouse", "expectations"),
    "publish": ("warehouse",),
    "check_freshness": ("warehouse",),
    "backup": ("warehouse",),
    "restore": ("warehouse",),
    "rollback": ("warehouse",),
}

log = logging.getLogger(__name__)


class Locked(TrendhouseError):
    """Another run works on the same part of this world; the message says who."""

    exit_code = Exit.LOCKED


class DiskFull(TrendhouseError):
    """There is less free disk than a run needs; the message says how much and where."""


@dataclass
class Record:
    """What one run did; kept as `runs/<run id>.json`: who, when, steps, exit."""

    run_id: str
    command: str
    started_at: datetime
    path: Path
    steps: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    exit_code: int | None = None
    error: str | None = None

    def keep(self, lines: Mapping[str, Any], report: Any) -> None:
        """Take over the steps as they were shown, and the run's own verdict."""
        self.steps = [
            {
                "name": line.name,
                "state": line.state,
                "detail": line.detail,
                "rows": line.rows,
                "seconds": round(line.seconds, 3),
            }
            for line in lines.values()
        ]
        self.failures = [
            *report.broken,
            *report.failures,
            *([report.refused] if report.refused else []),
        ]
        self.exit_code = int(report.exit_code)

    def fail(self, error: BaseException) -> None:
        """Take over how the run broke off; one that was told to end is nobody's failure."""
        if signal := asked():
            self.error, self.exit_code = f"interrupted by {signal.name}", exit_code()
        else:
            self.error = f"{type(error).__name__}: {error}"
            self.exit_code = self.exit_code or exit_code_of(error)

    def write(self, redact: Redaction, seconds: float | None = None) -> None:
        content = {
            "run_id": self.run_id,
            "command": self.command,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started_at": self.started_at.isoformat(),
            "seconds": None if seconds is None else round(seconds, 3),
            "exit_code": self.exit_code,
            "error": self.error,
            "failures": self.failures,
            "steps": self.steps,
        }
        replace_text(self.path, redact.text(json.dumps(content, indent=1)))


@contextmanager
def guarded(
    settings: Settings,
    command: str,
    *,
    locks: Iterable[str] | None = None,
    wait: bool | float = False,
) -> Iterator[Record]:
    """Hold `locks` (None: the whole world) while a command works; log to `logs/<run id>.log`, keep
    a record.

    `wait` is how long another holder is waited for: not, without end, or so many seconds. Raises
    Locked after that, DiskFull if there is less free disk than `min_free_gb`. Whatever the command
    raises is logged, recorded and raised on. The process stays `niceness` nice.
    """
    from trendhouse.leases import leased

    place = settings.place
    for folder in (place.root, place.logs, place.runs, place.locks):
        folder.mkdir(parents=True, exist_ok=True)
    with (
        holding(place, command, locks, wait=wait),
        leased(settings, command, locks, wait=wait),
    ):
        check_disk(place.root, settings.min_free_gb)
        stand_back(settings.niceness)
        began, redact = time.monotonic(), Redaction([*settings.tokens, *store_secrets()])
        with FileLock(place.locks / "runs.lock"):
            run_id = new_run_id(place.runs)
            record = Record(run_id, command, datetime.now(UTC), place.runs / f"{run_id}.json")
            record.write(redact)
        with logged(place.logs / f"{run_id}.log", settings.log_level, redact):
            log.info("run %s: %s, world %s", run_id, command, settings.effective_world)
            try:
                yield record
                record.exit_code = record.exit_code or 0
            except BaseException as error:
                log.error("run %s broke off", run_id, exc_info=error)
                record.fail(error)
                raise
            finally:
                record.write(redact, time.monotonic() - began)
                log.info("run %s ended with %s", run_id, record.exit_code)


def stand_back(niceness: int) -> None:
    """Let servers on this machine go first, from now on and for every process started from here."""
    if os.getpriority(os.PRIO_PROCESS, 0) < niceness:
        os.setpriority(os.PRIO_PROCESS, 0, niceness)


def exit_code_of(error: BaseException) -> int:
    """The code that the process will end with when this error leaves the command."""
    if isinstance(error, TrendhouseError):
        return int(error.exit_code)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def new_run_id(runs: Path) -> str:
    """The second at which the run began, UTC; sortable, and unique while `runs.lock` is held."""
    stem = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    taken = sum(1 for _ in runs.glob(f"{stem}*.json"))
    return f"{stem}-{taken + 1}" if taken else stem


def locks_of(step: str, sources: Iterable[str] = ()) -> tuple[str, ...]:
    """The locks that a step holds while it works on `sources`."""
    if step in HELD:
        return HELD[step]
    return (*map(source_lock, sources), *HELD_BESIDE_SOURCES[step])


def source_lock(name: str) -> str:
    return f"source-{name}"


def all_locks() -> tuple[str, ...]:
    """Every lock of a world, in the one order in which they are taken."""
    return (*sorted(source_lock(spec.name) for spec in landed_specs()), *SHARED)


@contextmanager
def holding(
    place: Place, command: str, locks: Iterable[str] | None = None, *, wait: bool | float = False
) -> Iterator[None]:
    """Hold several locks at once; taken in one order by everybody, so that no two wait for each other."""
    wanted = set(all_locks() if locks is None else locks)
    ends = time.monotonic() + wait
    with ExitStack() as held:
        for name in (each for each in all_locks() if each in wanted):
            left = wait if isinstance(wait, bool) else max(0.0, ends - time.monotonic())
            held.enter_context(locked(place.locks / f"{name}.lock", command, wait=left))
        yield


@contextmanager
def locked(path: Path, command: str, *, wait: bool | float) -> Iterator[None]:
    """Hold the lock file; beside it stands who holds it, for the one who finds it taken."""
    lock, holder = FileLock(path), path.with_suffix(".json")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise Locked(f"{described(holder)} Wait for it with --wait, or end it.") from None
        print(f"Waiting: {described(holder)}", file=sys.stderr, flush=True)
        try:
            lock.acquire(timeout=-1 if wait is True else wait)
        except Timeout:
            raise Locked(f"{described(holder)} Waited for {wait:g} s.") from None
    try:
        who = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": shlex.join(["trendhouse", *sys.argv[1:]]) if sys.argv[1:] else command,
        }
        replace_text(holder, json.dumps(who))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def holders(place: Place) -> list[dict[str, Any]]:
    """Who works in this world, each once."""
    found = [held_by(place.locks / f"{name}.lock") for name in all_locks()]
    return list({json.dumps(who): who for who in found if who is not None}.values())


def held_by(path: Path) -> dict[str, Any] | None:
    """Who holds the lock at `path`; None if nobody does."""
    if not path.exists():
        return None
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return holder_of(path.with_suffix(".json"))
    lock.release()
    return None


def holder_of(path: Path) -> dict[str, Any]:
    """What the holder wrote; empty in the instant between its taking the lock and writing."""
    try:
        return read_state(path)
    except (FileNotFoundError, StateBroken):
        return {}


def described(path: Path) -> str:
    who = holder_of(path)
    if not who:
        return "Another run has just begun in this world."
    return (
        f"Another run works in this world: `{who['command']}`, process {who['pid']} on {who['host']}, "
        f"since {who['since']}."
    )


def check_disk(folder: Path, min_free_gb: float) -> None:
    """Raises DiskFull if less than `min_free_gb` (10^9 bytes) is free where `folder` lies."""
    free = shutil.disk_usage(folder).free / GIGABYTE
    if free < min_free_gb:
        raise DiskFull(
            f"{free:.1f} GB are free at {folder}, a run needs {min_free_gb:g} GB. Free some "
            "(`trendhouse doctor` shows what lies there), put the data elsewhere (TRENDHOUSE_HOME), or "
            "lower TRENDHOUSE_MIN_FREE_GB."
        )


@contextmanager
def logged(path: Path, level: str, redact: Redaction) -> Iterator[None]:
    """Send this process's log to a file for as long as the context lasts."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(redact)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level.upper())
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
        handler.close()
