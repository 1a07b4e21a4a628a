"""The warehouse's DAG: what new clean data reaches is built by dbt, checked and published."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import AssetAny, Param, dag, get_current_context, task

from orchestration.alerts import dag_alerts, task_alerts
from orchestration.assets import clean_lake, marts
from orchestration.dbt_graph import BUILD, dbt_group
from orchestration.tasks import run_step, working
from trendhouse.declared.sources import landed_specs

DOMAIN = "opensource"
OWNER = "open-source-trends@example.org"
DOC = """
**What it does.** dbt builds what lies below the sources with new clean data: models, snapshots, tests and
unit tests, in one process (task `build`). Each task of the group `dbt` stands for one node and ends as it
ended in the build; skipped means that no new data reaches it. Then the marts are checked and published.

**When.** After any `ingest_…` has put new data into the clean lake. A run by hand builds everything;
with `full_refresh`, from nothing.

**If it fails.** The published state stays. `build` names the model or the test; mend it and clear the
run's failed tasks, or wait: the next run builds whatever is not published yet. `check_marts` and `publish`
say which expectation or floor is not met.
"""


@task(task_id="prepare", pool="warehouse_pool")
def prepare() -> None:
    """Back up if the models have changed; decide what is built, and skip the tasks of the rest."""
    from airflow.sdk.exceptions import DownstreamTasksSkipped

    from orchestration.manifest import read
    from warehouse import selection
    from warehouse.upgrade import prepare as upgrade

    context = get_current_context()
    params, told = context["params"], sources_told(context)
    with working("prepare") as work:
        place = work.settings.place
        is_upgrade = upgrade(place)
        whole = is_upgrade or params["full_refresh"] or not told
        chosen = selection.choose(place, told, read(), whole=whole)
    context["ti"].xcom_push(key="select", value=chosen.select)
    context["ti"].xcom_push(key="versions", value=dict(chosen.versions))
    left_out = selection.unreached(read(), chosen.sources)
    tasks = [each for each in context["dag"].tasks if getattr(each, "unique_id", "") in left_out]
    if tasks:
        raise DownstreamTasksSkipped(tasks=[each.task_id for each in tasks])


def sources_told(context: Any) -> list[str]:
    """The sources whose assets started this run; none if a person did."""
    names = {asset.name for asset in context["triggering_asset_events"]}
    return [spec.name for spec in landed_specs() if clean_lake(spec.name).name in names]


@task(task_id=BUILD, pool="warehouse_pool", execution_timeout=timedelta(hours=6))
def build() -> dict[str, Any]:
    """Run `dbt build` on what was chosen, and tell the nodes' tasks how each of them ended."""
    from airflow.sdk.exceptions import AirflowFailException

    from orchestration.dbt_nodes import STATES_KEY
    from orchestration.manifest import read
    from orchestration.node_states import NodeStates
    from warehouse.dbt import BuildFailed
    from warehouse.unit_tests import UnitTests

    context = get_current_context()
    instance = context["ti"]
    states = NodeStates(
        read(),
        lambda told: instance.xcom_push(key=STATES_KEY, value=told),
        unit_tests=not UnitTests().have_passed,
    )
    states.tell({})
    try:
        summary = run_step(
            "build",
            select=instance.xcom_pull(task_ids="prepare", key="select"),
            full_refresh=context["params"]["full_refresh"],
            on_node=states.note,
        )
    except BuildFailed as failure:
        if states.is_refused:
            raise AirflowFailException(str(failure)) from failure
        raise
    states.conclude()
    return summary


@task(task_id="check_marts", pool="warehouse_pool")
def check_marts() -> dict[str, Any]:
    """Hold the marts to their expectations."""
    return run_step("check_marts", domain=DOMAIN)


@task(task_id="publish", pool="warehouse_pool", outlets=[marts(DOMAIN)])
def publish() -> dict[str, Any]:
    """Swap what readers see, unless a floor is not met; remember what of the lake is in it."""
    from trendhouse.settings import load_settings
    from warehouse import selection

    summary = run_step("publish", domain=DOMAIN)
    versions = get_current_context()["ti"].xcom_pull(task_ids="prepare", key="versions")
    selection.keep(load_settings().place, versions)
    return summary


@dag(
    dag_id="build_warehouse",
    schedule=AssetAny(*[clean_lake(spec.name) for spec in landed_specs()]),
    catchup=False,
    max_active_runs=1,
    description="Bring the marts up to what is new in the clean lake; check and publish them.",
    tags=["layer:warehouse", f"domain:{DOMAIN}"],
    doc_md=DOC,
    params={
        "full_refresh": Param(False, type="boolean", description="Build every model from nothing.")
    },
    default_args={
        "owner": OWNER,
        "retries": 2,
        "retry_delay": timedelta(minutes=1),
        **task_alerts(),
    },
    **dag_alerts(),
)
def warehouse() -> None:
    first, built = prepare(), build()
    first >> [built, dbt_group()]
    built >> check_marts() >> publish()


warehouse()
