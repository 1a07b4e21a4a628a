"""`trendhouse query`: three formats over what is published, and errors that say what to do."""

from __future__ import annotations

import csv
import io
import json

import pytest

from warehouse.publish import publish
from warehouse.published import NothingPublished, QueryFailed, connect, query


@pytest.fixture
def place(house):
    house.sql(
        "insert into marts.products values ('python', '3.14.0'), ('a,b', null)",
        "insert into marts.events_hourly values ('1', 'PushEvent', 2, '2026-10-01 05:00', 1)",
    )
    publish(house.place)
    return house.place


def test_csv_has_a_header_and_leaves_null_empty(place, capsys):
    query(place, "select * from products order by product_name desc", "csv")
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [
        ["product_name", "latest_version"],
        ["python", "3.14.0"],
        ["a,b", ""],
    ]


def test_json_is_an_array_of_objects_with_iso_times(place, capsys):
    query(
        place,
        "select event_hour, event_hour::date as day, 1.50 as number, [1, 2] as many from events_hourly",
        "json",
    )
    assert json.loads(capsys.readouterr().out) == [
        {"event_hour": "2026-10-01T05:00:00", "day": "2026-10-01", "number": 1.5, "many": [1, 2]}
    ]


def test_json_without_rows_is_an_empty_array(place, capsys):
    query(place, "select * from drift", "json")
    assert json.loads(capsys.readouterr().out) == []


def test_a_table_shows_every_column_and_row(place, capsys):
    query(place, "select * from products")
    said = capsys.readouterr().out
    assert "product_name" in said and "python" in said and "a,b" in said


def test_a_large_result_is_streamed_whole(place, capsys):
    query(place, "select range as n from range(10000)", "csv")
    assert capsys.readouterr().out.split() == ["n", *map(str, range(10000))]


def test_an_unknown_mart_names_those_there_are(place):
    with pytest.raises(
        QueryFailed,
        match=r"product_list does not exist[^$]*Marts: completeness, drift, events_hourly",
    ):
        query(place, "select * from product_list")


def test_a_mistake_in_sql_is_told_in_a_line(place):
    with pytest.raises(QueryFailed, match="syntax error"):
        query(place, "selec 1")


def test_before_the_first_publication_it_says_to_run(house):
    with pytest.raises(NothingPublished, match="make run"):
        query(house.place, "select 1")


def test_readers_need_no_lock_while_a_build_writes(house, place):
    import duckdb

    with duckdb.connect(str(house.place.warehouse)):
        assert connect(place).execute("select count(*) from products").fetchone() == (2,)


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '{}/x.csv'",
        "select 1; copy (select 1) to '{}/x.csv'",
        "explain analyze copy (select 1) to '{}/x.csv'",
        "attach '{}/x.csv' as other",
        "export database '{}/x.csv'",
    ],
)
def test_a_query_writes_no_file_be_it_among_the_published(place, tmp_path, sql):
    for folder in (tmp_path, place.published):
        with pytest.raises(QueryFailed, match="only reads"):
            query(place, sql.format(folder))
        assert not (folder / "x.csv").exists()


def test_a_query_reads_no_file_beside_the_published_ones(place, tmp_path):
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    with pytest.raises(QueryFailed, match="Cannot access file"):
        query(place, f"select * from read_csv('{tmp_path}/secret.csv')")
    with pytest.raises(QueryFailed, match="only reads"):
        query(place, "set enable_external_access = true")


def test_a_pivot_and_a_description_are_readings(place, capsys):
    query(place, "pivot products on product_name using count(*)", "csv")
    query(place, "describe products", "csv")
    assert "a,b" in capsys.readouterr().out
