"""The warehouse's DAG at work on a small world: built, refused by a test, held up by another run, narrowed."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cli.airflow import free_port
from orchestration import manifest
from orchestration.airflow_home import AirflowHome
from orchestration.standalone import Standalone
from tests.published_marts import differences, marts
from trendhouse.running import holding
from trendhouse.settings import ROOT, Place, load_settings
from trendhouse.worlds import environment
from warehouse import selection

TRENDHOUSE = Path(sys.executable).parent / "trendhouse"
BRING = """
import sys
from orchestration import steps
from trendhouse import worlds
from trendhouse.settings import load_settings
with worlds.enter(load_settings()) as settings:
    for source in sys.argv[1:]:
        assert not steps.land(source, settings).failures
        steps.deduplicate(source, settings)
        steps.check_clean(source, settings)
"""
SOURCES = ("github", "gharchive", "github_ranking", "endoflife")
STEPS = ("prepare", "build", "check_marts", "publish")
PATIENCE_SECONDS = 300


class World:
    """A sample world's home, and what works in it."""

    def __init__(self, home: Path, watchlist: Path) -> None:
        self.home = home
        self.place = Place(home / "sample")
        self.variables = {
            "TRENDHOUSE_HOME": str(home),
            "TRENDHOUSE_WORLD": "sample",
            "TRENDHOUSE_WATCHLIST": str(watchlist),
            "TRENDHOUSE_GHARCHIVE_HOURS": "1",
            "TRENDHOUSE_RANKING_DAYS": "2",
            "TRENDHOUSE_SPARK_MEMORY": "1g",
        }

    def watch(self, repositories: int, products: int) -> None:
        """Look at so many of what the sample world has to offer."""
        head, *lines = (ROOT / "simulator" / "watchlist.csv").read_text().splitlines()
        chosen = [line for line in lines if ",github," in line][:repositories]
        chosen += [line for line in lines if ",endoflife," in line][:products]
        Path(self.variables["TRENDHOUSE_WATCHLIST"]).write_text("\n".join([head, *chosen]) + "\n")

    def run(self, *command: str | Path) -> None:
        done = subprocess.run(
            command,
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def bring(self, *sources: str) -> None:
        """New data of these sources into the clean lake."""
        path = (
            self.home.parent / "bring.py"
        )  # from a file: PySpark ends a `python -c` without a word
        path.write_text(BRING)
        self.run(sys.executable, path, *sources)

    def copy(self, home: Path) -> World:
        shutil.copytree(self.home, home, symlinks=True)
        return World(home, Path(self.variables["TRENDHOUSE_WATCHLIST"]))

    @property
    def published(self) -> str:
        return (self.place.published / "CURRENT.json").read_text()

    def record(self, command: str) -> dict:
        """The newest record of a command."""
        records = [json.loads(path.read_text()) for path in sorted(self.place.runs.glob("*.json"))]
        return [record for record in records if record["command"] == command][-1]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A lake with everything in it that a first landing brings; nothing is built."""
    folder = tmp_path_factory.mktemp("world")
    world = World(folder / "home", folder / "watchlist.csv")
    world.watch(repositories=2, products=2)
    world.bring(*SOURCES)
    return world


@pytest.fixture(scope="module")
def first_run(world, airflow_home):
    """A first run, by `dag.test()`, and when another process let go of the warehouse, which it held."""
    released = []

    def hold_until_waited_for() -> None:
        with holding(world.place, "trendhouse build", ("warehouse",)):
            is_held.set()
            wait_for(lambda: is_at_work(airflow_home.home, "prepare"))
            time.sleep(2)
            released.append(datetime.now(UTC))

    world.place.locks.mkdir(parents=True, exist_ok=True)
    is_held, holder = threading.Event(), threading.Thread(target=hold_until_waited_for)
    holder.start()
    is_held.wait()
    ended = airflow_home.test("warehouse.py", "build_warehouse", **world.variables)
    holder.join()
    return ended, released[0]


@pytest.fixture(scope="module")
def later(world, first_run):
    """A product more, so that endoflife.date has something new, and it alone."""
    world.watch(repositories=2, products=3)
    world.bring("endoflife")
    return world


@pytest.fixture(scope="module")
def whole(later, tmp_path_factory):
    """What the command line makes of the same lake, everything built."""
    other = later.copy(tmp_path_factory.mktemp("whole") / "home")
    for command in (("build",), ("check", "marts"), ("publish",)):
        other.run(TRENDHOUSE, *command)
    return marts(other.place)


@pytest.fixture(scope="module")
def scheduled(later, whole, airflow_home):
    """The run that an asset of endoflife starts under a real scheduler and triggerer, the states of its
    tasks, and its last task once more."""
    variables = {**later.variables, "AIRFLOW__METRICS__STATSD_ON": "False"}
    with environment(variables):
        house = Standalone(AirflowHome(airflow_home.home.root), load_settings(), free_port(18090))
        try:
            house.start()
            house.wait_for_dags({"build_warehouse"})
            house.api.unpause("build_warehouse")
            assets = house.api.ask("/api/v2/assets?name_pattern=clean_endoflife")["assets"]
            house.api.ask("/api/v2/assets/events", {"asset_id": assets[0]["id"]})
            run = wait_for(lambda: ended_run(house))
            tasks = house.api.tasks("build_warehouse", run["dag_run_id"])
            again = cleared(house, run["dag_run_id"], "publish")
        finally:
            house.end()
            for component in house.components:
                component.process.wait()
    return run, {each["task_id"]: each["state"] for each in tasks}, again


def cleared(house: Standalone, run: str, task: str) -> dict:
    """The task instance after it was cleared, as a person does it, and has ended again."""
    asked = {"dag_run_id": run, "task_ids": [task], "only_failed": False, "dry_run": False}
    house.api.ask("/api/v2/dags/build_warehouse/clearTaskInstances", asked)
    wait_for(lambda: ended_run(house))
    tasks = house.api.tasks("build_warehouse", run)
    return next(each for each in tasks if each["task_id"] == task)


def ended_run(house: Standalone) -> dict | None:
    """The run that was started by an asset, once it has ended."""
    runs = [run for run in house.api.runs() if run["run_type"] == "asset_triggered"]
    return next((run for run in runs if run["state"] in ("success", "failed")), None)


def is_at_work(home: AirflowHome, task: str) -> bool:
    where = f"file:{home.root / 'airflow.db'}?mode=ro"
    with closing(sqlite3.connect(where, uri=True)) as database:
        asked = "select 1 from task_instance where task_id = ? and state = 'running'"
        return database.execute(asked, [task]).fetchone() is not None


def wait_for(find: Callable[[], Any]) -> Any:
    """What `find` finds, as soon as it does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.5)
    return found


