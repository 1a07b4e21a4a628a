"""`airflow backfill` of a range of days, by a real scheduler: those days, once, up to the marts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from tests.orchestration.standing_airflow import StandingAirflow, standing
from trendhouse.settings import ROOT, Place
from warehouse.published import CURRENT, connect

DAG, BUILD = "ingest_github_ranking", "build_warehouse"
FIRST, LAST = DAYS = ("2025-03-03", "2025-03-04")
# SQLite has one writer, and the scheduler is another; what was begun then is ended by the scheduler.
IN_THE_WAY = ("database is locked", "Another backfill is running")
TYPED = 12
# Without GitHub itself, which would take the longest.
BASE = """
from orchestration import steps
from trendhouse import worlds
from trendhouse.settings import load_settings

with worlds.enter(load_settings()) as entered:
    for source in ("gharchive", "github_ranking"):
        for step in (steps.land, steps.deduplicate, steps.check_clean):
            step(source, entered)
    for step in (steps.build, steps.check_marts, steps.publish):
        step(settings=entered)
"""


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    return {
        "TRENDHOUSE_WORLD": "sample",
        "TRENDHOUSE_GHARCHIVE_HOURS": "2",
        "TRENDHOUSE_RANKING_DAYS": "2",
        "TRENDHOUSE_SPARK_MEMORY": "1g",
    }


@pytest.fixture(scope="module")
def airflow(variables, tmp_path_factory):
    """An Airflow at work, beside a world that has two days of rankings in its published marts."""
    home = tmp_path_factory.mktemp("backfill")
    # Not by `python -c`: PySpark takes a main module without a file for a doctest, and exits.
    script = home / "base.py"
    script.write_text(BASE)
    done = subprocess.run(
        [sys.executable, script],
        cwd=ROOT,
        env={**os.environ, **variables, "TRENDHOUSE_HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    published = Place(home / "sample").published / CURRENT
    assert done.returncode == 0 and published.exists(), done.stdout + done.stderr
    with standing(home, variables, is_on_schedule=True) as started:
        yield started


def clean_days(airflow: StandingAirflow) -> dict[str, int]:
    """Rows of the clean rankings by day, before this year."""
    files = [str(f) for f in airflow.place.lake.clean_files("github_ranking", "rankings")]
    rows = duckdb.execute(
        "select ranking_date::varchar, count(*) from read_parquet(?, union_by_name = true) "
        "where ranking_date < date '2026-01-01' group by 1 order by 1",
        [files],
    )
    return dict(rows.fetchall())


def published_days(airflow: StandingAirflow) -> dict[str, int]:
    """Published ranking lines by day, before this year; without GitHub no name is resolved."""
    rows = connect(airflow.place).execute(
        "select ranking_date::varchar, count(*) from unresolved_rankings "
        "where ranking_date < date '2026-01-01' group by 1 order by 1"
    )
    return dict(rows.fetchall())


def back_fill(airflow: StandingAirflow, dag: str = DAG) -> None:
    """As docs/operations.md says: where the database is locked, the command is typed again."""
    port = airflow.api.url.rpartition(":")[2]
    for _ in range(TYPED):
        done = subprocess.run(
            [
                Path(sys.executable).parent / "airflow",
                *("backfill", "create", "--dag-id", dag, "--from-date", FIRST, "--to-date", LAST),
            ],
            env={**airflow.environment, **airflow.home.environment(int(port))},
            capture_output=True,
            text=True,
            check=False,
        )
        if not any(said in done.stderr for said in IN_THE_WAY):
            break
        time.sleep(5)
    assert done.returncode == 0, done.stdout + done.stderr


def filled(airflow: StandingAirflow, dag: str = DAG) -> list[dict]:
    """The runs of back-fills, once none is at work any more."""

    def ended() -> list[dict] | None:
        runs = [run for run in airflow.runs(dag) if run["run_type"] == "backfill"]
        is_over = runs and not {"queued", "running"} & {run["state"] for run in runs}
        return runs if is_over else None

    return airflow.wait_until(ended, f"the back-fill of {dag}")


def test_a_back_fill_lands_exactly_its_days(airflow):
    assert (clean_days(airflow), published_days(airflow)) == ({}, {})
    # While it is paused: SQLite has one writer, and a busy scheduler is another.
    back_fill(airflow)
    airflow.api.unpause(BUILD)
    airflow.api.unpause(DAG)
    runs = filled(airflow)
    assert sorted(run["logical_date"][:10] for run in runs) == list(DAYS)
    assert {run["state"] for run in runs} == {"success"}
    assert list(clean_days(airflow)) == list(DAYS)
    airflow.ended(DAG, "success")


def test_late_days_reach_the_published_marts_by_themselves(airflow):
    """The asset that each day updates has triggered the build."""
    airflow.ended(BUILD, "success")
    assert published_days(airflow) == clean_days(airflow)


def test_a_source_without_history_is_skipped(airflow):
    dag = "ingest_endoflife"
    back_fill(airflow, dag)
    airflow.api.unpause(dag)
    for run in filled(airflow, dag):
        states = {
            each["task_id"]: each["state"] for each in airflow.api.tasks(dag, run["dag_run_id"])
        }
        assert set(states.values()) == {"skipped"}
