"""An Airflow DAG per landed source, `ingest_<source>`, made of what its YAML says."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, CronDataIntervalTimetable, dag, task

from orchestration import emr_tasks, tasks
from orchestration.alerts import dag_alerts, task_alerts
from orchestration.assets import clean_lake
from trendhouse.declared.sources import SourceSpec, landed_specs
from trendhouse.settings import load_settings

ON = load_settings().spark_on
SPARK = {"pool": "spark_pool", "execution_timeout": timedelta(hours=2)}
HISTORY = {
    None: "It cannot be back-filled: its upstream knows no earlier state.",
    "hour": "A back-fill lands the hour of each run's logical date.",
    "day": "A back-fill lands the day of each run's logical date.",
}
DOCS = """{description}

`land` appends what is new upstream to the raw lake, `deduplicate` makes typed rows of it, one per key,
`check_clean` holds them to their expectations and updates the asset `trendhouse://clean/{name}`, which
`build_warehouse` waits for.

- **Owner** {owner}
- **When** `{cron}` by the clocks of {timezone}, {retries} retries after {retry_minutes:g} minutes
- **Quota** {slots} of the slots of `{pool}`
- **Back-fill** {history} `airflow backfill create --dag-id ingest_{name} --from-date … --to-date …`, or the DAG
  `backfill_source`
- **After a failure** clear the failed task: every step goes on where it stopped, nothing is doubled
- **Tables** {tables}
"""


def timetable(spec: SourceSpec) -> CronDataIntervalTimetable | None:
    """When a source is landed, by the clocks of its zone.

    With data intervals, since a back-fill names days by them; a run starts at the end of its own. That
    also means that a DAG that is switched on runs at once, for the interval that ended last.
    """
    if spec.schedule is None:
        return None
    return CronDataIntervalTimetable(spec.schedule.cron, timezone=spec.schedule.timezone)


def start(spec: SourceSpec) -> datetime | None:
    """From when on missed runs are made up for; None: they are not."""
    if spec.schedule is None or spec.schedule.catchup_since is None:
        return None
    return datetime.combine(
        spec.schedule.catchup_since, time(), ZoneInfo(spec.schedule.timezone)
    ).astimezone(UTC)


def described(spec: SourceSpec) -> str:
    schedule = spec.schedule
    return DOCS.format(
        name=spec.name,
        description=spec.description,
        owner=spec.owner,
        cron=schedule.cron if schedule else "by hand",
        timezone=schedule.timezone if schedule else "nobody",
        retries=spec.retries,
        retry_minutes=spec.retry_minutes,
        slots=spec.pool.slots if spec.pool else 1,
        pool=spec.pool.name if spec.pool else "default_pool",
        history=HISTORY[spec.history],
        tables=", ".join(f"`{name}`" for name in spec.tables),
    )


def defaults(spec: SourceSpec) -> dict[str, Any]:
    """What every task of a source's DAG has."""
    return {
        "owner": spec.owner,
        "retries": spec.retries,
        "retry_delay": timedelta(minutes=spec.retry_minutes),
        # Back-fills run beside each other whatever max_active_runs says; their tasks take turns.
        "max_active_tis_per_dag": 1,
        **task_alerts(),
    }


def ingest(spec: SourceSpec) -> DAG:
    """The DAG of one source."""

    @dag(
        dag_id=f"ingest_{spec.name}",
        description=spec.description,
        doc_md=described(spec),
        schedule=timetable(spec),
        start_date=start(spec),
        catchup=start(spec) is not None,
        max_active_runs=1,
        default_args=defaults(spec),
        tags={"layer:ingest", f"source:{spec.name}", f"domain:{spec.domain}"},
        **dag_alerts(),
    )
    def flow() -> None:
        pool = {"pool": spec.pool.name, "pool_slots": spec.pool.slots} if spec.pool else {}

        @task(**pool, execution_timeout=timedelta(hours=3))
        def land() -> dict[str, Any]:
            """Upstream to the raw lake: what is new, or the window of a back-fill."""
            return tasks.land(spec.name)

        @task(**SPARK)
        def deduplicate() -> dict[str, Any]:
            """Raw lake to clean lake: one typed row per key."""
            return tasks.run_step("deduplicate", spec.name)

        @task(**SPARK, outlets=[clean_lake(spec.name)])
        def check_clean() -> dict[str, Any]:
            """The clean tables against their expectations."""
            return tasks.run_step("check_clean", spec.name)

        cleaned = deduplicate() if ON == "here" else emr_tasks.deduplicate(spec.name, ON)
        land() >> cleaned >> check_clean()

    return flow()


for each in landed_specs():
    ingest(each)
