"""How records become columns: paths, exploded elements, types, and drift."""

from datetime import date, datetime

import pytest

from spark import table_run
from spark.jobs.deduplicate import deduplicate
from tests.spark.conftest import T0, source


def drift(landing, table="items"):
    return landing.ledger(table, "drift", "path, kind, expected_type, example, occurrence_count")


def test_an_unknown_field_and_a_changed_type_are_reported_and_the_row_stays(spark, landing):
    columns = {
        "id": {"type": "bigint", "nullable": False},
        "stars": {"type": "bigint"},
        "name": {"type": "string"},
        "owner_id": {"type": "bigint", "path": "owner.id"},
    }
    spec = source(items={"key": ["id"], "ignore": ["*_url", "secret"], "columns": columns})
    landing.land(
        "items",
        {"id": 1, "stars": "many", "name": "[x]", "owner": {"id": 1, "login": "l", "a_url": 1}},
        {"id": 2, "stars": "12", "name": {"first": "x"}, "new": [1, 2], "b_url": 2, "secret": 3},
        {"id": 3, "new": "again"},
    )
    deduplicate(spark, landing.lake, spec)
    assert landing.clean("items", "id, stars, name") == [
        (1, None, "[x]"),
        (2, 12, None),
        (3, None, None),
    ]
    assert drift(landing) == [
        ("name", "type", "string", '{"first":"x"}', 1),
        ("new", "unknown", None, "[1,2]", 2),
        ("owner.login", "unknown", None, "l", 1),
        ("stars", "type", "bigint", "many", 1),
    ]


def test_a_day_or_true_and_false_in_one_field_are_two_columns_and_no_drift(spark, landing):
    columns = {
        "cycle": {"type": "string", "nullable": False},
        "ends_on": {"type": "date", "path": "eol"},
        "is_ended": {"type": "boolean", "path": "eol"},
        "support_ends_on": {"type": "date", "path": "support|eoas"},
        "is_supported": {"type": "boolean", "path": "support"},
        "is_support_ended": {"type": "boolean", "path": "eoas"},
        "text": {"type": "string", "path": "eol"},
    }
    spec = source(items={"key": ["cycle"], "columns": columns})
    landing.land(
        "items",
        {"cycle": "5", "eol": False, "support": True},
        {"cycle": "4", "eol": True, "eoas": True},
        {"cycle": "3", "eol": "2024-01-01", "support": "2023-01-01"},
        {"cycle": "2", "eol": "soon", "eoas": "2022-01-01"},
    )
    deduplicate(spark, landing.lake, spec)
    found = "cycle, ends_on, is_ended, support_ends_on, is_supported, is_support_ended"
    assert landing.clean("items", found) == [
        ("2", None, None, date(2022, 1, 1), None, None),
        ("3", date(2024, 1, 1), None, date(2023, 1, 1), None, None),
        ("4", None, True, None, None, True),
        ("5", None, False, None, True, None),
    ]
    assert drift(landing) == [("eol", "type", "date or boolean", "soon", 1)]


def test_a_path_takes_the_first_place_that_holds_a_value(spark, landing):
    columns = {
        "id": {"type": "string", "path": "id|@fallback", "nullable": False},
        "actor": {"type": "string", "path": "actor.login|actor"},
        "repo": {"type": "bigint", "path": "repo.id|repository.id"},
    }
    spec = source(items={"key": ["id"], "ignore": ["*"], "columns": columns})
    landing.land(
        "items",
        {"id": 1, "actor": {"login": "new"}, "repo": {"id": 7}},
        ({"actor": "old", "repository": {"id": 8}}, {"fallback": "digest"}),
    )
    deduplicate(spark, landing.lake, spec)
    assert landing.clean("items", "id, actor, repo") == [("1", "new", 7), ("digest", "old", 8)]


def test_a_record_may_be_a_plain_string(spark, landing):
    columns = {
        "version": {"type": "string", "path": "@version"},
        "released": {"type": "date", "path": "date|$"},
    }
    spec = source(items={"key": ["version"], "columns": columns})
    landing.land(
        "items",
        ('"2020-02-03"', {"version": "1"}),
        ({"date": "2021-01-01T23:00:00Z"}, {"version": "2"}),
    )
    deduplicate(spark, landing.lake, spec)
    assert landing.clean("items", "version, released") == [
        ("1", date(2020, 2, 3)),
        ("2", date(2021, 1, 1)),
    ]


def test_a_map_is_exploded_and_the_rows_of_a_changed_key_are_replaced(spark, landing):
    columns = {
        "repo": {"type": "bigint", "path": "@repo"},
        "lang": {"type": "string", "path": "$each.key"},
        "bytes": {"type": "bigint", "path": "$each.value", "nullable": False},
    }
    table = {
        "key": ["repo"],
        "cursor": "observed_at",
        "explode": {"path": "$", "kind": "map"},
        "columns": columns,
    }
    spec = source(items=table)
    landing.land("items", ({"C": 1, "Go": 2}, {"repo": 1}), ({"C": 5}, {"repo": 2}))
    deduplicate(spark, landing.lake, spec)
    landing.land(
        "items", ({"C": 1, "Rust": 9}, {"repo": 1}), ({"C": 5}, {"repo": 2}), at=T0.replace(day=3)
    )
    rows = deduplicate(spark, landing.lake, spec)
    assert landing.clean("items", "repo, lang, bytes, clean_version") == [
        (1, "C", 1, 2),
        (1, "Rust", 9, 2),
        (2, "C", 5, 1),
    ]
    assert (rows[0].landed_count, rows[0].kept_count, rows[0].superseded_count) == (2, 1, 1)


