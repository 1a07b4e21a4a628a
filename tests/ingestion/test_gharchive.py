"""Hours of the event archive land as they are: every form, every era, whole or broken."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.connectors.downloads import Downloads
from ingestion.connectors.gharchive import NO_HOUR, hour_of, label
from simulator.running import serve
from tests.ingestion.file_sources import World, event, ndjson, packed, serving


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "archive"
    made.mkdir()
    return made


@pytest.fixture
def world(tmp_path, monkeypatch, folder) -> World:
    return World(tmp_path, monkeypatch, "gharchive", folder)


@pytest.fixture
def upstream():
    with serving() as made:
        yield made


@pytest.fixture
def remote(tmp_path, monkeypatch, upstream) -> World:
    made = World(tmp_path, monkeypatch, "gharchive", f"{upstream.base_url}/archive")
    made.options.update(now="2026-11-02T06:10:00+00:00", gharchive_hours=3)
    return made


def test_both_recorded_hours_land_whole(shared_data, tmp_path, monkeypatch):
    world = World(tmp_path, monkeypatch, "gharchive", shared_data / "gharchive")
    landing = world.land()
    landed = world.landed("events")
    hours = {name: landed[name] for name in ("2015-01-01-0", "2015-01-01-1")}
    assert hours == {"2015-01-01-0": 7_702, "2015-01-01-1": 7_427}
    assert sum(hours.values()) == 15_129
    assert {key[1]: count for key, count in world.expected().items()} == hours
    aside = [row for row in world.rows("events") if row["context"].get("reason") == NO_HOUR]
    assert len(aside) == 2 and not landing.failures
    assert world.land().rows == {}


def test_recorded_events_land_byte_for_byte(shared_data, tmp_path, monkeypatch):
    world = World(tmp_path, monkeypatch, "gharchive", shared_data / "gharchive")
    world.land()
    with gzip.open(shared_data / "gharchive" / "2015-01-01-1.emailhashed.json.gz") as file:
        expected = [line.rstrip(b"\n").decode() for line in file]
    rows = [row for row in world.rows("events") if row["partition_name"] == "2015-01-01-1"]
    assert [row["record"] for row in rows] == expected
    assert {row["observed_at"] for row in rows} == {datetime(2015, 1, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize("name", ["gharchive/simdjson_github_events.emailhashed.json"])
def test_a_recorded_array_lands_element_by_element(
    shared_data, tmp_path, monkeypatch, folder, name
):
    content = (shared_data / name).read_bytes()
    (folder / "2013-01-10-7.json").write_bytes(content)
    world = World(tmp_path, monkeypatch, "gharchive", folder)
    world.land()
    assert [json.loads(row["record"]) for row in world.rows("events")] == json.loads(content)
    assert world.expected() == {("events", "2013-01-10-7"): 30}


def test_recorded_parquet_lands_without_its_nulls(shared_data, tmp_path, monkeypatch, folder):
    source = shared_data / "gharchive" / "pinot-githubActivities-2016-07-07.gz.parquet"
    (folder / "2016-07-07-0.parquet").symlink_to(source)
    world = World(tmp_path, monkeypatch, "gharchive", folder)
    world.land()
    rows = world.rows("events")
    assert len(rows) == 2_000
    assert world.expected() == {("events", "2016-07-07-0"): 2_000}
    assert not any(":null" in row["record"] for row in rows)
    assert len({json.loads(row["record"])["id"] for row in rows}) == len(
        {r["record_key"] for r in rows}
    )


@pytest.mark.parametrize(
    "name, content",
    [
        ("2015-01-01-0.json", ndjson([event(1), event(2)])),
        ("2015-01-01-0.json.gz", packed([event(1), event(2)])),
        ("2015-01-01-0.any.thing.json.gz", packed([event(1)]) + packed([event(2)])),
        (
            "2015-01-01-0.json.gz",
            gzip.compress(json.dumps([event(1), event(2)], indent=1).encode()),
        ),
        ("2015-01-01-0.json.zst", pa.compress(ndjson([event(1), event(2)]), "zstd", asbytes=True)),
        ("2015-01-01-00.json", ndjson([event(1), event(2)])[:-1]),
    ],
    ids=["lines", "gzip", "two members", "array", "zstd", "no end of line"],
)
def test_every_form_of_an_hour_is_read(world, folder, name, content):
    (folder / name).write_bytes(content)
    assert world.land().failures == []
    assert [json.loads(row["record"]) for row in world.rows("events")] == [event(1), event(2)]
    assert world.expected() == {("events", "2015-01-01-0"): 2}
    assert {row["context"].get("reason") for row in world.rows("events")} == {None}


def test_parquet_of_an_hour_is_told_by_its_content(world, folder):
    pq.write_table(
        pa.Table.from_pylist([event(1), event(2, org=None)]), folder / "2015-01-01-0.json"
    )
    world.land()
    assert [json.loads(row["record"]) for row in world.rows("events")] == [event(1), event(2)]


def test_eras_without_ids_or_repo_get_them_in_the_context(world, folder):
    old = {
        "type": "PushEvent",
        "repository": {"id": 5, "owner": "ann", "name": "tool"},
        "created_at": "2012-04-01T00:00:00-08:00",
    }
    (folder / "2012-04-01-8.json").write_bytes(ndjson([old, event(9)]))
    world.land()
    first, second = world.rows("events")
    digest = hashlib.sha256(first["record"].encode()).hexdigest()
    assert first["context"] == {"event_key": digest, "repository_name": "ann/tool"}
    assert first["record_key"] == digest
    assert (second["context"], second["record_key"]) == ({}, "9")


def test_a_line_that_is_not_json_lands_as_it_stands(world, folder):
    broken = [b'{"id":"3","typ', b"", b"\xff\xfe", b'{"id":"4","type":"\\ud83d"}']
    (folder / "2015-01-01-0.json").write_bytes(ndjson([event(1)]) + b"\n".join(broken) + b"\n")
    assert world.land().failures == []
    records = [row["record"] for row in world.rows("events")]
    assert records[1:] == ['{"id":"3","typ', "", "\\xff\\xfe", '{"id":"4","type":"\\ud83d"}']
    assert world.rows("events")[4]["record_key"] == "4"
    assert world.expected() == {("events", "2015-01-01-0"): 5}


def test_a_file_that_names_no_hour_becomes_one_row_for_quarantine(world, folder):
    for name in (
        "events.json",
        "2015-01-01-24.json",
        "2015-13-01-0.json.gz",
        "2015-01-01-123.json",
    ):
        (folder / name).write_bytes(ndjson([event(1)]))
    (folder / "README.md").write_text("nothing")
    world.land()
    rows = world.rows("events")
    assert {row["context"]["reason"] for row in rows} == {NO_HOUR}
    assert sorted(row["record"] for row in rows) == sorted(str(p) for p in folder.glob("*.json*"))


def test_an_hour_is_named_without_a_leading_zero():
    assert label(hour_of("2015-01-01-07.json")) == "2015-01-01-7"
    assert hour_of("2015-01-01-17.x") == datetime(2015, 1, 1, 17, tzinfo=UTC)


@pytest.mark.parametrize("harm", ["cut", "corrupt"])
def test_a_broken_file_fails_alone_and_is_seen_in_the_readings(world, folder, harm):
    many = [event(number, note=os.urandom(30).hex()) for number in range(5_000)]
    whole = packed(many)
    half = len(whole) // 2
    broken = whole[:half] if harm == "cut" else whole[:half] + b"\0" * 5_000 + whole[half + 5_000 :]
    (folder / "2015-01-01-0.json.gz").write_bytes(broken)
    (folder / "2015-01-01-1.json.gz").write_bytes(packed(many[:10]))
    landing = world.land()
    assert [failure.partition_name for failure in landing.failures] == ["2015-01-01-0.json.gz"]
    assert "byte" in landing.failures[0].error
    landed, expected = world.landed("events"), world.expected()
    assert landed["2015-01-01-1"] == expected["events", "2015-01-01-1"] == 10
    assert 1_500 < landed["2015-01-01-0"] < expected["events", "2015-01-01-0"]
    records = [r["record"] for r in world.rows("events") if r["partition_name"].endswith("-0")]
    before_the_harm = records if harm == "cut" else records[:1_500]
    assert [json.loads(record) for record in before_the_harm] == many[: len(before_the_harm)]
    again = world.land()
    assert again.rows == {} and len(again.failures) == 1


def test_a_broken_array_and_a_broken_parquet_fail_alone(world, folder):
    (folder / "2015-01-01-0.json").write_text(json.dumps([event(1), event(2)])[:-20])
    (folder / "2015-01-01-1.parquet").write_bytes(b"PAR1 and nothing more")
    landing = world.land()
    assert {failure.partition_name for failure in landing.failures} == {
        "2015-01-01-0.json",
        "2015-01-01-1.parquet",
    }
    assert world.landed("events") == {"2015-01-01-0": 1}
    assert world.expected() == {("events", "2015-01-01-0"): 2, ("events", "2015-01-01-1"): 1}


def test_only_new_and_changed_files_of_a_folder_are_landed_again(world, folder):
    (folder / "2015-01-01-0.json").write_bytes(ndjson([event(1)]))
    assert world.land().rows["events"] == 1
    (folder / "2015-01-01-1.json").write_bytes(ndjson([event(2)]))
    assert world.land().rows["events"] == 1
    (folder / "2015-01-01-0.json").write_bytes(ndjson([event(1), event(3)]))
    assert world.land().rows["events"] == 2
    assert world.land().rows == {}
    assert world.expected() == {("events", "2015-01-01-0"): 2, ("events", "2015-01-01-1"): 1}


def test_hours_of_a_url_go_on_from_the_last_one(remote, upstream):
    for hour in range(8):
        upstream.put(f"/archive/2026-11-02-{hour}.json.gz", packed([event(hour)]), f'"{hour}"')
    assert remote.planned() == 3
    landing = remote.land()
    assert remote.landed("events") == {f"2026-11-02-{hour}": 1 for hour in (3, 4, 5)}
    assert (landing.requests, landing.failures) == (3, [])
    upstream.asked.clear()
    remote.land(now="2026-11-02T08:10:00+00:00")
    assert remote.landed("events") == {f"2026-11-02-{hour}": 1 for hour in (3, 4, 5, 6, 7)}
    again = {path: headers.get("If-None-Match") for path, headers in upstream.asked}
    assert again["/archive/2026-11-02-5.json.gz"] == '"5"'
    assert again["/archive/2026-11-02-7.json.gz"] is None


def test_an_hour_that_grew_is_landed_again(remote, upstream):
    for hour in (3, 4, 5):
        upstream.put(f"/archive/2026-11-02-{hour}.json.gz", packed([event(hour)]), f'"{hour}"')
    remote.land()
    upstream.put("/archive/2026-11-02-4.json.gz", packed([event(4), event(40)]), '"4b"')
    assert remote.land().rows["events"] == 2
    assert remote.expected()["events", "2026-11-02-4"] == 2


def test_a_missing_hour_blocks_none_and_is_asked_for_a_week(remote, upstream):
    for hour in (2, 4, 5):
        upstream.put(f"/archive/2026-11-02-{hour}.json.gz", packed([event(hour)]), f'"{hour}"')
    landing = remote.land(gharchive_hours=4)
    assert sorted(remote.landed("events")) == ["2026-11-02-2", "2026-11-02-4", "2026-11-02-5"]
    assert landing.failures == []  # three hours later it may still come
    later = remote.land(now="2026-11-02T07:10:00+00:00")
    assert [failure.partition_name for failure in later.failures] == ["2026-11-02-3"]
    assert remote.expected()["events", "2026-11-02-3"] == 0
    upstream.put("/archive/2026-11-02-3.json.gz", packed([event(3)]), '"3"')
    assert remote.land(now="2026-11-08T06:10:00+00:00", gharchive_hours=1).rows["events"] == 1
    assert remote.expected()["events", "2026-11-02-3"] == 1


def test_a_missing_hour_is_given_up_after_a_week(remote, upstream):
    for now in ("2026-11-02T06:10:00+00:00", "2026-11-09T06:10:00+00:00"):
        remote.land(now=now, gharchive_hours=1)
    upstream.asked.clear()
    remote.land(now="2026-11-09T06:20:00+00:00")
    assert "/archive/2026-11-02-5.json.gz" not in [path for path, _ in upstream.asked]


def test_an_earlier_start_fills_the_hours_before(remote, upstream):
    for hour in range(6):
        upstream.put(f"/archive/2026-11-02-{hour}.json.gz", packed([event(hour)]), f'"{hour}"')
    remote.land()
    remote.land(gharchive_since="2026-11-02T01:00:00+00:00")
    assert remote.landed("events") == {f"2026-11-02-{hour}": 1 for hour in range(1, 6)}


def test_the_deadline_leaves_the_rest_to_the_next_run(remote, upstream, monkeypatch):
    for hour in range(6):
        upstream.put(f"/archive/2026-11-02-{hour}.json.gz", packed([event(hour)]), f'"{hour}"')
    turns = iter([False, False, True])
    with monkeypatch.context() as patch:
        patch.setattr(Downloads, "is_out_of_time", property(lambda _: next(turns)))
        landing = remote.land(gharchive_hours=6)
    assert sorted(remote.landed("events")) == ["2026-11-02-0", "2026-11-02-1"]
    assert "4 files are left for the next run" in landing.failures[0].error
    assert remote.land().failures == []
    assert remote.landed("events") == {f"2026-11-02-{hour}": 1 for hour in range(6)}


def test_waiting_and_broken_answers_are_tried_again(remote, upstream):
    good = packed([event(1)])
    upstream.replies["/archive/2026-11-02-5.json.gz"] = [
        (503, {"Retry-After": "0"}, b""),
        (429, {"Retry-After": "0"}, b""),
        (200, {"Content-Length": str(len(good))}, good[: len(good) // 2]),
        (200, {}, good[: len(good) // 2] + b"<!--"),
        (200, {}, good),
    ]
    landing = remote.land(gharchive_hours=1)
    assert remote.landed("events") == {"2026-11-02-5": 1}
    assert (landing.requests, landing.failures) == (5, [])


def test_an_address_that_keeps_refusing_fails_alone(remote, upstream):
    upstream.replies["/archive/2026-11-02-4.json.gz"] = [(500, {"Retry-After": "0"}, b"")]
    upstream.put("/archive/2026-11-02-5.json.gz", packed([event(5)]))
    landing = remote.land(gharchive_hours=2)
    assert [failure.partition_name for failure in landing.failures] == ["2026-11-02-4"]
    assert "answered 500" in landing.failures[0].error
    assert remote.landed("events") == {"2026-11-02-5": 1}
    upstream.put("/archive/2026-11-02-4.json.gz", packed([event(4)]))
    assert remote.land().rows["events"] == 2  # 5 has no ETag, so it comes again


def test_faults_change_nothing_of_the_simulated_hours(tmp_path, monkeypatch):
    with serve(now="2026-11-02T06:00:00+00:00") as simulator:
        found = []
        for name, rate in (("calm", 0.0), ("chaos", 0.2)):
            simulator.faults(rate=rate, seed=3)
            (tmp_path / name).mkdir()
            location = f"{simulator.base_url}/gharchive"
            world = World(tmp_path / name, monkeypatch, "gharchive", location)
            landing = world.land(now="2026-11-02T06:00:00+00:00", gharchive_hours=12)
            assert landing.failures == []
            found.append((sorted(r["record"] for r in world.rows("events")), world.expected()))
        assert simulator.requests()["faults"]
    assert found[0] == found[1]
    assert sum(found[0][1].values()) == len(found[0][0])


def test_an_empty_answer_is_asked_for_again(remote, upstream):
    good = packed([event(1)])
    upstream.replies["/archive/2026-11-02-3.json.gz"] = [(200, {}, b""), (200, {}, good)]
    for hour in (4, 5):
        upstream.put(f"/archive/2026-11-02-{hour}.json.gz", good)
    assert remote.land().failures == []
    assert remote.expected()["events", "2026-11-02-3"] == 1
