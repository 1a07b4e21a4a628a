"""A back-fill lands exactly its hours or days, may be repeated, and leaves the ordinary runs alone."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ingestion.pipeline import run
from ingestion.window import NoHistory, Window, window_of
from simulator.running import serve
from tests.ingestion.file_sources import World, event, packed, serving
from trendhouse.declared.sources import load_spec

SEOUL = ZoneInfo("Asia/Seoul")
LINES = "rank,item,stars,repo_url,forks\n1,Python,9,https://github.com/o/r,1\n"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.fixture
def upstream():
    with serving() as made:
        yield made


@pytest.fixture
def rankings(tmp_path, monkeypatch, upstream) -> World:
    """A file for each day of October; ordinary runs go back three days."""
    made = World(tmp_path, monkeypatch, "github_ranking", f"{upstream.base_url}/")
    made.options.update(now="2026-11-02T06:00:00+00:00", ranking_days=3)
    for number in range(1, 32):
        upstream.put(f"/github-ranking-2026-10-{number:02}.csv", LINES.encode(), tag=f'"{number}"')
    return made


def fill(world: World, since: datetime, until: datetime):
    return run(world.source, world.settings, window=Window(since, until))


def asked(upstream) -> list[str]:
    return [
        path.removeprefix("/github-ranking-").removesuffix(".csv") for path, _ in upstream.asked
    ]


def test_exactly_the_days_of_the_window_are_asked_for_and_landed(rankings, upstream):
    landing = fill(rankings, utc(2026, 10, 5), utc(2026, 10, 8))
    assert sorted(asked(upstream)) == ["2026-10-05", "2026-10-06", "2026-10-07"]
    assert set(rankings.landed("rankings")) == {"2026-10-05", "2026-10-06", "2026-10-07"}
    assert landing.failures == []


def test_a_window_before_the_first_run_does_not_take_its_place(rankings, upstream):
    fill(rankings, utc(2026, 10, 5), utc(2026, 10, 6))
    upstream.asked.clear()
    rankings.land()
    assert {"2026-10-30", "2026-10-31"} <= set(asked(upstream))


def test_what_lies_between_a_window_and_the_landed_days_is_still_to_come(rankings, upstream):
    rankings.land()
    fill(rankings, utc(2026, 10, 5), utc(2026, 10, 6))
    upstream.asked.clear()
    rankings.land(ranking_days=10)
    missing = {f"2026-10-{number}" for number in range(23, 30)}
    assert missing <= set(asked(upstream))


def test_a_window_moves_no_cursor(rankings, upstream):
    rankings.land()
    upstream.asked.clear()
    rankings.land()
    usual = sorted(asked(upstream))
    fill(rankings, utc(2026, 10, 5), utc(2026, 10, 6))
    upstream.asked.clear()
    rankings.land()
    assert sorted(asked(upstream)) == usual


def test_a_day_that_failed_in_a_window_is_asked_for_by_the_next_run(rankings, upstream):
    rankings.land()
    path = "/github-ranking-2026-10-05.csv"
    upstream.put(path, b"gone", status=404)
    fill(rankings, utc(2026, 10, 5), utc(2026, 10, 6))
    upstream.put(path, LINES.encode())
    rankings.land()
    assert rankings.landed("rankings")["2026-10-05"] == 1


def test_a_window_does_not_reach_beyond_the_present(rankings, upstream):
    fill(rankings, utc(2026, 11, 2), utc(2026, 11, 9))
    assert asked(upstream) == ["2026-11-02"]


def test_an_hour_of_the_archive_is_landed_again(tmp_path, monkeypatch, upstream):
    world = World(tmp_path, monkeypatch, "gharchive", upstream.base_url)
    for hour in range(4):
        upstream.put(f"/2026-10-01-{hour}.json.gz", packed([event(hour)]))
    for _ in range(2):
        fill(world, utc(2026, 10, 1, 1), utc(2026, 10, 1, 3))
    assert world.landed("events") == {"2026-10-01-1": 2, "2026-10-01-2": 2}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("gharchive", ["2026-10-01-0.json.gz", "2026-10-02-0.json.gz", "2026-10-03-0.json.gz"]),
        (
            "github_ranking",
            [f"github-ranking-2026-10-{number:02}.csv" for number in (1, 2, 3)],
        ),
    ],
)
def test_of_a_folder_only_the_files_of_the_window_are_landed(tmp_path, monkeypatch, source, names):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in names:
        content = packed([event(1)]) if source == "gharchive" else LINES.encode()
        (folder / name).write_bytes(content)
    world = World(tmp_path, monkeypatch, source, folder)
    fill(world, utc(2026, 10, 2), utc(2026, 10, 3))
    (table,) = {"events", "rankings"} & set(load_spec(source).tables)
    assert [name[:10] for name in world.landed(table)] == ["2026-10-02"]


@pytest.mark.parametrize("source", ["github", "endoflife"])
def test_a_source_without_history_says_so_and_asks_for_nothing(tmp_path, monkeypatch, source):
    with serve() as simulator:
        world = World(tmp_path, monkeypatch, source, simulator.base_url)
        with pytest.raises(NoHistory, match=f"`{source}` cannot be back-filled"):
            fill(world, utc(2026, 10, 5), utc(2026, 10, 6))
        assert simulator.requests()["total"] == 0
    assert not world.settings.place.lake.raw.exists()


def test_a_midnight_interval_stands_for_its_day():
    spec = load_spec("github_ranking")
    assert window_of(spec, utc(2026, 10, 5), utc(2026, 10, 6)) == Window(
        utc(2026, 10, 5), utc(2026, 10, 6)
    )


def test_an_interval_from_minute_twenty_stands_for_the_hour_in_which_it_begins():
    spec = load_spec("gharchive")
    assert window_of(spec, utc(2026, 10, 5, 3, 20), utc(2026, 10, 5, 4, 20)) == Window(
        utc(2026, 10, 5, 3), utc(2026, 10, 5, 4)
    )


def test_a_midnight_in_seoul_stands_for_the_day_that_begins_there():
    spec = load_spec("github_ranking")
    zoned = spec.schedule.model_copy(update={"timezone": "Asia/Seoul"})
    spec = spec.model_copy(update={"schedule": zoned})
    start = datetime(2026, 10, 5, tzinfo=SEOUL)
    window = window_of(spec, start, start + timedelta(days=1))
    assert (window.since.date(), window.until.date()) == (date(2026, 10, 5), date(2026, 10, 6))


@pytest.mark.parametrize("source", ["gharchive", "github_ranking"])
def test_windows_of_intervals_in_a_row_leave_nothing_out_and_land_nothing_twice(source):
    spec, step = load_spec(source), timedelta(hours=24 if source == "github_ranking" else 1)
    edges = [utc(2026, 10, 5, 6, 20) + number * step for number in range(5)]
    windows = [window_of(spec, *pair) for pair in itertools.pairwise(edges)]
    assert all(one.until == other.since for one, other in itertools.pairwise(windows))
