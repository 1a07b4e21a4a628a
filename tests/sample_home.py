"""A small sample world's home, and the command that works in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.published_marts import marts
from trendhouse.settings import ROOT, Place

TRENDHOUSE = Path(sys.executable).parent / "trendhouse"


def small_watchlist(path: Path) -> Path:
    """A small part of the sample world's own watchlist, written to `path`."""
    source = (ROOT / "simulator" / "watchlist.csv").read_text(encoding="utf-8").splitlines()
    github = [line for line in source[1:] if ",github," in line][:4]
    endoflife = [line for line in source[1:] if ",endoflife," in line][:2]
    path.write_text("\n".join([source[0], *github, *endoflife]) + "\n", encoding="utf-8")
    return path


class Home:
    """One world's home, and the command that works in it."""

    def __init__(self, folder: Path, watchlist: Path, world: str = "sample") -> None:
        self.folder, self.world = folder, world
        self.environment = {
            **os.environ,
            "TRENDHOUSE_HOME": str(folder),
            "TRENDHOUSE_WORLD": world,
            "TRENDHOUSE_WATCHLIST": str(watchlist),
            "TRENDHOUSE_GHARCHIVE_HOURS": "2",
            "TRENDHOUSE_RANKING_DAYS": "3",
            "TRENDHOUSE_SPARK_MEMORY": "1g",
            # As cron, systemd and containers start it, somewhere with half hours.
            "LC_ALL": "C",
            "TZ": "America/St_Johns",
        }

    @property
    def place(self) -> Place:
        return Place(self.folder / self.world)

    def start(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            [TRENDHOUSE, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def trendhouse(self, *arguments: str, expect: int = 0) -> str:
        process = self.start(*arguments)
        said, _ = process.communicate()
        assert process.returncode == expect, said
        return said

    def kill(self, after: float, *arguments: str, alone: bool = False) -> bool:
        """Start a command, kill it and all its children, or it `alone` and wait until these have ended by
        themselves; whether it was still at work."""
        process = self.start(*arguments)
        try:
            process.communicate(timeout=after)
            return False
        except subprocess.TimeoutExpired:
            (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
            process.communicate()
            return True

    def copy(self, folder: Path) -> Home:
        shutil.copytree(self.folder, folder, symlinks=True)
        other = Home.__new__(Home)
        other.folder, other.world = folder, self.world
        other.environment = {**self.environment, "TRENDHOUSE_HOME": str(folder)}
        return other

    def marts(self) -> dict[str, list[tuple]]:
        return marts(self.place)
