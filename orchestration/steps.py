"""The verbs of the warehouse: land, deduplicate, check_clean, build, check_marts, publish; and those
that look after it: compact, retain, check_freshness.

The command line calls them by hand, a scheduler calls them on time; each takes the effective settings
and a place to report progress to, and returns what it did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ingestion.window import Window
from trendhouse.declared.sources import load_spec
from trendhouse.settings import Settings, load_settings
from warehouse.dbt import Node

Progress = Callable[[str], None]
# What only a mistake of the house's own raises; an upstream that misbehaves raises other errors.
CRASHES = (TypeError, KeyError, AttributeError, NameError, IndexError, AssertionError)


@dataclass
class Outcome:
    """What a step did: a line for people, counts for the ledger, what failed beside it, and where
    the house's own code crashed."""

    summary: str
    rows: int = 0
    failures: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    detail: Any = None

    @property
    def state(self) -> str:
        """How the display shows the step."""
        return "failed" if self.crashes else "partial" if self.failures else "done"


def quiet(_: str) -> None:
    """Progress that nobody watches."""


def land(
    source: str,
    settings: Settings | None = None,
    progress: Progress = quiet,
    window: Window | None = None,
) -> Outcome:
    """Upstream -> raw lake. What fails is named in the outcome; the rest is landed.

    With a `window` exactly its periods (a back-fill); raises NoHistory where upstream keeps none.

    A landing that broke off as a whole because of the house's own code is a crash, not a failure.
    """
    from ingestion.limits import told
    from ingestion.pipeline import run
    from orchestration.landings import keep

    settings = settings or load_settings()
    seen: dict[str, int] = {}

    def report(table: str, rows: int, requests: int) -> None:
        seen[table] = rows
        progress(f"{sum(seen.values()):,} rows, {requests:,} requests")

    told.clear()
    landing = run(source, settings, on_progress=report, window=window)
    keep(settings.place, landing, settings.clock() if window is None else None)
    rows = sum(landing.rows.values())
    names = {kind.__name__ for kind in CRASHES}
    crashes = [
        failure
        for failure in landing.failures
        if failure.partition_name == "*" and failure.error.partition(":")[0] in names
    ]
    return Outcome(
        summary=f"{rows:,} rows in {len([n for n in landing.rows.values() if n])} tables, "
        f"{landing.requests:,} requests",
        rows=rows,
        failures=[f"{source}: {each}" for each in landing.failures if each not in crashes],
        crashes=[f"{source}: {each}" for each in crashes],
        detail=landing,
    )


def deduplicate(
    source: str, settings: Settings | None = None, progress: Progress = quiet
) -> Outcome:
    """Raw lake -> clean lake: one typed row per key, the unreadable in quarantine."""
    from spark.jobs.deduplicate import deduplicate_source, summary_of

    rows = deduplicate_source(source, settings or load_settings(), progress)
    return Outcome(
        summary=summary_of(rows), rows=sum(row.landed_count for row in rows), detail=rows
    )


def check_clean(
    source: str, settings: Settings | None = None, progress: Progress = quiet
) -> Outcome:
    """Hold the clean tables of a source to their suites. Raises ExpectationsFailed."""
    from expectations.check import check_clean as run
    from spark.session import start

    settings = settings or load_settings()
    place = settings.place
    with place.lake.changing(source):
        report = run(start(settings), place.lake, source, place.data_docs)
    return Outcome(summary=report.summary, detail=report)


