"""What to do next, per cause: the commands that a person on call types."""

from __future__ import annotations

import shlex

from orchestration.alerts.alert import Alert, Cause

REMEDIES = {
    Cause.SUCCESS: "",
    Cause.RETRY: "Nothing yet: Airflow tries again by itself. If it fails for good, another message "
    "comes.",
    Cause.FAILURE: "Read the log and mend what it names; then let the run go on from the task that "
    "failed: `airflow tasks clear --only-failed --yes {dag}`.",
    Cause.DEADLINE: "See which task holds the run up: `airflow tasks states-for-dag-run {dag} {run}`. "
    "A long queue: `airflow pools list`; a lock: `trendhouse doctor`.",
    Cause.PARTIAL: "The next run asks again for what is missing: `airflow dags trigger {dag}` does so "
    "at once, `trendhouse status` shows what is missing.",
    Cause.QUOTA: "The next run goes on where this one stopped. To be sooner: add tokens to "
    "GITHUB_TOKENS or to the connection `github_default`; `trendhouse plan --live` tells what a "
    "landing costs.",
    Cause.DRIFT: "Nothing is lost: raw holds the whole records. `trendhouse status` lists the fields; "
    "declare them in ingestion/sources/{source}.yml, then `trendhouse deduplicate {source}`.",
    Cause.COMPLETENESS: "`trendhouse status` shows expected and captured; land again: `{land}`. If "
    "upstream really holds fewer, change the floor in ingestion/sources/. All else is published.",
    Cause.EXPECTATIONS: "`trendhouse docs` tells where the Data Docs lie, which show every value; mend "
    "the cause, then `{check}`. The published state stays as it was.",
    Cause.STALE: "See whether the DAG is paused or fails: `airflow dags list-runs {ingest}`; "
    "`airflow dags unpause {ingest}`, then `airflow dags trigger {ingest}`.",
    Cause.DISK: "Make room: `trendhouse doctor` tells what lies there, `trendhouse retain` removes old raw; then "
    "`airflow tasks clear --only-failed --yes {dag}`. Nothing was begun, so nothing is half done.",
}


def remedy(alert: Alert) -> str:
    """The remedy with the alert's own DAG, run and source in its commands."""
    ingest = f"ingest_{alert.origin}" if alert.origin else alert.dag_id
    return REMEDIES[alert.cause].format(
        dag=alert.dag_id or ingest or "DAG",
        run=shlex.quote(alert.run_id or "RUN"),
        source=alert.origin or "SOURCE",
        ingest=ingest or "DAG",
        land=f"airflow dags trigger {ingest}" if alert.origin else "trendhouse run",
        check=f"trendhouse check {'clean' if alert.origin else 'marts'}",
    )
