"""Parse every DAG in a process of its own and tell what that took and what the DAGs are.

`python -m tests.orchestration.dags.parse FILE` writes JSON: the CPU seconds beyond Airflow itself, the
modules that came with it, what was opened, and each DAG's rules.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

OPENINGS = (
    "socket.connect",
    "socket.bind",
    "socket.sendto",
    "socket.getaddrinfo",
    "sqlite3.connect",
)
# Amazon's libraries, where they are installed: urllib3 asks once whether this machine has IPv6.
OF_URLLIB3 = "('::1', 0))"


def parsed() -> dict[str, Any]:
    import airflow.dag_processing.dagbag
    import airflow.sdk
    from airflow.sdk import DAG, Asset, BaseNotifier, BaseOperator, dag, task  # noqa: F401

    from orchestration.airflow_home import DAGS

    opened: list[str] = []
    sys.addaudithook(
        lambda event, arguments: (
            opened.append(f"{event} {arguments}")
            if event in OPENINGS and not str(arguments).endswith(OF_URLLIB3)
            else None
        )
    )
    known, began = set(sys.modules), time.process_time()
    bag = airflow.dag_processing.dagbag.DagBag(dag_folder=str(DAGS))
    seconds = time.process_time() - began
    return {
        "seconds": seconds,
        "modules": sorted({name.split(".")[0] for name in set(sys.modules) - known}),
        "opened": opened,
        "errors": bag.import_errors,
        "dags": {dag_id: rules(each) for dag_id, each in bag.dags.items()},
    }


def rules(dag: Any) -> dict[str, Any]:
    """What the policies look at."""
    return {
        "doc": dag.doc_md or "",
        "description": dag.description or "",
        "tags": sorted(dag.tags),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "has_deadline": bool(dag.deadline),
        "tells": [bool(dag.on_success_callback), bool(dag.on_failure_callback)],
        "schedule": dag.timetable.expression if hasattr(dag.timetable, "expression") else None,
        "tasks": {each.task_id: rules_of_task(each) for each in dag.tasks},
    }


def rules_of_task(task: Any) -> dict[str, Any]:
    return {
        "owner": task.owner,
        "retries": task.retries,
        "retry_seconds": task.retry_delay.total_seconds(),
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "at_once": task.max_active_tis_per_dag,
        "timeout": task.execution_timeout and task.execution_timeout.total_seconds(),
        "tells": [bool(task.on_retry_callback), bool(task.on_failure_callback)],
        "after": sorted(task.upstream_task_ids),
        "outlets": sorted(getattr(each, "uri", each.name) for each in task.outlets),
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(parsed()))