def build(
    select: str | None = None,
    full_refresh: bool = False,
    settings: Settings | None = None,
    progress: Progress = quiet,
    on_node: Callable[[Node], None] = lambda node: None,
) -> Outcome:
    """Clean lake -> marts by dbt, with its tests and snapshots; on Snowflake the clean lake is loaded
    first. Unit tests run if the project has changed since they last passed. A test that only warns is
    named in the outcome. Raises BuildFailed."""
    from warehouse.dbt import dbt, models_of
    from warehouse.snowflake.account import is_target
    from warehouse.unit_tests import UnitTests

    settings = settings or load_settings()
    settings.place.lake.pull()
    if is_target():
        from warehouse.snowflake.build import note_refreshed, prepare

        refresh = prepare(settings.place, progress, afresh=full_refresh)
    else:
        from warehouse.upgrade import note_refreshed, prepare

        refresh = prepare(settings.place, progress) or full_refresh
        note_refreshed = partial(note_refreshed, settings.place)
    unit_tests = UnitTests()
    have_passed = unit_tests.have_passed
    arguments = [
        *(["--select", select] if select else []),
        *(["--full-refresh"] if refresh else []),
        *(["--exclude-resource-type", "unit_test"] if have_passed else []),
    ]
    done: list[str] = []

    def count(node: Node) -> None:
        done.append(node.unique_id)
        progress(f"{len(done)} nodes, {node.name}")
        on_node(node)

    result = dbt("build", *arguments, place=settings.place, on_node=count)
    if not select and not have_passed:
        unit_tests.note_passed()
    if refresh:
        note_refreshed(done, models_of(settings.place))
    return Outcome(
        summary=result.summary, rows=result.node_count, failures=result.warnings, detail=result
    )


def check_marts(
    domain: str = "opensource", settings: Settings | None = None, progress: Progress = quiet
) -> Outcome:
    """Hold the marts of a domain to their suites, where they lie. What does not hold is named in the
    outcome, and `publish` keeps it back. Raises NoWarehouse."""
    from expectations.check import check_marts as run
    from warehouse.dbt import require_warehouse

    place = (settings or load_settings()).place
    require_warehouse(place)
    report = run(place.warehouse, domain, place.data_docs)
    return Outcome(
        summary=report.summary, rows=report.suites, failures=report.broken, detail=report
    )


def publish(
    domain: str = "opensource",
    settings: Settings | None = None,
    progress: Progress = quiet,
    run_id: str | None = None,
) -> Outcome:
    """Swap the marts that readers see; `run_id` (None: the newest) is what the publication names.

    Partitions that are shown as they were, since their floor is not met, and marts that are kept back are
    failures of the outcome. Raises PublicationBlocked if nothing can be published.
    """
    from warehouse.publish import publish as run

    publication = run((settings or load_settings()).place, domain, run_id)
    return Outcome(
        summary=publication.summary,
        rows=publication.row_count,
        failures=[*publication.refused, *publication.held_back],
        detail=publication,
    )


def compact(source: str, settings: Settings | None = None, progress: Progress = quiet) -> Outcome:
    """Merge the small raw files of a source into few; the same rows, proven before any is removed."""
    from trendhouse.lake.compact import compact as merge

    lake, spec = (settings or load_settings()).place.lake, load_spec(source)
    saved = 0
    with lake.changing(source):
        for raw in sorted({spec.raw_name(table) for table in spec.tables}):
            saved += merge(lake, spec, raw)
            progress(f"{raw}: {saved:,} files fewer")
    return Outcome(summary=f"{saved:,} files fewer", detail=saved)


def retain(
    source: str,
    settings: Settings | None = None,
    progress: Progress = quiet,
    days: int | None = None,
) -> Outcome:
    """Remove the raw files of a source that are older than `days` (None: `raw_retention_days`) and
    already deduplicated."""
    from trendhouse.lake.retain import retain as remove
    from trendhouse.worlds import world_clock

    settings = settings or load_settings()
    limit = days or settings.raw_retention_days
    if limit is None:
        return Outcome(summary="raw is kept for ever: TRENDHOUSE_RAW_RETENTION_DAYS is not set")
    place = settings.place
    with place.lake.changing(source):
        gone = remove(place.lake, load_spec(source), limit, world_clock(place))
    return Outcome(summary=f"{len(gone):,} files removed")


def check_freshness(settings: Settings | None = None, progress: Progress = quiet) -> Outcome:
    """Hold every source to the age that it promises. Raises SourcesStale naming those that are older."""
    from trendhouse.worlds import world_clock
    from warehouse.freshness import SourcesStale, ages

    place = (settings or load_settings()).place
    place.lake.pull()
    found = ages(place, world_clock(place))
    if stale := [age for age in found if age.is_stale]:
        raise SourcesStale("\n".join(map(str, stale)))
    told = ", ".join(f"{age.source} {age.hours:,.1f} of {age.limit:g} hours" for age in found)
    return Outcome(
        summary=told or "nothing has been landed yet", detail={age.source: age for age in found}
    )
