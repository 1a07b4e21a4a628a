"""A new day on N, 2N and 4N of history: the time of that day must stay flat.

`python -m benchmarks.history` lands a sample world with so much history (days of rankings, hours of
archive, and everything in the repositories that is older than two months), then one new day, in a process
of its own per length; it prints the seconds of each stage and the ratio of the new day to that of the
shortest history, by the clock and by the CPU that Python and the JVM used (the simulated upstream is not
counted), which says more than the clock where others work on the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict

import psutil
from rich.console import Console
from rich.table import Table

from trendhouse.run_records import STEPS


def cpu_seconds() -> float:
    """CPU that this process and its JVM have used so far."""
    children = psutil.Process().children(recursive=True)
    times = [child.cpu_times() for child in children if child.name() == "java"]
    return time.process_time() + sum(each.user + each.system for each in times)


def pass_through(times: int, days: int, home: str) -> list[dict[str, float]]:
    """Run the world with `times` its history, then a day later; seconds by stage of both runs."""
    os.environ |= {
        "TRENDHOUSE_HOME": home,
        "TRENDHOUSE_RANKING_DAYS": str(times * days),
        "TRENDHOUSE_GHARCHIVE_HOURS": str(times * days),
    }
    from orchestration.display import Display
    from orchestration.run import Run, sources, step_names
    from trendhouse import worlds
    from trendhouse.settings import load_settings

    found = []
    for advance in (0, 1):
        settings = worlds.choose(load_settings(), live=False, recorded=None)
        options = {"scale": times, "core_limit": 10**6, "graphql_limit": 10**6}
        before = cpu_seconds()
        with worlds.enter(settings, advance=advance, simulator=options) as entered:
            display = Display(Console(stderr=True, quiet=True), step_names(sources()))
            report = Run(entered, display).execute()
        assert report.exit_code == 0, (report.failures, report.broken, report.refused)
        seconds: dict[str, float] = defaultdict(float)
        for line in display.lines.values():
            seconds[line.name.split()[0]] += line.seconds
        found.append(
            {
                **seconds,
                "cpu": cpu_seconds() - before,
                "rows": sum(
                    line.rows for line in display.lines.values() if line.name.startswith("land")
                ),
            }
        )
    return found


def in_process(times: int, days: int) -> list[dict[str, float]]:
    with tempfile.TemporaryDirectory() as home:
        command = [
            sys.executable,
            "-m",
            "benchmarks.history",
            "--times",
            str(times),
            "--days",
            str(days),
            "--home",
            home,
        ]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(told.splitlines()[-1])


def together(run: dict[str, float]) -> float:
    return sum(run.get(stage, 0) for stage in STEPS)


def cpu(run: dict[str, float]) -> float:
    return run["cpu"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--days", type=int, default=60, help="N: days of rankings, hours of archive"
    )
    parser.add_argument("--times", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--home", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.times:
        print(json.dumps(pass_through(asked.times, asked.days, asked.home)))
        return
    table = Table(
        title=f"One new day after N, 2N, 4N of history (N: {asked.days} days of rankings)"
    )
    for heading in ("history", "run", "rows landed", *STEPS, "all, s", "ratio", "CPU, s", "ratio"):
        table.add_column(heading, justify="right")
    first = None
    for times in (1, 2, 4):
        history, day = in_process(times, asked.days)
        first = first or day
        ratios = [f"{each(day) / each(first):.2f}" for each in (together, cpu)]
        for name, run, (clock, used) in (("history", history, ("", "")), ("new day", day, ratios)):
            cells = [f"{run.get(stage, 0):.1f}" for stage in STEPS]
            table.add_row(
                f"{times}N", name, f"{run['rows']:,.0f}", *cells,
                f"{together(run):.1f}", clock, f"{cpu(run):.1f}", used,
            )  # fmt: skip
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
