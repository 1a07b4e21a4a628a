"""Release dates land per snapshot and product, both formats, with what upstream takes back or mistypes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.running import serve
from tests.ingestion.file_sources import World, serving

FLAT = {"1.0.0": "2020-01-01", "1.1.0": "2020-02-01"}
NESTED = {
    "releases": {"1.1": {"name": "1.1", "releaseDate": "2020-02-01", "eol": "2025-01-01"}},
    "versions": {version: {"name": version, "date": date} for version, date in FLAT.items()},
}
WATCHLIST = """product_name,kind,target,enabled
Tool,endoflife,tool,true
Other,endoflife,other,true
Sleeper,endoflife,sleeper,false
repo,github,owner/tool,true
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "products"
    made.mkdir()
    return made


@pytest.fixture
def world(tmp_path, monkeypatch, folder) -> World:
    made = World(tmp_path, monkeypatch, "endoflife", folder)
    made.watchlist.write_text(WATCHLIST)
    return made


@pytest.fixture
def upstream():
    with serving() as made:
        yield made


@pytest.fixture
def remote(tmp_path, monkeypatch, upstream) -> World:
    made = World(tmp_path, monkeypatch, "endoflife", upstream.base_url)
    made.watchlist.write_text(WATCHLIST)
    upstream.put("/tool.json", json.dumps(NESTED).encode(), '"1"')
    upstream.put("/other.json", json.dumps(FLAT).encode(), '"1"')
    return made


def put(folder: Path, name: str, content: object) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def test_all_recorded_snapshots_land_at_once(shared_data, tmp_path, monkeypatch):
    world = World(tmp_path, monkeypatch, "endoflife", shared_data / "eol")
    landing = world.land()
    expected = {}
    for path in (shared_data / "eol").glob("*/*.json"):
        content = json.loads(path.read_text())
        for version, stated in content.get("versions", content).items():
            expected[path.parent.name, path.stem, version] = stated
    rows = world.rows("release_dates")
    found = {
        (r["context"]["snapshot"], r["context"]["product"], r["context"]["version"]): json.loads(
            r["record"]
        )
        for r in rows
    }
    assert found == expected and len(rows) == len(expected) == 28_099
    assert landing.failures == [] and landing.rows["release_cycles"] == 229
    assert {row["observed_at"].date().isoformat() for row in rows} == {
        "2022-06-30", "2023-06-30", "2024-03-31", "2025-03-31", "2026-06-30"
    }  # fmt: skip
    assert world.land().rows == {}


def test_every_recorded_file_is_counted_on_its_own(shared_data, tmp_path, monkeypatch):
    world = World(tmp_path, monkeypatch, "endoflife", shared_data / "eol")
    world.land()
    readings = {}
    for row in world.rows("readings"):
        record = json.loads(row["record"])
        readings[record["stream_name"], row["observed_at"], record["partition_name"]] = record[
            "expected_count"
        ]
    for table in ("release_dates", "release_cycles"):
        landed: dict[tuple, int] = {}
        for row in world.rows(table):
            key = (table, row["observed_at"], row["partition_name"])
            landed[key] = landed.get(key, 0) + 1
        assert {
            key: count for key, count in readings.items() if key[0] == table and count
        } == landed


def test_both_formats_land_with_their_product_and_version(world, folder):
    put(folder, "2022-06-30/tool.json", FLAT)
    put(folder, "2025-03-31/tool.json", NESTED)
    world.land()
    rows = world.rows("release_dates")
    assert [row["record"] for row in rows[:2]] == ['"2020-01-01"', '"2020-02-01"']
    assert json.loads(rows[3]["record"]) == {"name": "1.1.0", "date": "2020-02-01"}
    assert rows[0]["context"] == {
        "product": "tool",
        "product_name": "Tool",
        "version": "1.0.0",
        "snapshot": "2022-06-30",
        "file_format": "flat",
    }
    assert (rows[2]["context"]["file_format"], rows[2]["record_key"]) == ("nested", "tool/1.0.0")
    assert [row["observed_at"] for row in rows[::2]] == [
        datetime(2022, 6, 30, tzinfo=UTC),
        datetime(2025, 3, 31, tzinfo=UTC),
    ]
    [cycle] = world.rows("release_cycles")
    assert json.loads(cycle["record"]) == NESTED["releases"]["1.1"]
    assert world.expected() == {("release_dates", "tool"): 2, ("release_cycles", "tool"): 1}


