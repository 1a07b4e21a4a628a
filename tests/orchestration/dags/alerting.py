"""DAGs that end in every way a run can end, told by the house's own callbacks."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from orchestration.alerts import dag_alerts, task_alerts

COMMON = {"schedule": None, "catchup": False, "default_args": {**task_alerts(), "retries": 0}}


@task
def land() -> dict[str, Any]:
    return {"step": "land", "summary": "1,204 rows in 3 tables, 9 requests", "rows": 1_204}


@dag(dag_id="late", **COMMON, **dag_alerts(deadline=timedelta(seconds=5)))
def late() -> None:
    @task
    def dawdle() -> None:
        time.sleep(20)

    dawdle()


@dag(dag_id="killed", **COMMON, **dag_alerts())
def killed() -> None:
    @task
    def deduplicate() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    land() >> deduplicate()


@dag(dag_id="refused", **COMMON, **dag_alerts())
def refused() -> None:
    @task
    def check_clean() -> None:
        from airflow.exceptions import AirflowFailException

        from expectations.check import ExpectationsFailed

        try:
            raise ExpectationsFailed("github.repositories: id is unique, 2 of 40 are not")
        except ExpectationsFailed as error:
            raise AirflowFailException(str(error)) from error

    land() >> check_clean()


@dag(dag_id="fine", **COMMON, **dag_alerts())
def fine() -> None:
    land()


fine()
late()
killed()
refused()
