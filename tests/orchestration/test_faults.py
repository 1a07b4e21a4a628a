"""What is killed, full, down or locked under a real scheduler: the next try repairs it, no row is lost or doubled, and it is told once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from tests.orchestration.standing_airflow import StandingAirflow, standing
from tests.published_marts import differences, marts
from trendhouse.running import locked
from trendhouse.settings import ROOT, Place

# What people hear of two such days, and nothing else.
TOLD = {
    "ingest_endoflife": [
        "up for retry: ingest_endoflife.land",
        "recovered from up for retry: ingest_endoflife",
    ],
    "ingest_gharchive": [
        "up for retry: ingest_gharchive.deduplicate",
        "recovered from up for retry: ingest_gharchive",
    ],
    "ingest_github_ranking": [
        "up for retry: ingest_github_ranking.land",
        "failure: ingest_github_ranking.land",
        "recovered from failure: ingest_github_ranking",
    ],
    "build_warehouse": [
        "up for retry: build_warehouse.prepare",
        "recovered from up for retry: build_warehouse",
    ]
    * 2,
}
# GitHub itself is left out: it takes as long as the others together, and test_end_to_end kills it.
SOURCES = ("endoflife", "github_ranking", "gharchive")
# The same two days in one process: all of them, and the day after one of them.
UNDISTURBED = f"""
from orchestration import steps
from trendhouse import worlds
from trendhouse.settings import load_settings

for days, sources in ((0, {SOURCES}), (1, ("github_ranking",))):
    with worlds.enter(load_settings(), advance=days) as entered:
        for source in sources:
            for step in (steps.land, steps.deduplicate, steps.check_clean):
                step(source, entered)
        for step in (steps.build, steps.check_marts, steps.publish):
            step(settings=entered)
"""


@pytest.fixture(scope="module")
def variables(tmp_path_factory) -> dict[str, str]:
    """A small part of the sample world."""
    rows = (ROOT / "simulator" / "watchlist.csv").read_text().splitlines()
    github = [row for row in rows if ",github," in row][:3]
    endoflife = [row for row in rows if ",endoflife," in row][:2]
    watchlist = tmp_path_factory.mktemp("watchlist") / "watchlist.csv"
    watchlist.write_text("\n".join([rows[0], *github, *endoflife]) + "\n")
    return {
        "TRENDHOUSE_WORLD": "sample",
        "TRENDHOUSE_WATCHLIST": str(watchlist),
        "TRENDHOUSE_GHARCHIVE_HOURS": "2",
        "TRENDHOUSE_RANKING_DAYS": "3",
        "TRENDHOUSE_SPARK_MEMORY": "1g",
    }


class Undisturbed(threading.Thread):
    """The same two days without Airflow and without faults, beside the disturbed ones."""

    def __init__(self, home: Path, variables: dict[str, str]) -> None:
        super().__init__()
        self.home = home
        self.environment = {**os.environ, **variables, "TRENDHOUSE_HOME": str(home)}
        self.said, self.is_done = "", False

    def run(self) -> None:
        # A file: PySpark takes `python -c` for its own doctests, and ends it.
        script = self.home / "undisturbed.py"
        script.write_text(UNDISTURBED)
        done = subprocess.run(
            [sys.executable, script],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        self.said, self.is_done = done.stdout + done.stderr, done.returncode == 0


def is_at_work(process: psutil.Process) -> bool:
    """Whether it still runs; what has ended and waits for init to take note does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def undisturbed(variables, tmp_path_factory):
    thread = Undisturbed(tmp_path_factory.mktemp("undisturbed"), variables)
    thread.start()
    yield thread
    thread.join()


@pytest.fixture(scope="module")
def airflow(variables, undisturbed, tmp_path_factory):
    with standing(tmp_path_factory.mktemp("disturbed"), variables) as started:
        yield started