def test_an_array_is_exploded_and_an_emptied_one_leaves_no_rows(spark, landing):
    columns = {
        "repo": {"type": "bigint", "path": "@repo"},
        "topic": {"type": "string", "path": "$each"},
    }
    table = {
        "key": ["repo"],
        "cursor": "observed_at",
        "explode": {"path": "names", "kind": "array"},
        "columns": columns,
    }
    spec = source(items=table)
    landing.land("items", ({"names": ["a", "b"]}, {"repo": 1}))
    deduplicate(spark, landing.lake, spec)
    landing.land("items", ({"names": []}, {"repo": 1}), at=T0.replace(day=3))
    assert deduplicate(spark, landing.lake, spec)[0].kept_count == 1
    assert landing.clean("items", "repo, topic") == []
    landing.land("items", ({"names": []}, {"repo": 1}), at=T0.replace(day=5))
    assert deduplicate(spark, landing.lake, spec)[0].superseded_count == 1


def test_elements_that_are_objects_are_read_by_key(spark, landing):
    columns = {
        "who": {"type": "string", "path": "author.id|@position"},
        "week": {"type": "bigint", "path": "$each.w", "nullable": False},
        "commits": {"type": "bigint", "path": "$each.c"},
    }
    table = {"key": ["who"], "explode": {"path": "weeks", "kind": "array"}, "columns": columns}
    landing.land(
        "items",
        ({"author": {"id": 5}, "weeks": [{"w": 1, "c": 2}, {"w": 2, "c": 3}]}, {}),
        ({"author": None, "weeks": [{"w": 1, "c": "x"}]}, {"position": "p"}),
        ({"weeks": [{"c": 1}]}, {"position": "q"}),
    )
    deduplicate(spark, landing.lake, source(items=table))
    assert landing.clean("items", "who, week, commits") == [
        ("5", 1, 2),
        ("5", 2, 3),
        ("p", 1, None),
    ]
    assert landing.ledger("items", "quarantine", "reason") == [
        ("`week` of an element is null or of another type",)
    ]
    assert ("$each.c", "type", "bigint", "x", 1) in drift(landing)


def test_blanks_before_the_first_key_do_not_matter_and_single_quotes_are_no_json(spark, landing):
    columns = {"id": {"type": "bigint", "nullable": False}}
    start = " " * 30 + "{" + " \n\t" * 10
    landing.land("items", start + '"id": 1}', start + "'id': 2}", '{"id":3}')
    deduplicate(spark, landing.lake, source(items={"key": ["id"], "columns": columns}))
    assert landing.ledger("items", "quarantine", "reason") == [("the record is not JSON",)]
    assert landing.clean("items", "id") == [(1,), (3,)]


@pytest.mark.parametrize("few_rows", [0, table_run.FEW_ROWS])
def test_rows_are_the_same_whether_they_are_held_in_memory_or_in_a_file(
    spark, landing, monkeypatch, few_rows
):
    monkeypatch.setattr(table_run, "FEW_ROWS", few_rows)
    columns = {"id": {"type": "bigint", "nullable": False}, "name": {"type": "string"}}
    good = [{"id": n % 3, "name": None if n % 2 else f"ä{n}", "new": n} for n in range(9)]
    landing.land("items", *good, "{", {"id": "x"})
    rows = deduplicate(spark, landing.lake, source(items={"key": ["id"], "columns": columns}))
    assert (rows[0].kept_count, rows[0].superseded_count, rows[0].quarantined_count) == (3, 6, 2)
    assert [id for (id,) in landing.clean("items", "id")] == [0, 1, 2]
    assert sorted(landing.ledger("items", "quarantine", "record")) == [("{",), ('{"id": "x"}',)]
    assert drift(landing) == [
        ("id", "type", "bigint", "x", 1),
        ("new", "unknown", None, "0", 9),
    ]


def test_what_no_reader_takes_is_quarantined_alone(spark, landing):
    columns = {"id": {"type": "string", "nullable": False}, "made_at": {"type": "timestamp"}}
    spec = source(items={"key": ["id"], "ignore": ["x"], "columns": columns})
    deep = "[" * 1_100 + "]" * 1_100
    landing.land(
        "items",
        '{"id": 99999999999999999999, "made_at": "2016-12-31T23:59:60Z"}',
        '{"id": 2, "x": NaN}',
        f'{{"id": 3, "x": {deep}}}',
        '{"id": 4, "x": ' + "[" * 100_000,
        '\ufeff{"id": 5}',
        '{"id": 6, "x": "\\ud83d", "made_at": "2024-01"}',
        ({"id": 7}, {"reason": "two records"}),
    )
    deduplicate(spark, landing.lake, spec)
    assert landing.clean("items", "id, made_at") == [
        ("6", None),
        ("99999999999999999999", datetime(2016, 12, 31, 23, 59, 59)),
    ]
    reasons = landing.ledger("items", "quarantine", "reason")
    assert reasons == [("the record is not JSON",)] * 4 + [("two records",)]
