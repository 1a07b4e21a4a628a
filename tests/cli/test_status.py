"""`trendhouse status`: completeness, quarantine, drift, freshness, and what blocks."""

from __future__ import annotations

import io
import json
from datetime import date

import pytest
from rich.console import Console

from cli.status import status
from warehouse.publish import publish


@pytest.fixture
def said(house):
    def show() -> str:
        out = io.StringIO()
        status(Console(file=out, width=200), house.place)
        return out.getvalue()

    return show


def test_before_anything_ran_it_says_so(house, said):
    assert "Last run: none yet." in said() and "make run" in said()


def test_the_last_run_is_told_with_what_failed(house, said):
    house.place.runs.mkdir()
    run = {
        "run_id": "20261102T060000Z",
        "command": "run",
        "started_at": "2026-11-02T06:00:00+00:00",
        "seconds": 42.4,
        "exit_code": 3,
        "failures": ["github: repo 7 answered 500"],
        "error": None,
    }
    (house.place.runs / "20261102T060000Z.json").write_text(json.dumps(run))
    text = said()
    assert "20261102T060000Z, 2026-11-02 06:00 UTC, 42 s, exit code 3" in text
    assert "github: repo 7 answered 500" in text


def test_where_airflow_works_its_newest_task_is_told(house, said):
    house.place.runs.mkdir()
    for second, step in enumerate(("land github", "publish")):
        run = {
            "run_id": f"20261102T06000{second}Z",
            "command": f"airflow {step}",
            "started_at": f"2026-11-02T06:00:0{second}+00:00",
            "seconds": 3.0,
            "exit_code": 0,
            "failures": [],
        }
        (house.place.runs / f"{run['run_id']}.json").write_text(json.dumps(run))
    text = said()
    assert "Last run: none yet." in text
    assert "Last task of Airflow, publish: 20261102T060001Z, 2026-11-02 06:00 UTC, 3 s" in text
    assert "land github" not in text


def test_completeness_shows_the_worst_partition_of_a_stream(house, said):
    house.reading("issues", "7", expected=1000, landed=990)
    house.reading("issues", "8", expected=1000, landed=1000)
    publish(house.place)
    line = next(line for line in said().splitlines() if line.split()[:2] == ["github", "issues"])
    assert line.split() == ["github", "issues", "2", "2,000", "1,990", "1,990", "0.9900", "7"]


def test_quarantine_is_counted_by_reason(house, said):
    house.sql(
        "insert into marts.quarantine select 'gharchive', 'events', 'not JSON', '{', 'l1', "
        "timestamp '2026-11-02' from range(1200)"
    )
    publish(house.place)
    assert "Quarantine: 1,200 rows" in said() and "not JSON" in said()


def test_drift_shows_path_and_example(house, said):
    house.sql(
        "insert into marts.drift values ('github', 'issues', 'user.pronouns', 'unknown', 3, "
        "timestamp '2026-11-01', 'they', 1)"
    )
    publish(house.place)
    line = next(line for line in said().splitlines() if "user.pronouns" in line)
    assert "unknown" in line and "they" in line


def test_drift_that_was_known_before_does_not_hide_what_is_new(house, said):
    house.sql(
        "insert into marts.drift select 'gharchive', 'events', 'old_' || i, 'unknown', 900, "
        "timestamp '2026-11-01', 'x', 1 from range(67) t(i)",
        "insert into marts.drift values ('gharchive', 'events', 'new', 'unknown', 1, "
        "timestamp '2026-11-01', 'x', 2), ('github', 'issues', 'first', 'unknown', 1, "
        "timestamp '2026-11-01', 'x', 1)",
    )
    publish(house.place)
    text = said()
    assert "Drift: 2 new fields, the newest first; 67 known before are in the mart" in text
    assert "new" in text and "first" in text and "old_" not in text


