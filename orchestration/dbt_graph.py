"""How Cosmos draws the dbt project: project, profile, rendering and execution, in this one place."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from cosmos import (
    DbtTaskGroup,
    ExecutionConfig,
    ExecutionMode,
    InvocationMode,
    LoadMode,
    ProfileConfig,
    ProjectConfig,
    RenderConfig,
)
from cosmos.constants import DbtResourceType, TestBehavior

from orchestration.dbt_nodes import DbtNodeTask
from orchestration.manifest import require_fresh
from trendhouse.settings import ROOT
from warehouse.dbt import DBT_PROJECT

GROUP = "dbt"
BUILD = "build"
KINDS = (DbtResourceType.MODEL, DbtResourceType.SEED, DbtResourceType.SNAPSHOT)


def node_task(*, node: Any, task_id: str, dag: Any, task_group: Any, **_: Any) -> DbtNodeTask:
    """A node's task: it follows what the one build tells of the node."""
    return DbtNodeTask(
        task_id=task_id,
        unique_id=node.unique_id,
        build_task_id=BUILD,
        dag=dag,
        task_group=task_group,
        # What new data does not reach is skipped; what lies below both is built.
        trigger_rule="none_failed",
        execution_timeout=timedelta(hours=6),
    )


PROJECT = ProjectConfig(
    dbt_project_path=DBT_PROJECT, manifest_path=require_fresh(), install_dbt_deps=False
)
PROFILE = ProfileConfig(
    profile_name="warehouse",
    target_name=os.environ.get("DBT_TARGET", "duckdb"),
    profiles_yml_filepath=ROOT / "profiles.yml",
)
RENDER = RenderConfig(
    load_method=LoadMode.DBT_MANIFEST,
    # The build runs tests and unit tests, too; a node's task ends with them.
    test_behavior=TestBehavior.NONE,
    node_converters=dict.fromkeys(KINDS, node_task),
    normalize_task_id=lambda node: node.name,
    emit_datasets=False,
)
# Until Cosmos can try its WATCHER's producer again (1.15 skips it and lets every consumer run dbt) and
# start consumers in the triggerer: its tasks are replaced above, see benchmarks/scheduling.py.
EXECUTION = ExecutionConfig(
    execution_mode=ExecutionMode.LOCAL, invocation_mode=InvocationMode.DBT_RUNNER
)


def dbt_group() -> DbtTaskGroup:
    """The dbt graph, a task per model, seed and snapshot, in the order of their references."""
    return DbtTaskGroup(
        group_id=GROUP,
        project_config=PROJECT,
        profile_config=PROFILE,
        render_config=RENDER,
        execution_config=EXECUTION,
    )
