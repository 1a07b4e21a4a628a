"""The task `deduplicate` of a DAG where Spark runs on Amazon EMR: waits in the triggerer, ends what it began."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Any

from orchestration.emr import Emr, On, cluster, load_emr, serverless_run, step
from trendhouse.settings import Settings, SettingsError, load_settings

# A cluster that starts, and a job that waits in line, take their time, too.
GRACE = timedelta(minutes=15)


def deduplicate(source: str, on: On) -> Any:
    """Tasks that bring the clean tables of a source (a name, or a template) up to its raw files, on EMR.

    Raises SettingsError where a setting, or the Amazon provider, is missing.
    """
    settings = load_settings()
    emr = load_emr(on, settings)
    try:
        import airflow.providers.amazon  # noqa: F401
    except ImportError:
        raise SettingsError(
            f"TRENDHOUSE_SPARK_ON={on} needs the package apache-airflow-providers-amazon[aiobotocore]."
        ) from None
    return (on_cluster if on == "emr" else serverless)(settings, emr, source)


def common(emr: Emr) -> dict[str, Any]:
    return {"aws_conn_id": "aws_default", "region_name": emr.region, "deferrable": True}


def watched(emr: Emr, limit: timedelta) -> dict[str, Any]:
    """How a job is waited for, without a process, and when it is given up."""
    return {
        "waiter_delay": emr.poll_seconds,
        "waiter_max_attempts": ceil(limit.total_seconds() / emr.poll_seconds),
        "execution_timeout": limit + GRACE,
    }


def on_cluster(settings: Settings, emr: Emr, source: str) -> Any:
    """A cluster, the job, and the cluster's end: a teardown, which runs whatever became of the job."""
    from airflow.providers.amazon.aws.operators.emr import (
        EmrAddStepsOperator,
        EmrCreateJobFlowOperator,
        EmrTerminateJobFlowOperator,
    )
    from airflow.sdk import task_group

    @task_group(group_id="deduplicate")
    def deduplicate() -> None:
        # Nothing is waited for here: a step may be added to a cluster that is still starting, and
        # a task that fails before its end would leave a cluster that no teardown knows of.
        create = EmrCreateJobFlowOperator(
            task_id="create_cluster",
            emr_conn_id=None,
            job_flow_overrides=cluster(emr, source),
            **common(emr),
        )
        run = EmrAddStepsOperator(
            task_id="run",
            job_flow_id=create.output,
            steps=[step(settings, emr, source)],
            **watched(emr, timedelta(minutes=emr.minutes)),
            **common(emr),
        )
        end = EmrTerminateJobFlowOperator(
            task_id="terminate_cluster",
            job_flow_id=create.output,
            waiter_delay=emr.poll_seconds,
            **common(emr),
        )
        create >> run >> end.as_teardown(setups=create, on_failure_fail_dagrun=True)

    return deduplicate()


def serverless(settings: Settings, emr: Emr, source: str) -> Any:
    """A run of the application, which is started if it stands still and stops by itself.

    A run that takes too long is ended by AWS, since the provider cancels none when its wait is over;
    we wait longer, so that we see it.
    """
    from airflow.providers.amazon.aws.operators.emr import EmrServerlessStartJobOperator

    return EmrServerlessStartJobOperator(
        task_id="deduplicate",
        **serverless_run(settings, emr, source),
        cancel_on_kill=True,
        **watched(emr, timedelta(minutes=emr.whole_minutes) + GRACE),
        **common(emr),
    )
