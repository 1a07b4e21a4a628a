"""The marts' suites: each promise that is broken fails loudly, on the data where it lies."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode
from datetime import date, datetime

import pytest

from expectations.check import check_marts
from expectations.marts.opensource import SUITES
from handbook import checks
from trendhouse.declared.marts import contracts, periods
from trendhouse.verdicts import Verdicts, marts_path, results_of, state_of

HOUR = datetime(2026, 1, 1, 5)
DAY = date(2026, 1, 1)


@pytest.fixture
def check(warehouse, data_docs):
    return lambda: check_marts(warehouse.path, "opensource", data_docs)


def broken(check) -> str:
    lines = check().broken
    assert lines, "every promise was kept"
    return "\n".join(lines)


def test_a_broken_promise_stands_on_the_page_of_the_last_checks(warehouse, check, data_docs):
    warehouse.insert("products", release_count=-7)
    lines = broken(check).splitlines()
    page = checks.write(results_of(data_docs))
    assert f"{len(SUITES)} suites, {len(lines)} broken promises" in page
    assert page.count("| **no** |") == 1
    told = [line.removesuffix("; not published") for line in lines]
    assert all(f"- {line}" in page.replace("&lt;", "<") for line in told) and told


def test_every_mart_has_a_suite(warehouse):
    assert set(SUITES) == contracts().keys()


def test_empty_marts_hold_and_the_pages_are_written(check, data_docs):
    report = check()
    assert report.suites == len(SUITES) and not report.broken
    assert "marts.opensource.products" in (data_docs / "index.html").read_text()


def test_a_missing_key_names_suite_and_column(warehouse, check):
    warehouse.insert("products", latest_version="1.0")
    said = broken(check)
    assert (
        "marts.opensource.products: expect_column_values_to_not_be_null (column product_name)"
        in said
    )


def test_two_rows_of_a_key_are_shown(warehouse, check):
    for _ in range(2):
        warehouse.insert("languages", repository_id="7", language_name="Python", byte_share=0.5)
    said = broken(check)
    assert (
        "marts.opensource.languages" in said and "one row per repository_id, language_name" in said
    )
    assert "'repository_id': '7'" in said and "'row_count': '2'" in said


def test_a_value_outside_its_set_is_shown(warehouse, check):
    warehouse.insert(
        "repositories_daily",
        repository_id="7",
        calendar="Mars",
        observed_date=DAY,
        origin="api",
        clean_version=1,
    )
    said = broken(check)
    assert (
        "marts.opensource.repositories_daily" in said
        and "column calendar" in said
        and "'Mars'" in said
    )


def test_a_number_out_of_range_is_shown(warehouse, check):
    warehouse.insert(
        "repositories_daily",
        repository_id="7",
        calendar="UTC",
        observed_date=DAY,
        origin="api",
        star_count=-5,
        clean_version=1,
    )
    said = broken(check)
    assert "column star_count" in said and "-5" in said


def test_a_ledger_that_does_not_add_up_is_told_in_words(warehouse, check):
    warehouse.insert(
        "completeness",
        source_name="github",
        stream_name="issues",
        partition_name="7",
        observed_date=DAY,
        landed_count=10,
        kept_count=8,
        superseded_count=1,
        quarantined_count=0,
        waiting_count=0,
        clean_version=1,
    )
    said = broken(check)
    assert (
        "rows in are rows kept, superseded, quarantined or waiting" in said
        and "'landed_count': '10'" in said
    )


def test_a_column_that_readers_rely_on_must_be_there(warehouse, check):
    warehouse.sql("alter table marts.products drop column latest_version")
    said = broken(check)
    assert (
        "marts.opensource.products: expect_table_columns_to_match_set" in said
        and "latest_version" in said
    )


def test_a_mart_that_is_missing_fails(warehouse, check):
    warehouse.sql("drop table marts.topics")
    assert "marts.opensource.topics" in broken(check)


def test_only_periods_that_changed_are_looked_at_again(warehouse, check):
    event = {
        "repository_id": "7",
        "event_type": "PushEvent",
        "event_count": 1,
        "event_without_bots_count": 1,
    }
    warehouse.insert("events_hourly", **event, event_hour=HOUR, clean_version=1)
    check()
    assert check().unchanged == len(periods("opensource"))
    # What breaks in a period without new rows is not seen, what breaks beside a new row is.
    warehouse.insert(
        "events_hourly",
        **{**event, "event_count": -1, "event_without_bots_count": -1},
        event_hour=datetime(2025, 1, 1),
        clean_version=1,
    )
    check()
    warehouse.insert("events_hourly", **event, event_hour=datetime(2025, 1, 2), clean_version=2)
    assert "column event_count" in broken(check)


def test_a_mart_that_broke_is_looked_at_until_it_holds(warehouse, check):
    event = {
        "repository_id": "7",
        "event_type": "PushEvent",
        "event_without_bots_count": 0,
        "event_hour": HOUR,
    }
    warehouse.insert("events_hourly", **event, event_count=0, clean_version=1)
    broken(check)
    assert "column event_count" in broken(check)
    warehouse.sql("update marts.events_hourly set event_count = 1")
    assert check().broken == []


def test_the_verdict_is_about_this_very_warehouse(warehouse, check):
    check()
    verdicts = Verdicts(marts_path(warehouse.path, "opensource"))
    assert verdicts.about == state_of(warehouse.path) and verdicts.failed == []
    warehouse.insert("topics", topic_name="x")
    assert verdicts.about != state_of(warehouse.path)
    broken(check)
    assert Verdicts(marts_path(warehouse.path, "opensource")).failed == ["marts.opensource.topics"]


def test_the_warehouse_is_only_read(warehouse, check):
    before = state_of(warehouse.path)
    check()
    assert state_of(warehouse.path) == before


def test_the_warehouse_is_free_for_writers_afterwards(warehouse, check):
    check()
    command = "import duckdb, sys; duckdb.connect(sys.argv[1])"
    writer = subprocess.run([sys.executable, "-c", command, warehouse.path], capture_output=True)
    assert writer.returncode == 0, writer.stderr.decode()


def test_snowflake_is_asked_natively_when_it_is_the_target(tmp_path, monkeypatch):
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_der_private_key,
    )
    from great_expectations.datasource.fluent import SnowflakeDatasource

    from expectations.context import Checks
    from expectations.warehouse import data_source

    monkeypatch.setattr(SnowflakeDatasource, "test_connection", lambda self, test_assets=True: None)
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = tmp_path / "key.p8"
    key.write_bytes(private.private_bytes(*form))
    for name, value in {
        "ACCOUNT": "org-account",
        "USER": "u",
        "ROLE": "r",
        "WAREHOUSE": "w",
        "DATABASE": "d",
        "PRIVATE_KEY_PATH": str(key),
    }.items():
        monkeypatch.setenv(f"SNOWFLAKE_{name}", value)
    monkeypatch.setenv("DBT_TARGET", "snowflake")
    source = data_source(Checks(tmp_path / "docs").context, tmp_path / "none.duckdb")
    assert (source.type, source.schema_, source.database) == ("snowflake", "marts", "d")
    given = source.kwargs["connect_args"]
    assert given["session_parameters"]["TIMEZONE"] == "UTC" and "password" not in given
    handed_over = load_der_private_key(b64decode(source.private_key), None)
    assert handed_over.private_numbers() == private.private_numbers()


def many_products(warehouse, count: int, odd: int) -> None:
    warehouse.sql(
        "insert into marts.products (product_name, release_count, repository_count) "
        f"select 'p' || n, case when n < {odd} then -1 else 1 end, 1 from range({count}) as r(n)"
    )


def verdicts_of(warehouse) -> Verdicts:
    return Verdicts(marts_path(warehouse.path, "opensource"))


def test_one_odd_row_in_a_thousand_is_told_and_keeps_nothing_back(warehouse, check):
    many_products(warehouse, 1000, odd=1)
    (line,) = check().broken
    assert "column release_count" in line and line.endswith("at most 0.1% of the rows: published")
    verdicts = verdicts_of(warehouse)
    assert (verdicts.told, verdicts.refused, verdicts.failed) == ([line], {}, [])


def test_more_odd_rows_than_one_in_a_thousand_keep_their_mart_back_alone(warehouse, check):
    many_products(warehouse, 1999, odd=2)
    (line,) = check().broken
    assert line.endswith("; not published")
    assert verdicts_of(warehouse).refused == {"products": [line]}


def test_a_key_that_stands_twice_keeps_its_mart_back_however_large_it_is(warehouse, check):
    many_products(warehouse, 5000, odd=0)
    many_products(warehouse, 1, odd=0)
    (line,) = check().broken
    assert "one row per product_name" in line and line.endswith("; not published")


def test_rows_that_break_a_sentence_are_counted_like_all_others(warehouse, check):
    warehouse.sql(
        "insert into marts.pull_requests (pull_request_id, repository_id, state, is_merged, is_open, "
        "created_at, clean_version) select n, '1', 'open', true, n = 0, timestamp '2026-01-01', 1 "
        "from range(1000) as r(n)"
    )
    (line,) = check().broken
    assert "what is merged is closed" in line and line.endswith("published")
    # Odd rows of former periods count as well: the mart is looked at whole until it holds.
    warehouse.sql(
        "insert into marts.pull_requests (pull_request_id, repository_id, state, is_merged, is_open, "
        "created_at, clean_version) values ('x', '1', 'open', true, true, timestamp '2025-01-01', 2)"
    )
    (line,) = check().broken
    assert "(2 rows)" in line and line.endswith("; not published")


def test_an_event_without_a_repository_breaks_no_promise(warehouse, check):
    warehouse.insert(
        "events_hourly",
        event_type="GistEvent",
        event_count=1,
        event_without_bots_count=1,
        event_hour=HOUR,
        clean_version=1,
    )
    assert check().broken == []


def test_what_dbt_tests_for_null_is_a_promise_to_readers():
    columns = {each.column for each in SUITES["tags"].expectations if hasattr(each, "column")}
    assert {"repository_id", "tag_name", "commit_id"} <= columns
