"""Any published mart as a file: every row as published, also while the next publication comes."""

from __future__ import annotations

import csv
import io
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from serving import downloads
from serving.app import create_app
from serving.downloads import Download
from warehouse.published import connect

MARTS = "/api/v1/marts"


@pytest.fixture(scope="module")
def world(filled, tmp_path_factory):
    """Two months of days, so that a mart has more than one file."""
    house, settings = filled(tmp_path_factory.mktemp("world"), rate_limit="none")
    house.sql(
        "insert into marts.repositories_daily (repository_id, calendar, observed_date, star_count, observed_at) "
        "select '2', 'UTC', date '2025-12-01' + cast(n as integer), n, timestamp '2026-01-01 00:00:00.5' "
        "from range(60) as days (n)"
    )
    house.publish()
    return house, settings


@pytest.fixture(scope="module")
def client(world):
    with TestClient(create_app(world[1])) as client:
        yield client


def published(world, mart: str, where: str = "true") -> list[tuple]:
    with connect(world[0].place) as connection:
        return sorted(
            connection.execute(f"select * from {mart} where {where}").fetchall(), key=repr
        )


def rows(content: bytes, format: str) -> list[tuple]:
    if format == "parquet":
        table = pq.read_table(io.BytesIO(content))
    else:
        table = pa.ipc.open_stream(content).read_all()
    return sorted((tuple(row.values()) for row in table.to_pylist()), key=repr)


@pytest.mark.parametrize("mart", ["repositories_daily", "releases", "tags"])
@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_a_mart_comes_whole(client, world, mart, format):
    answer = client.get(f"{MARTS}/{mart}/download?format={format}")
    assert answer.status_code == 200
    assert rows(answer.content, format) == published(world, mart)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{mart}.{format}"'
    assert answer.headers["Trendhouse-Version"] == "2"


@pytest.mark.parametrize("mart", ["repositories_daily", "releases", "tags"])
def test_csv_says_the_same_with_times_in_utc(client, world, mart):
    text = client.get(f"{MARTS}/{mart}/download").text
    found = list(csv.DictReader(io.StringIO(text)))
    wanted = published(world, mart)
    assert sorted(map(tuple, (row.values() for row in found)), key=repr) == sorted(
        (tuple(map(as_text, row)) for row in wanted), key=repr
    )
    assert text.count("\n") > len(wanted)


def as_text(value) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def test_a_partition_comes_alone_and_as_it_lies_there(client, world):
    parts = {
        each["name"]: each
        for each in client.get(f"{MARTS}/repositories_daily").json()["partitions"]
    }
    assert {"2025-12", "2026-01"} < set(parts)
    answer = client.get(f"{MARTS}/repositories_daily/download?format=parquet&partition=2025-12")
    assert len(answer.content) == parts["2025-12"]["byte_count"]
    december = published(world, "repositories_daily", "observed_date < '2026-01-01'")
    assert rows(answer.content, "parquet") == december
    assert len(december) == parts["2025-12"]["row_count"] == 31


def test_the_list_tells_of_every_mart_its_columns_and_addresses(client, world):
    found = {each["name"]: each for each in client.get(MARTS).json()}
    with connect(world[0].place) as connection:
        for name, each in found.items():
            (count,) = connection.execute(f'select count(*) from "{name}"').fetchone()
            assert (
                each["row_count"] == count == sum(part["row_count"] for part in each["partitions"])
            )
            assert [column["name"] for column in each["columns"]] == [
                row[0] for row in connection.execute(f'describe "{name}"').fetchall()
            ]
            assert all(column["description"] for column in each["columns"])
            for address in each["downloads"].values():
                assert client.get(address).status_code == 200


def test_who_has_a_mart_is_told_so_until_its_rows_change(client):
    path = f"{MARTS}/releases/download"
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert client.get(f"{path}?format=arrow", headers={"If-None-Match": tag}).status_code == 200


def test_a_download_that_has_begun_is_of_one_publication_to_the_end(filled, tmp_path):
    house, settings = filled(tmp_path)
    before = published((house, settings), "repositories_daily")
    opened = Download.opened(settings.place, "repositories_daily", None, "arrow")
    for stars in (1000, 2000):
        house.sql(f"update marts.repositories_daily set star_count = {stars}")
        house.publish()
    there = set(map(str, house.place.published.rglob("*.parquet")))
    assert not {str(file.name) for file in opened.files} & there
    assert rows(b"".join(opened.chunks()), "arrow") == before
    assert all(file.closed for file in opened.files)


def test_files_that_are_replaced_between_look_and_opening_are_looked_up_again(
    filled, tmp_path, monkeypatch
):
    house, settings = filled(tmp_path)
    looked = []
    real = downloads.paths

    def slow(publication, mart, partition):
        """Twice, the publication is replaced after it was looked up."""
        looked.append(publication.version)
        if len(looked) < 3:
            for _ in range(2):
                house.sql("update marts.releases set version = version || '.1'")
                house.publish()
        return real(publication, mart, partition)

    monkeypatch.setattr(downloads, "paths", slow)
    opened = Download.opened(settings.place, "releases", None, "parquet")
    assert looked == [1, 3, 5] and opened.publication.version == 5
    assert rows(b"".join(opened.chunks()), "parquet") == published((house, settings), "releases")


def test_a_mart_without_rows_still_has_its_columns(client):
    text = client.get(f"{MARTS}/projects/download").text
    assert text.startswith('"repository_id","node_id"') and text.count("\n") == 1
