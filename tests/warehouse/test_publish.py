"""Publishing: what is swapped, what refuses it, and what a kill leaves behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from warehouse import publish as publishing
from warehouse.publish import PublicationBlocked, publish
from warehouse.published import NothingPublished, connect, current

HOURS = (
    "insert into marts.events_hourly select repository_id::varchar, 'PushEvent', 1, "
    "timestamp '{month}-01 00:00' + to_hours(hour::int), {version} "
    "from range({repositories}) as r(repository_id), range(24) as h(hour)"
)


def fill(house, month="2026-10", version=1, repositories=3):
    house.sql(HOURS.format(month=month, version=version, repositories=repositories))


def files(house):
    root = house.place.published
    return {str(path.relative_to(root)) for path in root.glob("*/*/*.parquet")}


def test_readers_see_every_mart_by_its_bare_name(house):
    fill(house)
    house.sql("insert into marts.products values ('python', '3.14.0')")
    publication = publish(house.place, run_id="r1")
    connection = connect(house.place)
    assert connection.execute("select * from products").fetchall() == [("python", "3.14.0")]
    assert connection.execute("select count(*) from events_hourly").fetchone() == (72,)
    assert connection.execute("select * from drift").fetchall() == []
    state = current(house.place)
    assert (state["version"], state["run_id"], state["published_at"]) == (
        1,
        "r1",
        "2026-11-02T06:00:00+00:00",
    )
    assert state["marts"]["products"]["columns"] == {
        "product_name": "VARCHAR",
        "latest_version": "VARCHAR",
    }
    assert publication.row_count == 73


def test_the_run_at_work_is_named_without_being_told(house):
    house.place.runs.mkdir()
    for name in ("20261101T000000Z", "20261102T000000Z"):
        (house.place.runs / f"{name}.json").write_text("{}")
    publish(house.place)
    assert current(house.place)["run_id"] == "20261102T000000Z"


def test_publishing_again_writes_nothing(house):
    fill(house)
    publish(house.place)
    before = files(house)
    publication = publish(house.place)
    assert (publication.written, publication.version, files(house)) == ([], 1, before)


def halved(path):
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path):
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("damage", [halved, overwritten, Path.unlink])
def test_a_published_file_that_is_not_whole_is_written_again(house, damage):
    house.sql("insert into marts.products values ('spark', '4.1.0')")
    publish(house.place)
    stated = current(house.place)["marts"]["products"]["partitions"]["all"]
    file = house.place.published / stated["file"]
    assert stated["size"] == file.stat().st_size
    damage(file)
    assert publish(house.place).written == ["products/all/2.parquet"]
    with connect(house.place) as connection:
        assert connection.execute("from products").fetchall() == [("spark", "4.1.0")]


def test_only_the_period_that_changed_is_written(house):
    fill(house, "2026-09")
    fill(house, "2026-10")
    publish(house.place)
    fill(house, "2026-11", version=2)
    house.sql(
        "update marts.events_hourly set event_count = 9, clean_version = 2 where event_hour = '2026-09-01 05:00'"
    )
    assert publish(house.place).written == [
        "events_hourly/2026-09/2.parquet",
        "events_hourly/2026-11/2.parquet",
    ]
    rows = connect(house.place).execute("select sum(event_count) from events_hourly").fetchone()
    assert rows == (3 * 72 + 3 * 8,)


def test_a_change_without_a_new_version_is_seen_in_a_small_mart(house):
    fill(house)
    publish(house.place)
    house.sql(
        "update marts.events_hourly set event_count = 5 where event_hour = '2026-10-01 05:00'"
    )
    assert publish(house.place).written == ["events_hourly/2026-10/2.parquet"]


def test_a_large_mart_is_compared_by_its_change_feed(house, monkeypatch):
    monkeypatch.setattr(publishing, "COMPARED_ROWS", 10)
    fill(house)
    publish(house.place)
    assert publish(house.place).written == []
    house.sql(
        "update marts.events_hourly set event_count = 5, clean_version = 7 where event_hour = '2026-10-01 05:00'"
    )
    assert publish(house.place).written == ["events_hourly/2026-10/2.parquet"]


def test_rows_that_go_away_are_gone_for_readers(house):
    fill(house, "2026-09")
    fill(house, "2026-10")
    publish(house.place)
    house.sql("delete from marts.events_hourly where event_hour < '2026-10-01'")
    publish(house.place)
    assert connect(house.place).execute(
        "select min(event_hour)::varchar from events_hourly"
    ).fetchone() == ("2026-10-01 00:00:00",)


def test_a_new_column_rewrites_the_mart(house):
    house.sql("insert into marts.products values ('python', '3.14.0')")
    publish(house.place)
    house.sql("alter table marts.products add column link varchar")
    assert publish(house.place).written == ["products/all/2.parquet"]
    assert connect(house.place).execute("select link from products").fetchall() == [(None,)]


@pytest.mark.parametrize("month", ["0001-01", "9999-12", "10000-01"])
def test_months_at_the_ends_of_time_are_published_too(house, month):
    fill(house, month)
    fill(house, "2026-10")
    written = publish(house.place).written
    assert {f"events_hourly/{month}/1.parquet", "events_hourly/2026-10/1.parquet"} <= {*written}
    count = connect(house.place).execute("select count(*) from events_hourly").fetchone()
    assert count == (2 * 3 * 24,)


def test_rows_without_a_date_are_published_too(house):
    house.sql("insert into marts.events_hourly values ('1', 'PushEvent', 1, null, 1)")
    assert "events_hourly/undated/1.parquet" in publish(house.place).written
    assert connect(house.place).execute("select event_count from events_hourly").fetchall() == [
        (1,)
    ]


def test_the_folder_of_a_period_adds_no_column(house):
    fill(house)
    publish(house.place)
    columns = [row[0] for row in connect(house.place).execute("describe events_hourly").fetchall()]
    assert columns == ["repository_id", "event_type", "event_count", "event_hour", "clean_version"]


def test_files_of_the_version_before_stay_and_older_ones_go(house):
    for version in range(1, 5):
        house.sql(f"insert into marts.products values ('p{version}', '1')")
        publish(house.place)
    assert {name for name in files(house) if name.startswith("products")} == {
        "products/all/3.parquet",
        "products/all/4.parquet",
    }


def test_a_partition_below_its_floor_is_named_and_all_else_is_published(house):
    publish(house.place)
    house.reading("issues", "41881900", expected=190, landed=190, day=date(2026, 11, 1))
    house.reading("issues", "41881900", expected=200, landed=100)
    house.sql("insert into marts.products values ('python', '3.14.0')")
    (told,) = publish(house.place).held_back
    assert "github.issues, partition 41881900, 2026-11-02: 200 expected, 100 captured" in told
    assert "capture rate 0.5000, floor 0.98" in told
    assert "as of 2026-11-01, when the floor was last met" in told
    assert connect(house.place).execute("select count(*) from products").fetchone() == (1,)
    assert current(house.place)["capture_rates"][0]["refused_partition_count"] == 1


def test_a_later_day_without_a_reading_lifts_no_shortfall(house):
    house.reading("issues", "1", expected=200, landed=100, day=date(2026, 11, 1))
    house.sql(
        "insert into marts.completeness by name select 'github' as source_name, 'issues' as stream_name, "
        "'1' as partition_name, 5 as landed_count, false as is_below_floor, date '2026-11-02' as observed_date"
    )
    (told,) = publish(house.place).held_back
    assert "partition 1, 2026-11-01" in told and "the floor was never met" in told


def test_a_floor_that_could_not_be_checked_is_told(house):
    house.sql(
        "insert into marts.completeness by name select 'github' as source_name, 'tags' as stream_name, "
        "'7' as partition_name, 5 as landed_count, 0.98 as floor_capture_rate, false as is_below_floor, "
        "date '2026-11-02' as observed_date"
    )
    (told,) = publish(house.place).flagged
    assert told.startswith("github.tags: its floor was not checked in 1 partitions, as 7")


def test_a_short_ranking_day_is_flagged_and_published(house):
    house.reading(
        "rankings", "2026-11-01", 3000, 2000, 0.97, action="flag", source="github_ranking"
    )
    publication = publish(house.place)
    assert [flag.split(",")[0] for flag in publication.flagged] == ["github_ranking.rankings"]
    assert current(house.place)["capture_rates"] == [
        {
            "source_name": "github_ranking",
            "stream_name": "rankings",
            "partition_count": 1,
            "unread_partition_count": 0,
            "refused_partition_count": 0,
            "expected_count": 3000,
            "captured_count": 2000,
            "landed_count": 2000,
            "held_count": 2000,
            "worst_capture_rate": 2000 / 3000,
            "worst_partition_name": "2026-11-01",
            "newest_date": "2026-11-02",
        }
    ]


def test_a_shortfall_that_has_been_made_good_is_told_no_more(house):
    house.reading("issues", "1", expected=200, landed=100, day=date(2026, 11, 1))
    house.reading("issues", "1", expected=200, landed=200, day=date(2026, 11, 2))
    assert publish(house.place).held_back == []


def test_without_a_warehouse_the_message_says_how_to_build_one(tmp_path):
    from trendhouse.settings import Place

    with pytest.raises(PublicationBlocked, match="trendhouse build"):
        publish(Place(tmp_path))


def test_a_reader_keeps_its_state_through_a_publication(house):
    house.sql("insert into marts.products values ('python', '3.13.0')")
    publish(house.place)
    reader = connect(house.place)
    house.sql("update marts.products set latest_version = '3.14.0'")
    publish(house.place)
    assert reader.execute("select latest_version from products").fetchone() == ("3.13.0",)
    assert connect(house.place).execute("select latest_version from products").fetchone() == (
        "3.14.0",
    )


PUBLISH = """
import sys
from pathlib import Path
from warehouse.publish import publish
from trendhouse.settings import Place
print("ready", flush=True)
publish(Place(Path(sys.argv[1])))
"""


def kill_while_publishing(house, after: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISH, house.place.root], stdout=subprocess.PIPE, env=os.environ
    )
    process.stdout.readline()
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_kill_at_any_moment_leaves_a_whole_state(house):
    for year in range(2016, 2026):
        for month in range(1, 13):
            fill(house, f"{year}-{month:02}", repositories=20)
    moments = random.Random(7)
    seen = set()
    for version in range(1, 9):
        house.sql(
            f"update marts.events_hourly set event_count = {version}, clean_version = {version}"
        )
        kill_while_publishing(house, moments.uniform(0, 0.5))
        try:
            connection = connect(house.place)
        except NothingPublished:
            continue
        rows = connection.execute(
            "select count(*), min(event_count), max(event_count) from events_hourly"
        ).fetchone()
        assert rows[0] == 120 * 24 * 20 and rows[1] == rows[2], (
            f"half of a state after kill {version}: {rows}"
        )
        seen.add(rows[1])
    publish(house.place)
    connection = connect(house.place)
    assert connection.execute("select distinct event_count from events_hourly").fetchall() == [(8,)]
    named = {
        part["file"]
        for mart in current(house.place)["marts"].values()
        for part in mart["partitions"].values()
    }
    left = {path for path in house.place.published.glob("*/*/*") if path.suffix != ".parquet"}
    assert not left and named <= files(house)


def test_the_time_of_a_new_day_does_not_grow_with_history(house):
    def new_day(month, version):
        fill(house, month, version=version, repositories=5)
        began = time.perf_counter()
        publication = publish(house.place)
        assert len(publication.written) == 1
        return time.perf_counter() - began

    fill(house, "2015-01")
    publish(house.place)
    short = min(new_day(f"2015-0{month}", month) for month in (2, 3, 4))
    for year in range(2016, 2024):
        for month in range(1, 13):
            fill(house, f"{year}-{month:02}", repositories=100)
    publish(house.place)
    long = min(new_day(f"2024-0{month}", 10 + month) for month in (1, 2, 3))
    assert long < 4 * short + 0.5, f"{short:.2f} s with 4 months, {long:.2f} s with 100"


def test_the_pointer_is_json_that_others_can_follow(house):
    fill(house)
    publish(house.place)
    state = json.loads((house.place.published / "CURRENT.json").read_text())
    part = state["marts"]["events_hourly"]["partitions"]["2026-10"]
    assert part["row_count"] == 72
    assert (house.place.published / part["file"]).exists()
