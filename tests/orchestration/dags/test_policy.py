"""Every DAG keeps the house's policies; a failure names the DAG and the rule."""

from __future__ import annotations

import copy
import json
import re
import sys
from typing import Any

import pytest

from orchestration.pools import POOLS
from trendhouse.declared.sources import landed_specs

SOURCES = {spec.name: spec for spec in landed_specs()}
BY_HAND = {"selftest_single_api", "selftest_parallel_apis"}
DAGS = {
    *(f"ingest_{name}" for name in SOURCES),
    "build_warehouse",
    "backfill_source",
    "compact_lake",
    "retain_lake",
    "check_freshness",
    "tell_releases",
    *BY_HAND,
}
INGEST = {"land": [], "deduplicate": ["land"], "check_clean": ["deduplicate"]}
TASKS = {
    **{f"ingest_{name}": INGEST for name in SOURCES},
    "backfill_source": INGEST,
    "compact_lake": {"compact": []},
    "retain_lake": {"retain": []},
    "check_freshness": {"check_freshness": []},
    "tell_releases": {"send": [], "digest": []},
}
SCHEDULES = {
    **{f"ingest_{name}": spec.schedule.cron for name, spec in SOURCES.items()},
    "backfill_source": None,
    "compact_lake": "30 3 * * 0",
    "retain_lake": "15 4 * * *",
    "check_freshness": "40 * * * *",
}
HEAVY = {"pyspark", "dlt", "dbt", "great_expectations", "pandas", "duckdb"}
MOST_SECONDS = 2.0
# They watch one dbt process and end as it says: nothing to try again, nothing to tell apart.
WATCHERS = "dbt."


def violations(dag_id: str, dag: dict[str, Any]) -> list[str]:
    """What a DAG does against the rules, each as `dag: rule`."""
    has_history = (spec := SOURCES.get(dag_id.removeprefix("ingest_"))) and (
        spec.schedule.catchup_since is not None
    )
    broken = {
        "says what it is for": not dag["description"],
        "has a doc_md that a person on call can use": len(dag["doc"]) < 200,
        "has tags, each `key:value`": not dag["tags"]
        or not all(re.fullmatch(r"[a-z]+:[a-z_]+", tag) for tag in dag["tags"]),
        "catches up only where its source wants history": dag["catchup"] != bool(has_history),
        "runs once at a time": dag["max_active_runs"] != 1,
        "tells success and failure": dag_id not in BY_HAND and dag["tells"] != [True, True],
        "has a deadline": dag_id not in BY_HAND and not dag["has_deadline"],
    }
    found = [f"{dag_id}: {rule}" for rule, is_broken in broken.items() if is_broken]
    for name, task in dag["tasks"].items():
        found += violations_of_task(f"{dag_id}.{name}", task, is_watcher=name.startswith(WATCHERS))
    return found


def violations_of_task(name: str, task: dict[str, Any], *, is_watcher: bool) -> list[str]:
    is_told = is_watcher or name.split(".")[0] in BY_HAND
    broken = {
        "has an owner": task["owner"] in ("", "airflow"),
        "is tried again": task["retries"] < 1 and not is_watcher,
        "has a pool that exists": task["pool"] not in {*POOLS, "default_pool"},
        "takes no more slots than its pool has": task["pool"] in POOLS
        and task["pool_slots"] > POOLS[task["pool"]].slots,
        "tells retry and failure": not is_told and task["tells"] != [True, True],
    }
    return [f"{name}: {rule}" for rule, is_broken in broken.items() if is_broken]


@pytest.fixture(scope="module")
def parsed(airflow_home):
    result = airflow_home.home.root / "parsed.json"
    command = (sys.executable, "-m", "tests.orchestration.dags.parse", str(result))
    done = airflow_home.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(result.read_text())


def test_there_are_exactly_these_dags(parsed):
    assert parsed["errors"] == {}
    assert set(parsed["dags"]) == DAGS


@pytest.mark.parametrize("dag_id", sorted(DAGS))
def test_a_dag_keeps_every_policy(parsed, dag_id):
    assert violations(dag_id, parsed["dags"][dag_id]) == []


@pytest.mark.parametrize("dag_id", sorted(TASKS))
def test_the_tasks_of_a_dag_come_in_this_order(parsed, dag_id):
    tasks = parsed["dags"][dag_id]["tasks"]
    assert {name: task["after"] for name, task in tasks.items()} == TASKS[dag_id]


@pytest.mark.parametrize("dag_id", sorted(SCHEDULES))
def test_a_dag_runs_when_it_is_said_to(parsed, dag_id):
    assert parsed["dags"][dag_id]["schedule"] == SCHEDULES[dag_id]


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_source_s_dag_is_what_its_yaml_says(parsed, name):
    spec, tasks = SOURCES[name], parsed["dags"][f"ingest_{name}"]["tasks"]
    for task in tasks.values():
        assert (task["owner"], task["retries"]) == (spec.owner, spec.retries)
        assert task["retry_seconds"] == 60 * spec.retry_minutes
        assert task["timeout"]
        assert task["at_once"] == 1, "the days of a back-fill take turns"
    assert (tasks["land"]["pool"], tasks["land"]["pool_slots"]) == (
        spec.pool.name,
        spec.pool.slots,
    )
    assert {tasks[step]["pool"] for step in ("deduplicate", "check_clean")} == {"spark_pool"}
    assert tasks["check_clean"]["outlets"] == [f"trendhouse://clean/{name}"]


def test_every_pool_that_a_source_names_exists():
    assert {spec.pool.name for spec in SOURCES.values()} <= set(POOLS)


def test_parsing_imports_nothing_heavy(parsed):
    assert HEAVY & set(parsed["modules"]) == set()


def test_parsing_opens_no_socket_and_no_database(parsed):
    assert parsed["opened"] == []


def test_parsing_takes_less_than_two_seconds_of_cpu(parsed):
    assert parsed["seconds"] < MOST_SECONDS


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"tags": ["warehouse"]}, "ingest_github: has tags, each `key:value`"),
        ({"doc": "Short."}, "ingest_github: has a doc_md that a person on call can use"),
        ({"catchup": True}, "ingest_github: catches up only where its source wants history"),
        ({"max_active_runs": 16}, "ingest_github: runs once at a time"),
        ({"has_deadline": False}, "ingest_github: has a deadline"),
        ({"owner": "airflow"}, "ingest_github.land: has an owner"),
        ({"retries": 0}, "ingest_github.land: is tried again"),
        ({"pool": "nowhere"}, "ingest_github.land: has a pool that exists"),
        ({"pool_slots": 61}, "ingest_github.land: takes no more slots than its pool has"),
        ({"tells": [False, True]}, "ingest_github.land: tells retry and failure"),
    ],
)
def test_what_breaks_a_rule_is_named_with_its_dag(parsed, change, rule):
    dag = copy.deepcopy(parsed["dags"]["ingest_github"])
    changed = dag["tasks"]["land"] if rule.startswith("ingest_github.land") else dag
    changed.update(change)
    assert violations("ingest_github", dag) == [rule]