def test_a_product_off_the_watchlist_is_called_by_its_slug(world, folder):
    put(folder, "unlisted.json", FLAT)
    world.land()
    [row, _] = world.rows("release_dates")
    assert row["context"]["product_name"] == "unlisted"
    assert row["observed_at"] == datetime(2026, 11, 2, tzinfo=UTC)


def test_a_file_that_is_no_json_fails_alone_and_is_kept(world, folder):
    (folder / "broken.json").write_text('{"1.0": "2020-0')
    (folder / "empty.json").write_text("")
    (folder / "latin.json").write_bytes(b'{"1.0": "\xe9"}')
    put(folder, "tool.json", FLAT)
    landing = world.land()
    names = ["broken", "empty", "latin"]
    assert [f.partition_name for f in landing.failures] == [f"{name}.json" for name in names]
    assert world.landed("release_dates") == {"tool": 2, **dict.fromkeys(names, 1)}
    assert {key[1]: count for key, count in world.expected().items()} == {
        "tool": 2, **dict.fromkeys(names, 1)
    }  # fmt: skip
    assert world.rows("release_dates")[2]["record"] == '{"1.0": "\\xe9"}'


DEEP = "[" * 1_100 + "]" * 1_100


SHAPES = {
    '["1.0"]': "the file is a list, not an object",
    '"1.0"': "the file is a text, not an object",
    "null": "the file is null, not an object",
    "12": "the file is a number, not an object",
    '{"versions": ["1.0"]}': "`versions` is a list, not an object",
    '{"versions": 7, "releases": {}}': "`versions` is a number, not an object",
    f'{{"1.0": {DEEP}}}': "the file is nested too deeply",
}


def test_a_file_of_another_shape_is_quarantined_and_fails_nothing(world, folder):
    for number, text in enumerate(SHAPES):
        (folder / f"odd{number}.json").write_text(text)
    put(folder, "tool.json", FLAT)
    assert world.land().failures == []
    rows = {row["partition_name"]: row for row in world.rows("release_dates")}
    assert [rows[f"odd{number}"]["context"]["reason"] for number in range(len(SHAPES))] == [
        *SHAPES.values()
    ]
    assert world.landed("release_dates")["tool"] == 2
    assert {world.expected()["release_dates", f"odd{n}"] for n in range(len(SHAPES))} == {1}
    assert world.land().rows == {}


def test_an_odd_entry_is_a_row_like_the_others(world, folder):
    odd = [None, ["x"], "2020-03-01", {"date": None}, {"date": {"x": 1}}, float("nan"), "\ud83d"]
    versions = {f"1.{number}": value for number, value in enumerate(odd)}
    put(folder, "tool.json", {"versions": {**versions, "\ud83d": {}}, "releases": {"1": None}})
    assert world.land().failures == []
    rows = world.rows("release_dates")
    assert [row["record"] for row in rows[:3]] == ["null", '["x"]', '"2020-03-01"']
    assert (rows[-1]["record_key"], rows[-1]["context"]["version"]) == ("tool/\\ud83d", "\ud83d")
    assert [row["record"] for row in world.rows("release_cycles")] == ["null"]
    assert world.expected() == {("release_dates", "tool"): 8, ("release_cycles", "tool"): 1}


def test_a_mark_a_double_key_and_an_odd_folder_are_read(world, folder):
    (folder / "tool.json").write_bytes(b'\xef\xbb\xbf{"1.0": "2020-01-01", "1.0": "2020-01-02"}')
    put(folder, "2026-13-01/other.json", FLAT)
    (folder / "nowhere.json").symlink_to(folder / "gone")
    landing = world.land()
    assert [failure.partition_name for failure in landing.failures] == ["nowhere.json"]
    assert [row["record"] for row in world.rows("release_dates")] == ['"2020-01-02"']
    assert world.expected() == {("release_dates", "tool"): 1}


