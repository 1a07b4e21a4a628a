"""A real Superset: the assets are imported, every chart is asked through the API, figures are counted again."""

from __future__ import annotations

import stat
import time
from collections import Counter

import duckdb
import pytest

from cli.dashboards import address
from dashboards.bundle import Connection, Warehouse, bundle
from dashboards.specs import domains, load, uuid_of
from dashboards.tables import write_tables
from tests.dashboards import world
from warehouse.publish import publish

DASHBOARDS = {f"{name}-{page.slug}": page for name in domains() for page in load(name).dashboards}


@pytest.fixture
def charts(api):
    """The number that Superset has given to each chart, by dashboard and name."""
    known = {each["uuid"]: each["id"] for each in api.all("chart")}
    return {
        (page.slug, chart.name): known[uuid_of("opensource", page.slug, chart.name)]
        for page in load("opensource").dashboards
        for chart in page.charts
    }


def test_every_dashboard_is_there_with_its_charts(api):
    found = {each["slug"]: each for each in api.all("dashboard")}
    assert set(found) == set(DASHBOARDS)
    for slug, page in DASHBOARDS.items():
        shown = api.ask(f"dashboard/{slug}/charts")["result"]
        assert Counter(each["slice_name"] for each in shown) == Counter(
            chart.name for chart in page.charts
        )


def test_every_chart_answers_with_rows(api):
    empty = [each["slice_name"] for each in api.all("chart") if not api.rows(each["id"])]
    assert empty == []


def test_the_largest_are_those_of_a_count_by_hand(api, charts):
    alive = [each for each in world.repositories() if not each["is_deleted"]]
    shown = api.rows(charts["trends", "Most stars"])
    assert [(row["repository_name"], row["stars"]) for row in shown] == [
        (each["repository_name"], each["star_count"])
        for each in sorted(alive, key=lambda each: -each["star_count"])
    ]
    (total,) = api.rows(charts["trends", "Stars"])
    assert total == {"stars": sum(each["star_count"] for each in alive)}


def test_momentum_is_the_growth_of_the_last_day(api, charts):
    shown = api.narrowed(charts["trends", "Stars gained"], calendar="Asia/Seoul")
    gained = {row["repository_name"]: row for row in shown}
    for number, each in enumerate(world.repositories()):
        row = gained[each["repository_name"]]
        assert row["stars_in_7_days"] == 7 * world.gain(number)
        assert row["stars_in_28_days"] == 28 * world.gain(number)
    assert [row["stars_in_7_days"] for row in shown] == sorted(
        (row["stars_in_7_days"] for row in shown), reverse=True
    )


def test_commits_of_one_repository_in_one_calendar_are_counted_once(api, charts):
    shown = api.narrowed(
        charts["repository", "Commits by month"], repository_id="103", calendar="UTC"
    )
    expected = Counter()
    for row in world.commits_daily():
        if row["repository_id"] == "103" and row["calendar"] == "UTC":
            expected[row["commit_date"].replace(day=1)] += row["commit_without_bots_count"]
    by_month = {
        time.strftime("%Y-%m", time.gmtime(row["commit_date"] / 1000)): row["commits_by_people"]
        for row in shown
    }
    assert by_month == {f"{month:%Y-%m}": count for month, count in expected.items()}


def test_the_ledger_tells_what_is_missing(api, charts):
    ledger = {
        row["stream_name"]: row for row in api.rows(charts["completeness", "Ledger by stream"])
    }
    for stream in ("issues", "commits"):
        lines = [row for row in world.completeness() if row["stream_name"] == stream]
        assert ledger[stream]["lowest_capture_rate"] == pytest.approx(
            min(row["capture_rate"] for row in lines)
        )
        assert ledger[stream]["below_floor"] == sum(row["is_below_floor"] for row in lines) > 0
        assert ledger[stream]["landed"] == sum(row["landed_count"] for row in lines)


def test_a_new_publication_is_seen_without_a_restart(api, charts, place):
    def lines():
        return api.rows(charts["completeness", "Unnamed lines"])[0]["lines"]

    before = lines()
    with duckdb.connect(str(place.warehouse)) as connection:
        connection.execute(
            "insert into marts.unresolved_rankings select * from marts.unresolved_rankings"
        )
    world.checked(place)
    assert publish(place).written
    assert lines() == 2 * before


def test_the_bundle_for_others_is_imported_as_a_reader_would_over_the_copy(api, place, tmp_path):
    for kind in ("dashboard", "chart", "dataset"):
        numbers = ",".join(str(each["id"]) for each in api.all(kind))
        api.change("DELETE", f"{kind}/?q=!({numbers})")
        assert api.all(kind) == []
    (local,) = api.all("database")
    api.change("DELETE", f"database/{local['id']}")
    tables = tmp_path / "marts.duckdb"
    write_tables(place.published, tables)
    content = bundle(Connection(Warehouse.duckdb, address(Warehouse.duckdb, tables)))
    assert api.upload("dashboard/import/", "trendhouse.zip", content) == {"message": "OK"}
    assert {each["slug"] for each in api.all("dashboard")} == set(DASHBOARDS)
    charts = api.all("chart")
    assert len(charts) == sum(len(page.charts) for page in DASHBOARDS.values())
    assert [each["slice_name"] for each in charts if not api.rows(each["id"])] == []


def test_nobody_without_a_login_sees_anything(server, api):
    api.token = ""
    for path in ("chart/1/data/", "dataset/1", "database/1", "dashboard/"):
        assert api.refusal(path) in (401, 404), path


def test_secrets_are_of_their_owner_alone_and_in_no_log(server):
    assert stat.S_IMODE(server.home.root.stat().st_mode) == 0o700
    for name in ("password", "secret_key"):
        path = server.home.root / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() not in server.home.log.read_text()
