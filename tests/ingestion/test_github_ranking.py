"""Daily rankings land row by row: quotes, broken lines, short days and days that never came."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion.connectors.github_ranking import NO_DAY, csv_rows, measure
from simulator.running import serve
from tests.ingestion.file_sources import World, serving

HEADER = "rank,item,repo_name,stars,forks,language,repo_url,username,issues,last_commit,description"


def line(rank: int, item: str = "Python", description: str = "plain") -> str:
    url = f"https://github.com/o{rank}/r{rank}"
    return (
        f"{rank},{item},r{rank},{1000 - rank},5,,{url},o{rank},1,2019-01-01T23:27:09Z,{description}"
    )


def day(*lines: str, end: str = "\n") -> bytes:
    return "".join(f"{each}{end}" for each in (HEADER, *lines)).encode()


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "rankings"
    made.mkdir()
    return made


@pytest.fixture
def world(tmp_path, monkeypatch, folder) -> World:
    return World(tmp_path, monkeypatch, "github_ranking", folder)


@pytest.fixture
def upstream():
    with serving() as made:
        yield made


@pytest.fixture
def remote(tmp_path, monkeypatch, upstream) -> World:
    made = World(tmp_path, monkeypatch, "github_ranking", f"{upstream.base_url}/")
    made.options.update(now="2026-11-02T06:00:00+00:00", ranking_days=3)
    return made


def test_every_recorded_row_lands(shared_data, tmp_path, monkeypatch):
    world = World(tmp_path, monkeypatch, "github_ranking", shared_data / "ranking")
    landing = world.land()
    rows = world.rows("rankings")
    assert len(rows) == landing.rows["rankings"] == 263_533
    assert not landing.failures and not any("reason" in row["context"] for row in rows)
    days = {path.name[15:25] for path in (shared_data / "ranking").glob("*.csv.gz")}
    landed = world.landed("rankings")
    assert len(days) == 79 and set(landed) == days
    short = {
        partition: (landed[partition], expected)
        for (_, partition), expected in world.expected().items()
        if landed[partition] != expected
    }
    assert short == {
        "2022-05-26": (2_160, 3_600),
        "2022-05-27": (2_160, 3_600),
        "2022-05-28": (2_160, 3_600),
        "2023-01-01": (2_160, 3_600),
        "2026-02-12": (3_593, 3_600),
    }
    assert world.land().rows == {}


@pytest.mark.parametrize("recorded", ["2019-03-04", "2023-02-05", "2026-02-12"])
def test_recorded_rows_are_those_of_the_csv(shared_data, world, folder, recorded):
    source = shared_data / "ranking" / f"github-ranking-{recorded}.csv.gz"
    (folder / source.name).symlink_to(source)
    world.land()
    text = gzip.decompress(source.read_bytes()).decode()
    expected = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [json.loads(row["record"]) for row in world.rows("rankings")] == expected


def test_a_row_knows_its_day_its_line_and_its_moment(world, folder):
    (folder / "github-ranking-2023-01-01.csv").write_bytes(
        day(line(1), line(2, description='"a\nb"'), line(3))
    )
    world.land()
    rows = world.rows("rankings")
    assert [row["context"] for row in rows] == [
        {"ranking_date": "2023-01-01", "line": number} for number in (2, 3, 5)
    ]
    assert json.loads(rows[1]["record"])["description"] == "a\nb"
    assert rows[0]["record_key"] == "2023-01-01/Python/1"
    assert {row["observed_at"] for row in rows} == {datetime(2023, 1, 1, 23, 59, 59, tzinfo=UTC)}
    assert {row["partition_name"] for row in rows} == {"2023-01-01"}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_windows_line_ends_and_quotes_are_read(world, folder, packed):
    content = day(line(1), line(2, description='"say ""hi"", then\r\ngo"'), end="\r\n")
    name = "github-ranking-2019-01-02.csv" + (".gz" if packed else "")
    (folder / name).write_bytes(gzip.compress(content) if packed else content)
    world.land()
    records = [json.loads(row["record"]) for row in world.rows("rankings")]
    assert [record["description"] for record in records] == ["plain", 'say "hi", then\r\ngo']
    assert world.expected() == {("rankings", "2019-01-02"): 2}


def test_ragged_lines_land_as_they_stand_with_a_reason(world, folder):
    content = day(line(1), "2,Python,too,few", line(3) + ",and,more", line(4))
    (folder / "github-ranking-2019-01-02.csv").write_bytes(content)
    assert world.land().failures == []
    rows = world.rows("rankings")
    assert [row["record"] for row in rows[1:3]] == ["2,Python,too,few", line(3) + ",and,more"]
    assert [row["context"].get("reason") for row in rows] == [
        None,
        "the line has 4 fields; the header has 11 fields",
        "the line has 13 fields; the header has 11 fields",
        None,
    ]


def test_a_quote_that_never_closes_costs_one_line():
    text = day(line(1), line(2, description='"open'), *(line(n) for n in range(3, 900))).decode()
    rows = list(csv_rows(text))
    assert [number for number, row, _ in rows if row is None] == [3]
    assert len(rows) == 900
    assert rows[2] == (3, None, line(2, description='"open'))


def test_bytes_that_are_no_text_do_not_stop_a_day(world, folder):
    content = day(line(1), line(2)).replace(b"plain", b"pl\xffin", 1)
    (folder / "github-ranking-2019-01-02.csv").write_bytes(content)
    world.land()
    assert json.loads(world.rows("rankings")[0]["record"])["description"] == "pl\\xffin"
    assert len(world.rows("rankings")) == 2


def test_odd_lines_end_in_quarantine_and_the_others_land(world, folder):
    odd = [HEADER, line(2).replace("2,", "two,", 1), "3,Python,r3,1\0,5,,u,o,1,,d", "4,Python"]
    text = day(line(1), *odd).replace(b"5,,u", b"5,,\xe9") + f"{line(5)}\n".encode()
    (folder / "github-ranking-2026-10-30.csv").write_bytes(b"\xef\xbb\xbf" + text)
    assert world.land().failures == []
    rows = world.rows("rankings")
    assert [row["context"].get("reason") for row in rows] == [
        None, None, None, "`repo_url` of the line is not UTF-8",
        "the line has 2 fields; the header has 11 fields", None,
    ]  # fmt: skip
    assert [json.loads(rows[n]["record"])["rank"] for n in (0, 1, 2, 5)] == [
        "1",
        "rank",
        "two",
        "5",
    ]
    assert rows[3]["record"] == "3,Python,r3,1\0,5,,\\xe9,o,1,,d"


def test_columns_may_stand_in_another_order(world, folder):
    text = "item, rank ,stars\nPython,1,7\nPython,2,6\n"
    (folder / "github-ranking-2026-10-30.csv").write_text(text)
    assert world.land().failures == []
    assert [json.loads(row["record"]) for row in world.rows("rankings")] == [
        {"item": "Python", "rank": "1", "stars": "7"},
        {"item": "Python", "rank": "2", "stars": "6"},
    ]
    assert world.expected()["rankings", "2026-10-30"] == 2


def test_a_file_without_a_header_loses_no_line(world, folder):
    (folder / "github-ranking-2026-10-30.csv").write_text(f"{line(1)}\n{line(2)}\n")
    (folder / "github-ranking-2026-10-31.csv").write_bytes(b"")
    [failure] = world.land().failures
    assert failure.error.startswith("github-ranking-2026-10-31.csv holds no line of a list")
    rows = world.rows("rankings")
    assert [row["record"] for row in rows] == [line(1), line(2)]
    assert {row["context"]["reason"] for row in rows} == {
        "the file's first line names no item, rank"
    }
    assert [*world.expected().values()] == [2, 1]


def test_a_file_that_names_no_day_becomes_one_row_for_quarantine(world, folder):
    for name in ("github-ranking-2019-02-30.csv", "other.csv"):
        (folder / name).write_bytes(day(line(1)))
    world.land()
    assert {row["context"]["reason"] for row in world.rows("rankings")} == {NO_DAY}
    assert len(world.rows("rankings")) == 2


def test_a_list_cut_short_and_a_list_that_is_gone_fall_short(world, folder):
    whole = [line(rank, item) for item in ("Go", "Python") for rank in range(1, 11)]
    for number, lines in enumerate((whole, whole[:15], whole), start=1):
        (folder / f"github-ranking-2019-01-0{number}.csv").write_bytes(day(*lines))
    world.land()
    assert world.expected() == {("rankings", f"2019-01-0{number}"): 20 for number in (1, 2, 3)}
    assert world.landed("rankings")["2019-01-02"] == 15


def test_a_broken_gzip_fails_alone_and_is_seen_in_the_readings(world, folder):
    packed = gzip.compress(day(*(line(rank, f"list {rank % 9}") for rank in range(900))))
    (folder / "github-ranking-2019-01-01.csv.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "github-ranking-2019-01-02.csv.gz").write_bytes(packed)
    landing = world.land()
    assert [f.partition_name for f in landing.failures] == ["github-ranking-2019-01-01.csv.gz"]
    landed, expected = world.landed("rankings"), world.expected()
    assert 0 < landed["2019-01-01"] < expected["rankings", "2019-01-01"]
    assert landed["2019-01-02"] == expected["rankings", "2019-01-02"] == 900


def test_the_nominal_size_is_read_without_the_csv_module(tmp_path):
    path = tmp_path / "ranking.csv"
    path.write_bytes(day(line(1, "Go"), line(2, "Go", '"a\nb"'), "3,Go,ragged", line(1, "C")))
    assert measure(path) == (2, 2)


def test_a_language_that_is_missing_falls_short_on_every_day_it_is(world, folder):
    whole, short = day(line(1, "C"), line(1, "Go")), day(line(1, "C"))
    for number, content in enumerate((whole, short, short, whole), start=1):
        (folder / f"github-ranking-2019-01-0{number}.csv").write_bytes(content)
    world.land()
    assert {day: count for (_, day), count in world.expected().items()} == {
        f"2019-01-0{number}": 2 for number in (1, 2, 3, 4)
    }
    assert world.landed("rankings")["2019-01-02"] == world.landed("rankings")["2019-01-03"] == 1


def test_a_language_that_is_dropped_for_good_is_missed_for_a_week(world, folder):
    (folder / "github-ranking-2019-01-01.csv").write_bytes(day(line(1, "C"), line(1, "Go")))
    for number in range(2, 11):
        (folder / f"github-ranking-2019-01-{number:02}.csv").write_bytes(day(line(1, "C")))
    world.land()
    expected = [count for _, count in sorted(world.expected().items())]
    assert expected == [2] * 8 + [1] * 2


def test_an_older_day_does_not_owe_the_languages_of_a_later_time(world, folder):
    (folder / "github-ranking-2019-03-02.csv").write_bytes(day(line(1, "C"), line(1, "Go")))
    (folder / "github-ranking-2019-01-01.csv").write_bytes(day(line(1, "C")))
    world.land()
    assert world.expected()["rankings", "2019-01-01"] == 1


def test_days_of_a_url_go_on_from_the_last_one(remote, upstream):
    for number in (30, 31):
        upstream.put(f"/github-ranking-2026-10-{number}.csv", day(line(1)), f'"{number}"')
    upstream.put("/github-ranking-2026-11-01.csv", day(line(1)), '"1"')
    assert remote.planned() == 4
    landing = remote.land()
    assert (landing.failures, landing.requests) == ([], 4)  # today's is not there yet
    assert sorted(remote.landed("rankings")) == ["2026-10-30", "2026-10-31", "2026-11-01"]
    upstream.put("/github-ranking-2026-11-02.csv", day(line(1)), '"2"')
    assert remote.land(now="2026-11-03T01:00:00+00:00").rows["rankings"] == 1


def test_a_day_that_never_came_falls_short_by_its_nominal_size(remote, upstream):
    for name in ("2026-10-30", "2026-11-01"):
        upstream.put(f"/github-ranking-{name}.csv", day(line(1), line(2)), f'"{name}"')
    assert remote.land().failures == []
    assert remote.expected()["rankings", "2026-10-31"] == 2
    assert remote.landed("rankings")["2026-10-31"] == 0


def test_a_download_that_ends_within_a_line_is_tried_again(remote, upstream):
    good = day(line(1), line(2))
    upstream.replies["/github-ranking-2026-11-01.csv"] = [(200, {}, good[:-30]), (200, {}, good)]
    remote.land(ranking_days=1)
    assert remote.landed("rankings") == {"2026-11-01": 2}


def test_faults_change_nothing_of_the_simulated_days(tmp_path, monkeypatch):
    with serve(now="2026-11-02T06:00:00+00:00") as simulator:
        found = []
        for name, rate in (("calm", 0.0), ("chaos", 0.2)):
            simulator.faults(rate=rate, seed=5)
            (tmp_path / name).mkdir()
            location = f"{simulator.base_url}/rankings"
            world = World(tmp_path / name, monkeypatch, "github_ranking", location)
            assert world.land(now="2026-11-02T06:00:00+00:00").failures == []
            found.append((sorted(r["record"] for r in world.rows("rankings")), world.expected()))
        assert simulator.requests()["faults"]
    assert found[0] == found[1]
    assert len(found[0][1]) >= 28
