"""Runs of DAGs in a process of its own, by `dag.test()`: `python -m tests.orchestration.dags.once`.

Arguments: the runs as JSON, a list of (file that holds the DAG, its id, the run's conf); the file that
what became of them goes to.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any


def one(file: str, dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.asset import AssetEvent
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    bag = DagBag(dag_folder=file)
    assert not bag.import_errors, bag.import_errors
    dag = bag.dags[dag_id]
    # Airflow 3.3's dag.test() stumbles over what only a scheduler or DAG processor should touch.
    dag.deadline, dag.has_on_success_callback, dag.has_on_failure_callback = None, False, False
    for task in dag.tasks:
        task.retry_delay = timedelta(0)
    run = dag.test(run_conf=conf or None)
    with create_session() as session:
        returned = session.scalars(
            select(XComModel).where(XComModel.run_id == run.run_id, XComModel.key == "return_value")
        )
        results = {named(each): XComModel.deserialize_value(each) for each in returned}
        events = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == run.run_id))
        updated = sorted(event.asset.uri for event in events)
        tasks = {named(each): str(each.state) for each in run.get_task_instances(session=session)}
    return {"state": str(run.state), "tasks": tasks, "results": results, "assets": updated}


def named(each: Any) -> str:
    """The task, and of a mapped one its number."""
    return each.task_id if each.map_index < 0 else f"{each.task_id}[{each.map_index}]"


def main(runs: str, result: str) -> None:
    ended = [one(*each) for each in json.loads(runs)]
    Path(result).write_text(json.dumps(ended))


if __name__ == "__main__":
    main(*sys.argv[1:])
