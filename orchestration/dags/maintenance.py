"""The DAGs that look after what is stored: back-fill by hand, compaction, retention, freshness."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from orchestration import emr_tasks, tasks
from orchestration.alerts import dag_alerts, task_alerts
from orchestration.assets import backfilled, clean_lake
from trendhouse.declared.sources import landed_specs
from trendhouse.settings import load_settings

ON = load_settings().spark_on
SPECS = landed_specs()
SOURCES = [spec.name for spec in SPECS]
# Every parameter has a value: Airflow builds the context of a run's callbacks without its conf.
ASKED = {
    "source": Param(
        next(spec.name for spec in SPECS if spec.history),
        type="string",
        enum=SOURCES,
        description="Which source.",
    ),
    "since": Param(None, type=["null", "string"], format="date", description="First day, UTC."),
    "until": Param(
        None, type=["null", "string"], format="date", description="Last day, UTC, included."
    ),
}
DEFAULTS = {
    "owner": "trendhouse",
    "retries": 2,
    "retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(hours=2),
    **task_alerts(),
}
# A run after the other, and none for a time that was missed.
COMMON = {"catchup": False, "max_active_runs": 1}
EACH_SOURCE = {"map_index_template": "{{ source }}", "max_active_tis_per_dagrun": 1}


def asked(name: str) -> str | None:
    """What the person gave for a parameter."""
    return get_current_context()["params"][name]


@dag(
    dag_id="backfill_source",
    description="Land the days of a source again that a person names, and bring clean up to them.",
    schedule=None,
    params=ASKED,
    **COMMON,
    default_args={**DEFAULTS, "execution_timeout": timedelta(hours=12)},
    tags={"layer:ingest", "trigger:manual", "domain:all"},
    **dag_alerts(timedelta(hours=12)),
)
def backfill_source() -> None:
    """### Land history again

    Trigger it with a source and two days, both included. `land` asks upstream for exactly what lies
    between them, whether it was landed before or not; `deduplicate` keeps one row per key, so that
    doing it twice changes nothing; `check_clean` holds the clean tables to their expectations and
    updates the source's asset, whereupon `build_warehouse` repairs the marts that the days touch.

    The cursor of the ordinary runs stays where it is. A source whose upstream keeps no history
    (`github`, `endoflife`) is **skipped**, and the log says why. By command, a run per day or hour:
    `airflow backfill create --dag-id ingest_<source> --from-date … --to-date …`.

    **After a failure** clear the failed task: what has been landed is not asked for again in vain.
    """

    @task(pool="archive_pool")
    def land() -> dict[str, Any]:
        """Upstream to the raw lake: exactly the days that were asked for."""
        return tasks.land(asked("source"), tasks.days(asked("since"), asked("until")))

    @task(pool="spark_pool")
    def deduplicate() -> dict[str, Any]:
        """Raw lake to clean lake: one typed row per key."""
        return tasks.run_step("deduplicate", asked("source"))

    @task(pool="spark_pool", outlets=[backfilled()])
    def check_clean() -> dict[str, Any]:
        """The clean tables against their expectations."""
        source = asked("source")
        summary = tasks.run_step("check_clean", source)
        get_current_context()["outlet_events"][backfilled()].add(clean_lake(source))
        return summary

    there = "{{ params.source }}"
    cleaned = deduplicate() if ON == "here" else emr_tasks.deduplicate(there, ON)
    land() >> cleaned >> check_clean()


@dag(
    dag_id="compact_lake",
    description="Merge the small raw files of every source into few.",
    schedule="30 3 * * 0",
    default_args=DEFAULTS,
    **COMMON,
    tags={"layer:lake", "trigger:schedule", "domain:all"},
    **dag_alerts(),
)
def compact_lake() -> None:
    """### Small files into few

    Every Sunday at 03:30 UTC, source by source: raw files that every clean table has consumed are merged
    by the month. The rows are the same, proven by count and hash before any file is removed; a kill is
    finished by the next run.

    **After a failure** read the log: `ContentChanged` means that nothing was replaced and that raw files
    differ from what was written, which wants a person. Everything else: clear the task.
    """

    @task(pool="archive_pool", **EACH_SOURCE)
    def compact(source: str) -> dict[str, Any]:
        """Fewer raw files, the same rows."""
        return tasks.run_step("compact", source)

    compact.expand(source=SOURCES)


@dag(
    dag_id="retain_lake",
    description="Remove raw files that are older than the policy says.",
    schedule="15 4 * * *",
    default_args=DEFAULTS,
    **COMMON,
    tags={"layer:lake", "trigger:schedule", "domain:all"},
    **dag_alerts(),
)
def retain_lake() -> None:
    """### No raw longer than promised

    Every day at 04:15 UTC: raw files older than `TRENDHOUSE_RAW_RETENTION_DAYS` that every clean table has
    consumed are removed. Without that setting raw is kept for ever, and the tasks say so. What is gone
    from raw can no longer be parsed again; clean rows and marts stay.

    **After a failure** clear the task; files are marked as gone before they go.
    """

    @task(pool="archive_pool", **EACH_SOURCE)
    def retain(source: str) -> dict[str, Any]:
        """Nothing in raw that is older than the policy says."""
        return tasks.run_step("retain", source)

    retain.expand(source=SOURCES)


@dag(
    dag_id="check_freshness",
    description="Hold every source to the age that it promises.",
    schedule="40 * * * *",
    default_args=DEFAULTS,
    **COMMON,
    tags={"layer:quality", "trigger:schedule", "domain:all"},
    **dag_alerts(),
)
def check_freshness() -> None:
    """### Is anything stale?

    Every hour at minute 40: `dbt source freshness`, beside the `freshness_hours` of each source's YAML. The
    newest table of a source counts; one that was never landed is not told.

    **It fails** if a source is older than it promises; the alert names source, age and limit. Then look
    at the last runs of `ingest_<source>`: failed (their alert says why), paused, or landing nothing
    because upstream stands still. There is nothing to clear: the next hour looks again.
    """

    @task(task_id="check_freshness", pool="warehouse_pool", execution_timeout=timedelta(minutes=40))
    def check() -> dict[str, Any]:
        """Age and limit of every source."""
        return tasks.run_step("check_freshness")

    check()


backfill_source()
compact_lake()
retain_lake()
check_freshness()