def test_only_the_watchlists_enabled_products_are_asked_for(remote, upstream):
    assert remote.planned() == 2
    landing = remote.land()
    assert (landing.requests, landing.failures) == (2, [])
    assert sorted(path for path, _ in upstream.asked) == ["/other.json", "/tool.json"]
    assert remote.landed("release_dates") == {"tool": 2, "other": 2}


def test_the_answers_date_is_when_it_was_true(remote, upstream):
    upstream.replies["/tool.json"] = [
        (200, {"Date": "Sun, 01 Nov 2026 05:00:00 GMT"}, json.dumps(NESTED).encode())
    ]
    remote.watchlist.write_text("product_name,kind,target,enabled\nTool,endoflife,tool,true\n")
    remote.land()
    row = remote.rows("release_dates")[0]
    assert row["observed_at"] == datetime(2026, 11, 1, 5, tzinfo=UTC)
    assert row["context"]["snapshot"] == "2026-11-01"


def test_unchanged_products_are_not_landed_again(remote, upstream):
    remote.land()
    assert remote.land().rows == {}
    restated = {**FLAT, "1.1.0": "2020-02-02"}
    upstream.put("/other.json", json.dumps(restated).encode(), '"2"')
    assert remote.land().rows["release_dates"] == 2
    last = remote.rows("release_dates")[-1]
    assert (last["record"], last["context"]["version"]) == ('"2020-02-02"', "1.1.0")


def test_a_product_that_vanishes_keeps_its_values_and_is_no_failure(remote, upstream):
    remote.land()
    upstream.put("/tool.json", b"Not Found", status=404)
    for _ in range(2):
        landing = remote.land()
        assert landing.failures == [] and landing.rows == {"readings": 1}
    assert "gone upstream" in json.loads(remote.rows("readings")[-1]["record"])["method"]
    upstream.put("/tool.json", json.dumps(NESTED).encode(), '"1"')
    assert remote.land().rows["release_dates"] == 2


def test_a_product_that_never_was_is_a_mistake_in_the_watchlist(remote, upstream):
    del upstream.replies["/other.json"]
    landing = remote.land()
    assert [failure.partition_name for failure in landing.failures] == ["other"]
    assert "watchlist" in landing.failures[0].error
    assert remote.landed("release_dates") == {"tool": 2}


def test_a_product_of_another_shape_is_asked_for_once(remote, upstream):
    upstream.put("/other.json", b'["1.0"]', '"1"')
    landing = remote.land()
    assert (landing.requests, landing.failures) == (2, [])
    assert remote.land().rows == {}


def test_a_date_header_that_is_none_is_our_clock(remote, upstream):
    body = json.dumps(NESTED).encode()
    upstream.replies["/tool.json"] = [(200, {"Date": "Mon, 99 Foo 2026 25:61:61 GMT"}, body)]
    assert remote.land().failures == []
    assert remote.landed("release_dates")["tool"] == 2


def test_half_a_document_is_asked_for_again(remote, upstream):
    good = json.dumps(NESTED).encode()
    upstream.replies["/tool.json"] = [(200, {}, good[:50]), (200, {}, good)]
    landing = remote.land()
    assert (landing.requests, landing.failures) == (3, [])
    assert remote.landed("release_dates")["tool"] == 2


def test_faults_change_nothing_of_the_simulated_products(tmp_path, monkeypatch):
    names = ("tidalnix", "quarrel-db")
    with serve(now="2026-11-02T06:00:00+00:00") as simulator:
        found = []
        for name, rate in (("calm", 0.0), ("chaos", 0.5)):
            simulator.faults(rate=rate, seed=7)
            (tmp_path / name).mkdir()
            location = f"{simulator.base_url}/endoflife"
            world = World(tmp_path / name, monkeypatch, "endoflife", location)
            lines = [f"{slug},endoflife,{slug},true\n" for slug in names]
            world.watchlist.write_text("product_name,kind,target,enabled\n" + "".join(lines))
            assert world.land().failures == []
            found.append([(r["record_key"], r["record"]) for r in world.rows("release_dates")])
        assert simulator.requests()["faults"]
    assert found[0] == found[1] and len(found[0]) > 20
