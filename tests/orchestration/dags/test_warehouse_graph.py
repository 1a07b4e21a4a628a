"""The warehouse's DAG as it is drawn: a task per dbt node, in dbt's order, from a manifest that is fresh."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from orchestration import manifest
from warehouse import selection
from warehouse.dbt import DBT_PROJECT

DRAW = """
import json
from orchestration.dags.warehouse import warehouse
dag = warehouse()
tasks = {each.task_id: each for each in dag.tasks}
print(json.dumps({
    "dag_id": dag.dag_id,
    "max_active_runs": dag.max_active_runs,
    "assets": sorted(asset.uri for asset in dag.timetable.asset_condition.objects),
    "nodes": {getattr(each, "unique_id", None): name for name, each in tasks.items()},
    "downstream": {name: sorted(each.downstream_task_ids) for name, each in tasks.items()},
    "pools": {name: each.pool for name, each in tasks.items()},
}))
"""
TOLD = """
import json
from types import SimpleNamespace as Told
from airflow.sdk.execution_time.context import TriggeringAssetEventsAccessor
from orchestration.assets import backfilled, clean_lake
from orchestration.dags.warehouse import sources_told
def event(source, *aliases):
    return Told(asset=clean_lake(source), source_aliases=aliases)
for events in ([], [event("endoflife")], [event("github_ranking", backfilled()), event("github")]):
    accessor = TriggeringAssetEventsAccessor.build(events)
    print(json.dumps(sources_told({"triggering_asset_events": accessor})))
"""
STEPS = {"prepare", "build", "check_marts", "publish"}
KINDS = {"model", "seed", "snapshot"}


@pytest.fixture(scope="module")
def read(airflow_home):
    """dbt's own account of the project; the fixture before has made it."""
    return manifest.read()


@pytest.fixture(scope="module")
def graph(airflow_home):
    return json.loads(airflow_home.python(DRAW).splitlines()[-1])


def built_nodes(read):
    return {name for name, node in read["nodes"].items() if node["resource_type"] in KINDS}


def test_every_dbt_node_has_one_task_named_after_it(graph, read):
    expected = {name: f"dbt.{read['nodes'][name]['name']}" for name in built_nodes(read)}
    assert {name: task for name, task in graph["nodes"].items() if name != "null"} == expected
    assert set(graph["downstream"]) == {*expected.values(), *STEPS}


def test_tasks_follow_the_references_of_dbt(graph, read):
    nodes = built_nodes(read)
    for name in nodes:
        children = {
            f"dbt.{read['nodes'][each]['name']}" for each in nodes & {*read["child_map"][name]}
        }
        assert children == set(graph["downstream"][graph["nodes"][name]]), name


def test_the_steps_come_in_their_order_and_one_writes_at_a_time(graph):
    assert graph["dag_id"] == "build_warehouse"
    assert graph["max_active_runs"] == 1
    assert "build" in graph["downstream"]["prepare"]
    assert graph["downstream"]["build"] == ["check_marts"]
    assert graph["downstream"]["check_marts"] == ["publish"]
    assert graph["downstream"]["publish"] == []
    assert {graph["pools"][step] for step in STEPS} == {"warehouse_pool"}


def test_any_clean_source_starts_it(graph):
    names = ("endoflife", "gharchive", "github", "github_ranking")
    assert graph["assets"] == [f"trendhouse://clean/{name}" for name in names]


def test_events_name_their_sources_also_where_a_back_fill_brought_them(airflow_home):
    told = airflow_home.python(TOLD).splitlines()[-3:]
    assert [json.loads(line) for line in told] == [[], ["endoflife"], ["github", "github_ranking"]]


def test_a_project_that_changed_makes_the_manifest_stale(airflow_home, tmp_path):
    project = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    assert manifest.fingerprint(project) == manifest.fingerprint()
    assert manifest.is_fresh(project=project)
    model = project / "models" / "marts" / "opensource" / "topics.sql"
    model.write_text(f"{model.read_text()}\n-- changed\n")
    with pytest.raises(manifest.StaleManifest, match=re.escape(manifest.COMMAND)):
        manifest.require_fresh(project=project)


def test_without_a_manifest_the_error_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(manifest.StaleManifest, match=rf"is missing.*{re.escape(manifest.COMMAND)}"):
        manifest.require_fresh(tmp_path / "manifest.json")


def test_new_data_reaches_what_dbt_selects_below_its_source(airflow_home, read):
    """As dbt itself resolves `source:endoflife+ source:ledger+`."""
    listed = airflow_home.run(
        Path(sys.executable).parent / "dbt", "--quiet", "ls", "--select", "source:endoflife+ source:ledger+",
        *("--resource-types", "model", "snapshot", "seed"), "--output", "json",
        *("--output-keys", "unique_id", "--project-dir", str(DBT_PROJECT)),
        "--target-path", str(airflow_home.home.root / "dbt"),
    )  # fmt: skip
    assert listed.returncode == 0, listed.stdout + listed.stderr
    selected = {json.loads(line)["unique_id"] for line in listed.stdout.splitlines()}
    left_out = selection.unreached(read, ("endoflife", "ledger"))
    assert built_nodes(read) - left_out == selected
    assert selected and selected != built_nodes(read)


def test_nothing_is_left_out_where_everything_is_built(read):
    assert selection.unreached(read, None) == set()
