"""A new day on N, 2N and 4N days of history: the time of that day must stay flat.

`python -m benchmarks.history` prints, per length of history, the seconds of each stage of a whole run
that brings one new day, and the ratio to the shortest history in the same run of the benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

TRENDHOUSE = Path(sys.executable).parent / "trendhouse"
STAGES = ("land", "deduplicate", "check_clean", "build", "check_marts", "publish")


def new_day(days: int, home: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds by stage of the first run over `days` days of history, and of the day after it."""
    environment = {
        **os.environ,
        "TRENDHOUSE_HOME": str(home),
        "TRENDHOUSE_WORLD": "sample",
        "TRENDHOUSE_RANKING_DAYS": str(days),
        "TRENDHOUSE_GHARCHIVE_HOURS": str(days),
    }
    seconds = []
    for arguments in (("run",), ("run", "--advance", "1")):
        subprocess.run(
            [TRENDHOUSE, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        newest = max(
            (home / "sample" / "runs").glob("*.json"), key=lambda path: path.stat().st_mtime
        )
        seconds.append(by_stage(json.loads(newest.read_text())))
    return seconds[0], seconds[1]


def by_stage(record: dict) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for step in record["steps"]:
        found[step["name"].split()[0]] += step["seconds"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=60, help="N, the shortest history (default 60)")
    shortest = parser.parse_args().days

    table = Table(title="One new day after a history of N days")
    for heading in ("days", "run", *STAGES, "all, s", "ratio"):
        table.add_column(heading, justify="right")
    base = None
    with tempfile.TemporaryDirectory() as folder:
        for days in (shortest, 2 * shortest, 4 * shortest):
            history, day = new_day(days, Path(folder) / str(days))
            total = sum(day.values())
            base = base or total
            for name, seconds, ratio in (
                ("history", history, ""),
                ("new day", day, f"{total / base:.2f}"),
            ):
                cells = [f"{seconds.get(stage, 0):.1f}" for stage in STAGES]
                table.add_row(str(days), name, *cells, f"{sum(seconds.values()):.1f}", ratio)
    Console().print(table)


if __name__ == "__main__":
    main()
