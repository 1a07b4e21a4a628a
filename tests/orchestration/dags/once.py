"""One run of a DAG in a process of its own, by `dag.test()`: `python -m tests.orchestration.dags.once`.

Arguments: the file that holds the DAG, its id, the run's conf as JSON, the file that the result goes to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(file: str, dag_id: str, conf: str, result: str) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.asset import AssetEvent
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    bag = DagBag(dag_folder=file)
    assert not bag.import_errors, bag.import_errors
    dag = bag.dags[dag_id]
    dag.deadline = None  # Airflow 3.3's dag.test() takes the deadline itself for its id
    run = dag.test(run_conf=json.loads(conf) or None)
    with create_session() as session:
        returned = session.scalars(
            select(XComModel).where(XComModel.run_id == run.run_id, XComModel.key == "return_value")
        )
        results = {each.task_id: XComModel.deserialize_value(each) for each in returned}
        events = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == run.run_id))
        updated = sorted(event.asset.uri for event in events)
        tasks = {each.task_id: str(each.state) for each in run.get_task_instances(session=session)}
    found = {"state": str(run.state), "tasks": tasks, "results": results, "assets": updated}
    Path(result).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