def test_hours_and_days_that_are_missing_are_named(house, said):
    for hour in (0, 1, 4, 12):
        house.reading("events", f"2015-01-01-{hour}", 10, 10, source="gharchive")
    house.reading("events", "notes.txt.gz", 1, 1, source="gharchive")
    for day in ("2026-10-28", "2026-10-29", "2026-10-31"):
        house.reading("rankings", day, 10, 10, source="github_ranking")
    house.reading("rankings", "2026-10-30", 10, 0, 0.97, "flag", source="github_ranking")
    publish(house.place)
    text = said()
    assert (
        "Missing: gharchive: 9 between the first hour and the last: "
        "2015-01-01-5 to 2015-01-01-11, 2015-01-01-2 to 2015-01-01-3\n"
    ) in text
    assert "Missing: github_ranking: 1 between the first day and the last: 2026-10-30" in text


def test_partitions_without_a_reading_are_counted(house, said):
    for stream in ("issues", "topics"):
        house.reading(stream, "7", 10, 10)
        house.reading(stream, "8", 10, 10)
    house.sql(
        "update marts.completeness set expected_count = null, capture_rate = null "
        "where partition_name = '8' or stream_name = 'topics'"
    )
    publish(house.place)
    assert "github.issues: 1 of 2 partitions have no reading of how much there is, as 8" in said()
    assert "Missing: github.topics" not in said()


def test_tags_without_a_date_are_counted(house, said):
    house.sql(
        "create table marts.tags as select '1' as repository_id, 'v' || i as tag_name, i = 4 as "
        "is_deleted, case when i < 2 then timestamp '2026-11-01' end as committed_at "
        "from range(5) t(i)"
    )
    publish(house.place)
    assert "github.tags: 2 of 4 tags have no date" in said()


def test_freshness_is_the_age_of_the_newest_day(house, said):
    house.reading("events", "2026-10-30-0", 10, 10, source="gharchive", day=date(2026, 10, 30))
    publish(house.place)
    line = next(
        line for line in said().splitlines() if line.split()[:2] == ["gharchive", "2026-10-30"]
    )
    assert line.split() == ["gharchive", "2026-10-30", "3", "6"]


def test_a_flagged_day_is_shown_and_does_not_block(house, said):
    house.reading(
        "rankings", "2026-11-01", 3000, 2000, 0.97, action="flag", source="github_ranking"
    )
    publish(house.place)
    assert "Below a floor: 1" in said() and "blocked:" not in said()


def test_a_partition_below_its_floor_is_shown_with_the_day_that_readers_see(house, said):
    house.reading("issues", "77", expected=90, landed=90, day=date(2026, 11, 1))
    house.reading("issues", "77", expected=200, landed=100)
    publish(house.place)
    line = next(
        line for line in said().splitlines() if line.split()[:3] == ["github", "issues", "77"]
    )
    assert line.split() == ["github", "issues", "77", "2026-11-02", "0.5000", "0.98", "2026-11-01"]


def test_a_build_at_work_does_not_break_it(house, said):
    import subprocess
    import sys

    publish(house.place)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); sys.stdin.read()",
            house.place.warehouse,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    try:
        assert "Published: version 1" in said()
    finally:
        holder.communicate()


def test_what_was_quarantined_does_not_make_a_source_fresh(house, said):
    house.reading("events", "2026-10-30-0", 10, 10, source="gharchive", day=date(2026, 10, 30))
    house.reading("events", "2026-11-01-0", 10, 10, source="gharchive", day=date(2026, 11, 1))
    house.sql(
        "update marts.completeness set kept_count = 0 where observed_date = date '2026-11-01'"
    )
    house.reading("readings", "2026-11-02-0", 10, 10, source="gharchive", day=date(2026, 11, 2))
    publish(house.place)
    assert "gharchive  2026-10-30" in said()


def test_readings_are_no_stream_of_their_own(house, said):
    house.reading("readings", "7", 10, 10)
    house.reading("issues", "7", 10, 10)
    publish(house.place)
    assert "issues" in said() and "readings" not in said()


def test_ages_are_told_by_the_sample_world_s_clock(house, said, monkeypatch):
    house.reading("events", "2026-10-30-0", 10, 10, source="gharchive", day=date(2026, 10, 30))
    publish(house.place)
    monkeypatch.delenv("TRENDHOUSE_NOW")
    (house.place.root / "world.json").write_text('{"now": "2026-11-04T06:00:00+00:00"}')
    line = next(
        line for line in said().splitlines() if line.split()[:2] == ["gharchive", "2026-10-30"]
    )
    assert line.split()[2] == "5"
