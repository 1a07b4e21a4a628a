"""What a task per dbt model costs: one whole build by dbt alone, and as an Airflow DAG in three ways.

`python -m benchmarks.scheduling` lands a small sample world, starts a real Airflow (LocalExecutor, SQLite)
in a temporary home, builds the warehouse from nothing in each way and prints seconds, tasks, and the
ratio to `dbt build`. `--home` takes a world that has been landed before.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.airflow import free_port
from orchestration import manifest, steps
from orchestration.airflow_home import AirflowHome
from orchestration.standalone import Standalone
from trendhouse import worlds
from trendhouse.settings import ROOT, Settings, load_settings

WAYS = {
    "a task per node, which lives in the triggerer (build_warehouse)": "build_warehouse",
    "Cosmos WATCHER, dbt runner": "cosmos_watcher",
    "Cosmos LOCAL, dbt runner, pool of one slot": "cosmos_local",
}
DBT = ("dbt.", "build", "prepare")
RUN_SECONDS = 1800


def land(settings: Settings) -> None:
    """A lake to build from, as small as the sample world goes with four repositories."""
    from orchestration.run import sources

    with worlds.enter(settings) as entered:
        for source in sources():
            assert not steps.land(source, entered).failures
            steps.deduplicate(source, entered)
            steps.check_clean(source, entered)


def small_watchlist(folder: Path) -> Path:
    lines = (ROOT / "simulator" / "watchlist.csv").read_text().splitlines()
    chosen = [
        *[line for line in lines if ",github," in line][:4],
        *[line for line in lines if ",endoflife," in line][:2],
    ]
    path = folder / "watchlist.csv"
    path.write_text("\n".join([lines[0], *chosen]) + "\n")
    return path


def empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def build_alone(settings: Settings) -> tuple[float, int]:
    """Seconds and nodes of `dbt build`."""
    empty(settings.place.warehouse.parent)
    began = time.monotonic()
    built = steps.build(settings=settings)
    return time.monotonic() - began, built.rows


def build_scheduled(house: Standalone, settings: Settings, dag: str) -> tuple[float, int]:
    """Seconds from the first task's start to the last node's end, and how many tasks there were."""
    empty(settings.place.warehouse.parent)
    house.api.unpause(dag)
    run = house.api.trigger(dag)
    state = finished(house, dag, run)
    tasks = house.api.tasks(dag, run)
    wrong = [(each["task_id"], each["state"]) for each in tasks if each["state"] != "success"]
    assert state == "success", f"{dag} ended as {state}: {wrong}; logs: {house.home.logs}"
    ours = [each for each in tasks if each["task_id"].startswith(DBT)]
    times = [
        datetime.fromisoformat(each[end]) for each in ours for end in ("start_date", "end_date")
    ]
    return (max(times) - min(times)).total_seconds(), len(ours)


def finished(house: Standalone, dag: str, run: str) -> str:
    """The state in which a run ends."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        house.revive()
        state = house.api.ask(f"/api/v2/dags/{dag}/dagRuns/{run}")["state"]
        if state in ("success", "failed"):
            return state
        time.sleep(1)
    return "running"


@contextmanager
def airflow(settings: Settings, folder: Path) -> Iterator[Standalone]:
    """A whole Airflow on the benchmark's DAGs; all its processes end with the context."""
    options = {
        **worlds.home_variables(settings),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "benchmarks" / "dags"),
        "AIRFLOW__METRICS__STATSD_ON": "False",
    }
    with worlds.environment(options):
        house = Standalone(AirflowHome(folder / "airflow"), settings, free_port(18080))
        try:
            house.start()
            house.wait_for_dags(set(WAYS.values()))
            yield house
        finally:
            house.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a TRENDHOUSE_HOME whose sample world has a lake")
    parser.add_argument(
        "--dags", nargs="*", choices=WAYS.values(), default=list(WAYS.values()), metavar="DAG",
        help=f"which ways, of {', '.join(WAYS.values())}; the last one takes longest by far",
    )  # fmt: skip
    asked = parser.parse_args()
    manifest.refresh()
    rows: list[tuple[str, float, Any]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        home = folder / "home"
        if asked.home:
            shutil.copytree(asked.home, home, symlinks=True)
        os.environ |= {
            "TRENDHOUSE_HOME": str(home),
            "TRENDHOUSE_WORLD": "sample",
            "TRENDHOUSE_WATCHLIST": str(small_watchlist(folder)),
            "TRENDHOUSE_GHARCHIVE_HOURS": "2",
            "TRENDHOUSE_RANKING_DAYS": "3",
        }
        settings = load_settings()
        if not asked.home:
            land(settings)
        rows.append(("dbt build, alone", *build_alone(settings)))
        with airflow(settings, folder) as house:
            for way, dag in ((way, dag) for way, dag in WAYS.items() if dag in asked.dags):
                house.say(f"{rows[-1][0]}: {rows[-1][1]:.1f} s; now {dag}")
                rows.append((way, *build_scheduled(house, settings, dag)))
    table = Table(title="One whole build of a small warehouse")
    for heading in ("way", "seconds", "nodes or tasks", "ratio"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for way, seconds, count in rows:
        table.add_row(way, f"{seconds:.1f}", str(count), f"{seconds / rows[0][1]:.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
