"""The dbt graph as Airflow DAGs, one per way of running it, for benchmarks/scheduling.py."""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag
from cosmos import DbtTaskGroup, ExecutionConfig, ExecutionMode, InvocationMode, RenderConfig
from cosmos.constants import LoadMode, TestBehavior

import orchestration.dags.warehouse  # noqa: F401 - its DAG is one of those compared
from orchestration.dbt_graph import PROFILE, PROJECT


def cosmos_dag(mode: ExecutionMode, tests: TestBehavior, **operator_args: Any) -> Any:
    """The graph as Cosmos itself runs it in a mode."""

    @dag(dag_id=f"cosmos_{mode.value}", catchup=False, max_active_runs=1)
    def drawn() -> None:
        DbtTaskGroup(
            group_id="dbt",
            project_config=PROJECT,
            profile_config=PROFILE,
            execution_config=ExecutionConfig(
                execution_mode=mode, invocation_mode=InvocationMode.DBT_RUNNER
            ),
            render_config=RenderConfig(
                load_method=LoadMode.DBT_MANIFEST, test_behavior=tests, emit_datasets=False
            ),
            operator_args={"append_env": True, "retries": 1, **operator_args},
        )

    return drawn()


# Without test tasks the producer would not test at all.
cosmos_dag(ExecutionMode.WATCHER, TestBehavior.AFTER_EACH)
cosmos_dag(ExecutionMode.LOCAL, TestBehavior.BUILD, pool="warehouse_pool")
