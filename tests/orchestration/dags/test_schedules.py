"""A schedule is a cron expression by the clocks of a zone, whatever UTC says."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

SPEC = """domain: {domain}
description: A source.
owner: somebody@example.org
connector: thing
schedule: {schedule}
pool: {{name: api_pool, slots: 3}}
retries: 4
retry_minutes: 10
tables:
  things:
    description: Things. One row per thing.
    key: [id]
    cursor: null
    columns:
      id: {{type: bigint, nullable: false, description: "Its id."}}
"""
SCHEDULES = {
    "hotels": '{cron: "0 4 * * 2", timezone: Asia/Seoul}',
    "midnight": '{cron: "0 0 * * *", timezone: Asia/Seoul}',
    "twice": '{cron: "50 23,11 * * *"}',
    "berlin": '{cron: "0 4 * * *", timezone: Europe/Berlin}',
    "history": '{cron: "0 0 * * *", timezone: Asia/Seoul, catchup_since: 2026-01-01}',
}
AFTER = "2026-10-23T00:00:00Z"
NEXT = """
import json, sys
from pathlib import Path
from airflow._shared.timezones.timezone import parse
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.base import TimeRestriction
from trendhouse.declared.sources import load_spec
from orchestration.dags.sources import ingest

def made(path):
    dag = ingest(load_spec(path.stem, path.parent))
    timetable = coerce_to_core_timetable(dag.timetable)
    restriction = TimeRestriction(parse(sys.argv[2]), None, catchup=True)
    last, found = None, []
    for _ in range(5):
        info = timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=restriction
        )
        last = info.data_interval
        found.append(info.run_after.isoformat())
    land = dag.get_task("land")
    return {
        "next": found, "owner": land.owner, "retries": land.retries, "pool": land.pool,
        "slots": land.pool_slots, "delay": land.retry_delay.total_seconds(),
        "catchup": dag.catchup, "start": dag.start_date and dag.start_date.isoformat(),
        "tags": sorted(dag.tags),
    }

print(json.dumps({path.stem: made(path) for path in Path(sys.argv[1]).glob("*.yml")}))
"""


@pytest.fixture(scope="module")
def made(airflow_home, tmp_path_factory):
    """What Airflow makes of each schedule: its next five runs after AFTER, and what tasks have."""
    folder = tmp_path_factory.mktemp("sources")
    for name, schedule in SCHEDULES.items():
        domain = "hotels" if name == "hotels" else "opensource"
        (folder / f"{name}.yml").write_text(SPEC.format(schedule=schedule, domain=domain))
    said = airflow_home.python(NEXT, str(folder), AFTER)
    return json.loads(said.splitlines()[-1])


def clocks(moments: list[str], zone: str) -> list[str]:
    """The moments as clocks of the zone show them."""
    read = [datetime.fromisoformat(each).astimezone(ZoneInfo(zone)) for each in moments]
    return [f"{moment:%a %Y-%m-%d %H:%M}" for moment in read]


def test_tuesdays_at_four_in_seoul(made):
    assert clocks(made["hotels"]["next"], "Asia/Seoul") == [
        "Tue 2026-11-03 04:00",
        "Tue 2026-11-10 04:00",
        "Tue 2026-11-17 04:00",
        "Tue 2026-11-24 04:00",
        "Tue 2026-12-01 04:00",
    ]
    assert made["hotels"]["tags"] == ["domain:hotels", "layer:ingest", "source:hotels"]


def test_midnight_in_seoul_is_three_in_the_afternoon_of_utc(made):
    assert {moment[-5:] for moment in clocks(made["midnight"]["next"], "UTC")} == {"15:00"}
    assert {moment[-5:] for moment in clocks(made["midnight"]["next"], "Asia/Seoul")} == {"00:00"}


def test_twice_a_day_before_noon_and_midnight(made):
    times = [moment[-5:] for moment in clocks(made["twice"]["next"], "UTC")]
    assert times in (["23:50", "11:50"] * 2 + ["23:50"], ["11:50", "23:50"] * 2 + ["11:50"])


def test_four_in_the_morning_stays_four_when_the_clocks_change(made):
    """Berlin's clocks go back on 2026-10-25; Seoul has no summer time."""
    assert {moment[-5:] for moment in clocks(made["berlin"]["next"], "Europe/Berlin")} == {"04:00"}
    assert {moment[-5:] for moment in clocks(made["berlin"]["next"], "UTC")} == {"02:00", "03:00"}


def test_owner_retries_and_pool_are_those_of_the_spec(made):
    found = made["twice"]
    assert (found["owner"], found["retries"], found["delay"]) == ("somebody@example.org", 4, 600)
    assert (found["pool"], found["slots"]) == ("api_pool", 3)
    assert (found["catchup"], found["start"]) == (False, None)


def test_missed_runs_are_made_up_for_where_that_is_wanted(made):
    found = made["history"]
    assert (found["catchup"], found["start"]) == (True, "2025-12-31T15:00:00+00:00")