@pytest.fixture(scope="module")
def first_day(airflow) -> StandingAirflow:
    """Three sources land: one is down, of one a task is killed, of one Spark and then the scheduler."""
    airflow.upstream("--down", "github_ranking")
    for name in SOURCES:
        airflow.api.unpause(f"ingest_{name}")
        airflow.api.trigger(f"ingest_{name}")
    airflow.kill_task("ingest_endoflife", "land")
    airflow.kill_java("ingest_gharchive", "deduplicate")
    airflow.task("ingest_gharchive", "check_clean", "running")
    airflow.kill_component("scheduler")
    airflow.ended("ingest_endoflife", "success")
    airflow.ended("ingest_github_ranking", "failed")
    airflow.ended("ingest_gharchive", "success")
    return airflow


def test_a_task_that_is_killed_is_tried_again_and_told_once(first_day):
    assert first_day.tries("ingest_endoflife", "land") == 2
    assert first_day.told("ingest_endoflife", 2) == TOLD["ingest_endoflife"]


def test_spark_that_runs_out_of_memory_is_tried_again_and_told_once(first_day):
    assert first_day.tries("ingest_gharchive", "deduplicate") == 2
    assert first_day.told("ingest_gharchive", 2) == TOLD["ingest_gharchive"]


def test_a_source_that_is_down_is_told_and_leaves_the_others_alone(first_day):
    assert first_day.told("ingest_github_ranking", 2) == TOLD["ingest_github_ranking"][:2]


def test_a_scheduler_that_is_killed_is_started_again_and_takes_up_its_tasks(first_day):
    assert "scheduler ended with -9" in first_day.output.read_text()
    assert first_day.tries("ingest_gharchive", "check_clean") == 2


@pytest.fixture(scope="module")
def published(first_day) -> StandingAirflow:
    """The warehouse is built, once somebody else has let go of it."""
    first_day.set({"build_warehouse": {"TRENDHOUSE_LOCK_WAIT_SECONDS": "1"}})
    with locked(first_day.place.locks / "warehouse.lock", "somebody else", wait=False):
        first_day.api.unpause("build_warehouse")
        first_day.api.trigger("build_warehouse")
        first_day.task("build_warehouse", "prepare", "up_for_retry")
    first_day.ended("build_warehouse", "success")
    return first_day


def test_a_locked_warehouse_is_waited_for_and_told_once(published):
    assert published.told("build_warehouse", 2) == TOLD["build_warehouse"][:2]


@pytest.fixture(scope="module")
def next_day(published) -> StandingAirflow:
    """The source is up again a day later; when the warehouse would follow, the disk is full.

    No disk is filled: the house is told to want more free disk than there is.
    """
    published.upstream("--mend", "--advance", "1")
    published.set({"build_warehouse": {"TRENDHOUSE_MIN_FREE_GB": "1000000"}})
    published.api.trigger("ingest_github_ranking")
    published.wait_until(lambda: len(published.runs("build_warehouse")) > 1, "a second build")
    published.task("build_warehouse", "prepare", "up_for_retry")
    published.set({})
    published.ended("build_warehouse", "success")
    return published


def test_a_source_that_was_down_for_a_day_recovers_and_says_so(next_day):
    assert next_day.told("ingest_github_ranking", 3) == TOLD["ingest_github_ranking"]


def test_a_full_disk_keeps_the_warehouse_as_it_is_until_there_is_room(next_day):
    assert next_day.told("build_warehouse", 4) == TOLD["build_warehouse"]


def test_nobody_is_told_anything_else(next_day):
    assert {dag: next_day.told(dag) for dag in TOLD} == TOLD
    assert len(next_day.alerts) == sum(map(len, TOLD.values()))


def test_after_all_of_it_no_row_is_lost_or_doubled(next_day, undisturbed):
    undisturbed.join()
    assert undisturbed.is_done, undisturbed.said
    ours = marts(next_day.place)
    theirs = marts(Place(undisturbed.home / "sample"))
    assert theirs["events_hourly"] and theirs["products"]
    assert differences(ours, theirs) == {}


def test_the_end_of_it_leaves_no_process_behind(next_day):
    started = next_day.processes()
    next_day.end()
    assert len(started) > 6
    assert [each for each in started if is_at_work(each)] == []
