"""From what a step did, or the error that it ended with, to the alerts about it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from expectations.check import ExpectationsFailed
from orchestration.alerts import Cause, alerts_of
from orchestration.alerts.context import alert_of
from orchestration.steps import Outcome
from trendhouse.lake import ledger
from trendhouse.lake.lake import Lake
from trendhouse.lake.ledger import Reconciliation
from trendhouse.lake.manifest import Manifest, commit
from trendhouse.running import DiskFull
from warehouse import floors
from warehouse.freshness import Age, SourcesStale
from warehouse.publish import Publication, PublicationBlocked

SEEN = datetime(2026, 3, 31, 12, tzinfo=UTC)


def told(found, source=""):
    return [(each.cause, each.what, each.rows, each.details) for each in alerts_of(found, source)]


def test_a_step_that_went_well_has_nothing_to_tell():
    assert alerts_of(Outcome("12 rows in 1 tables, 2 requests", rows=12), "endoflife") == []


def test_a_partial_landing_and_a_spent_quota_are_told_apart():
    failures = [
        "github: issues acme/web: answered 500",
        "github: * *: the quota of `core` is spent down to the reserve and back in 1,800 s",
    ]
    outcome = Outcome("41,204 rows in 22 tables, 1,310 requests", rows=41_204, failures=failures)
    landed = "Landed: 41,204 rows in 22 tables, 1,310 requests."
    assert told(outcome, "github") == [
        (Cause.QUOTA, f"1 part: not landed. {landed}", 41_204, (failures[1],)),
        (Cause.PARTIAL, f"1 part: not landed. {landed}", 41_204, (failures[0],)),
    ]
    assert {each.source for each in alerts_of(outcome, "github")} == {"github"}


def test_marts_that_are_kept_back_are_told_as_expectations_that_failed():
    kept_back = ["mart products is not published, readers keep its last version"]
    outcome = Outcome("version 7: 22 marts", rows=99_000, failures=kept_back)
    what = "1 promise: not kept; all that is not named is published."
    assert told(outcome) == [(Cause.EXPECTATIONS, what, 99_000, tuple(kept_back))]


def test_of_many_failures_the_first_are_named_and_the_rest_counted():
    failures = [f"github: issues acme/r{number}: answered 500" for number in range(1_310)]
    ((_, what, _, details),) = told(Outcome("0 rows", failures=failures), "github")
    assert what == "1,310 parts: not landed. Landed: 0 rows."
    assert details == (*failures[:8], "and 1,302 more")


def test_expectations_that_do_not_hold_are_told_line_by_line():
    error = ExpectationsFailed("github.repositories: id is unique\ngithub.issues: id is set")
    lines = ("github.repositories: id is unique", "github.issues: id is set")
    assert told(error, "github") == [
        (Cause.EXPECTATIONS, "2 expectations do not hold.", None, lines)
    ]


def test_a_refused_publication_is_told():
    ((cause, what, _, _),) = told(PublicationBlocked("The marts have not been checked."))
    assert (cause, what) == (Cause.EXPECTATIONS, "The marts have not been checked.")


def test_a_partition_below_its_floor_is_told_as_such_and_not_as_a_partial_landing():
    short = floors.Shortfall(
        *("github", "issues", "77", date(2026, 3, 31), 900, 700, 0.7778, 0.98, "block"),
        last_met=date(2026, 3, 30),
    )
    published = Publication(7, 20, 99_000, held_back=[str(short)])
    outcome = Outcome(published.summary, 99_000, failures=published.held_back, detail=published)
    ((cause, what, rows, details),) = told(outcome)
    assert (cause, rows) == (Cause.COMPLETENESS, 99_000)
    assert what == "1 partition: below the floor, shown as of the day when it was last met."
    assert details == (
        "github.issues, partition 77, 2026-03-31: 900 expected, 700 captured: capture rate 0.7778, "
        "floor 0.98; readers see it as of 2026-03-30, when the floor was last met",
    )


def test_a_partition_that_is_only_flagged_is_told_though_it_is_published():
    published = Publication(7, 20, 99_000, flagged=["gharchive.hours, partition all: short"])
    outcome = Outcome(published.summary, rows=99_000, detail=published)
    what = "1 part: flagged, and published all the same."
    assert told(outcome) == [(Cause.COMPLETENESS, what, 99_000, tuple(published.flagged))]


def test_a_full_disk_is_a_cause_of_its_own():
    (one,) = alerts_of(DiskFull("0.2 GB are free at /data, a run needs 1 GB."), "github")
    assert (one.cause, one.source) == (Cause.DISK, "github")
    assert one.what == "0.2 GB are free at /data, a run needs 1 GB."


def test_stale_sources_are_told_with_their_age():
    ages = [Age(name, SEEN, 61.0, 24.0) for name in ("github", "endoflife")]
    (one,) = alerts_of(SourcesStale(str(ages[0])))
    assert (one.cause, one.source, one.what) == (Cause.STALE, "github", "1 source: nothing new.")
    assert one.details == (
        "github: nothing new for 61 hours, its limit is 24 (last fetched 2026-03-31 12:00 UTC)",
    )
    (two,) = alerts_of(SourcesStale("\n".join(map(str, ages))))
    assert (two.source, two.what, len(two.details)) == ("", "2 sources: nothing new.", 2)


def test_an_error_without_a_remedy_of_its_own_is_left_to_the_task_s_failure():
    assert alerts_of(OSError("refused")) == []


def deduplicated(lake: Lake, version: int, *drifted: tuple[str, str, int]) -> Outcome:
    """What a deduplication of `endoflife.releases` leaves: a committed ledger, and its outcome."""
    folder = lake.clean_table("endoflife", "releases")
    rows = [
        {
            "source_name": "endoflife",
            "table_name": "releases",
            "path": path,
            "kind": kind,
            "expected_type": None,
            "example": '"x"',
            "occurrence_count": count,
            "first_seen_at": SEEN,
            "clean_version": version,
        }
        for path, kind, count in drifted
    ]
    old = Manifest(version=version - 1) if version == 1 else read(lake)
    new = Manifest(version=version, ledger={kind: [*old.ledger[kind]] for kind in old.ledger})
    if rows:
        new.ledger["drift"].append(ledger.write_rows(folder, "drift", rows, version))
    commit(lake, "endoflife", "releases", new, old)
    counts = Reconciliation(
        "endoflife", "releases", "all", SEEN.date(), 40, 40, 40, 0, 0, 0, clean_version=version
    )
    return Outcome("40 in, 40 kept", rows=40, detail=[counts])


def read(lake: Lake) -> Manifest:
    from trendhouse.lake.manifest import read_manifest

    return read_manifest(lake, "endoflife", "releases")


def test_a_drift_is_told_when_it_is_seen_for_the_first_time_only(home):
    lake = Lake(home / "lake")
    lake.clean_table("endoflife", "releases").mkdir(parents=True)
    first = deduplicated(lake, 1, ("support", "unknown", 12), ("date", "type", 3))
    assert told(first, "endoflife") == [
        (
            Cause.DRIFT,
            "2 fields: new to the schema or changed in type.",
            12,
            (
                'releases: support (unknown), 12 rows, as in "x"',
                'releases: date (type), 3 rows, as in "x"',
            ),
        )
    ]
    assert told(deduplicated(lake, 2, ("support", "unknown", 5)), "endoflife") == []
    assert told(deduplicated(lake, 3), "endoflife") == []
    again = told(deduplicated(lake, 4, ("support", "type", 1), ("date", "type", 1)), "endoflife")
    assert [details for *_, details in again] == [('releases: support (type), 1 rows, as in "x"',)]


class Instance(SimpleNamespace):
    """A task instance as callbacks get it."""


def context(error=None, **more):
    ti = Instance(
        dag_id="ingest_github",
        task_id="land",
        run_id="r1",
        try_number=2,
        task=SimpleNamespace(retries=2),
        log_url="http://localhost:8080/log",
    )
    return {"ti": ti, "exception": error, **more}


def test_a_failed_task_is_told_with_its_error_and_its_try():
    alert = alert_of(Cause.FAILURE, context(OSError("line one\nline two")))
    assert (alert.what, alert.details, alert.attempt) == ("OSError: line one", ("line two",), "2/3")
    assert (alert.dag_id, alert.task_id, alert.run_id) == ("ingest_github", "land", "r1")
    assert alert.log_url == "http://localhost:8080/log"


def test_a_failure_s_own_cause_is_found_behind_what_airflow_was_told():
    try:
        try:
            raise ExpectationsFailed("github.issues: id is set")
        except ExpectationsFailed as refusal:
            raise RuntimeError("no retry") from refusal
    except RuntimeError as error:
        alert = alert_of(Cause.FAILURE, context(error))
        retry = alert_of(Cause.RETRY, context(error))
    assert (alert.cause, alert.origin, alert.is_end) == (Cause.EXPECTATIONS, "github", True)
    assert (retry.cause, retry.what) == (Cause.RETRY, "RuntimeError: no retry")


def test_an_error_that_was_being_handled_is_not_the_cause_of_another():
    try:
        try:
            raise ExpectationsFailed("github.issues: id is set")
        except ExpectationsFailed:
            raise OSError("disk full") from None
    except OSError as error:
        assert alert_of(Cause.FAILURE, context(error)).what == "OSError: disk full"


@pytest.mark.parametrize("given", [{}, {"ti": None, "dag_run": None}, {"exception": "text only"}])
def test_a_context_that_knows_little_still_makes_an_alert(given):
    for is_of_run in (True, False):
        alert = alert_of(Cause.FAILURE, given, is_of_run=is_of_run)
        assert (alert.cause, alert.dag_id) == (Cause.FAILURE, "")
