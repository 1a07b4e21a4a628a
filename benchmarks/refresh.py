"""Requests of a daily refresh of 1,000 repositories: first day, unchanged day, a day later.

`python -m benchmarks.refresh` counts at the server, by the simulator's own request log, and sets the
figures beside what the same streams cost without batches and conditions (one request per repository and
stream, 100 records a page).
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

SAME_DAY = "2026-11-02T06:00:00Z"
NEXT_DAY = "2026-11-03T06:00:00Z"


def counts(simulator) -> dict[str, int]:
    """Requests so far by class of path, statuses added up."""
    found: dict[str, int] = {}
    for line in simulator.requests()["requests"]:
        found[line["path"]] = found.get(line["path"], 0) + line["count"]
    return found


def land(simulator, home: Path, watchlist: Path, now: str) -> dict[str, int]:
    """Land GitHub once at `now`; the requests it took, by class of path."""
    from ingestion.pipeline import run
    from trendhouse.settings import load_settings

    os.environ |= {
        "TRENDHOUSE_HOME": str(home),
        "TRENDHOUSE_GITHUB_URL": simulator.base_url,
        "TRENDHOUSE_GITHUB_PATIENCE": "0.005",
        "TRENDHOUSE_WATCHLIST": str(watchlist),
        "TRENDHOUSE_NOW": now,
        "GITHUB_TOKEN": "benchmark",
    }
    before = counts(simulator)
    simulator.move_to(now)
    landing = run("github", load_settings(world="sample"))
    assert not landing.failures, landing.failures[:3]
    after = counts(simulator)
    return {
        path: after[path] - before.get(path, 0)
        for path in after
        if after[path] > before.get(path, 0)
    }


def main() -> None:
    from simulator.running import serve

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repositories", type=int, default=1000)
    number = parser.parse_args().repositories
    table = Table(title=f"Requests for {number:,} repositories, counted at the server")
    table.add_column("path")
    for heading in ("first day", "same day again", "a day later"):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        watchlist = Path(folder) / "watchlist.csv"
        watchlist.write_text(
            "product_name,kind,target,enabled\nall,search,stars:>=0 sort:stars,true\n"
        )
        options = {"core_limit": 10**7, "graphql_limit": 10**7, "search_limit": 10**4}
        with serve(
            now=SAME_DAY, repositories=number + number // 10, scale=0.2, **options
        ) as simulator:
            days = [
                land(simulator, Path(folder) / "home", watchlist, now)
                for now in (SAME_DAY, SAME_DAY, NEXT_DAY)
            ]
    for path in sorted(set().union(*days)):
        table.add_row(path, *(f"{day.get(path, 0):,}" for day in days))
    table.add_section()
    table.add_row("all", *(f"{sum(day.values()):,}" for day in days))
    Console().print(table)


if __name__ == "__main__":
    main()