def node_tasks(names: set[str]) -> set[str]:
    nodes = manifest.read()["nodes"]
    return {
        f"dbt.{nodes[name]['name']}" for name in names if nodes[name]["resource_type"] != "test"
    }


def test_a_first_run_builds_every_node_and_publishes(first_run, world):
    ended, _ = first_run
    assert ended.state == "success", ended.said
    assert set(ended.tasks.values()) == {"success"}
    assert len(ended.tasks) == len(node_tasks(set(manifest.read()["nodes"]))) + len(STEPS)
    assert ended.assets == ["trendhouse://marts/opensource"]
    assert {"repositories", "products", "completeness"} <= {
        name for name, rows in marts(world.place).items() if rows
    }


def test_it_waits_for_whoever_holds_the_warehouse(first_run, world):
    """Before it touches anything: its record begins when the lock is its own."""
    _, released = first_run
    began = datetime.fromisoformat(world.record("airflow prepare")["started_at"])
    assert began >= released


def test_the_marts_remember_what_of_the_lake_they_hold(first_run, world, later):
    built, lake = selection.built_versions(world.place), selection.lake_versions(later.place)
    assert {name for name in lake if lake[name] != built[name]} == {"endoflife"}


def test_new_data_of_one_source_builds_its_models_and_skips_the_rest(scheduled):
    run, states, _ = scheduled
    assert run["state"] == "success", states
    left_out = selection.unreached(manifest.read(), ("endoflife", "ledger"))
    skipped = {task for task, state in states.items() if state == "skipped"}
    assert skipped == node_tasks(left_out)
    assert {states[task] for task in set(states) - skipped} == {"success"}


def test_a_task_of_a_run_with_a_deadline_can_be_cleared(scheduled):
    _, _, publish = scheduled
    assert (publish["state"], publish["try_number"]) == ("success", 2)


def test_the_marts_are_the_same_as_after_a_whole_build(scheduled, later, whole, first_run):
    assert differences(marts(later.place), whole) == {}
    assert selection.built_versions(later.place) == selection.lake_versions(later.place)


def test_a_failing_dbt_test_publishes_nothing(later, scheduled, airflow_home, tmp_path):
    """A row stands twice in the clean lake: the model's key is not one."""
    broken = later.copy(tmp_path / "home")
    before = broken.published
    (path, *_) = broken.place.lake.clean_files("endoflife", "release_cycles")
    duckdb.sql(f"from '{path}' union all (from '{path}' limit 1)").write_parquet(f"{path}.twice")
    Path(f"{path}.twice").replace(path)
    ended = airflow_home.test("warehouse.py", "build_warehouse", **broken.variables)
    assert ended.state == "failed"
    assert {task: state for task, state in ended.tasks.items() if state != "success"} == {
        "build": "failed",
        "dbt.release_cycles": "failed",
        "dbt.products": "upstream_failed",
        "check_marts": "upstream_failed",
        "publish": "upstream_failed",
    }
    assert ended.assets == []
    assert broken.published == before
    assert differences(marts(broken.place), marts(later.place)) == {}
