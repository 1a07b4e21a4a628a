"""A row that breaks what its table declares goes to quarantine, with its column, value and promise."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from spark.jobs.deduplicate import deduplicate
from tests.spark.conftest import T0, Landing, source
from trendhouse.declared.sources import load_spec
from trendhouse.lake.manifest import declaration
from trendhouse.lake.retain import retain

COLUMNS = {
    "id": {"type": "bigint", "nullable": False},
    "stars": {"type": "bigint", "min": 0, "max": 9},
    "share": {"type": "double", "min": 0.5},
    "day": {"type": "date", "max": date(2100, 1, 1)},
    "name": {"type": "string", "pattern": r"^[^/\s]+/[^/\s]+$"},
    "kind": {"type": "string", "one_of": ["flat", "nested"]},
    "all": {"type": "bigint"},
    "open": {"type": "bigint"},
}
TABLE: dict = {"key": ["id"], "columns": COLUMNS, "rules": ["all >= open"]}


def quarantined(landing, table="items") -> list[str]:
    return [reason for (reason,) in landing.ledger(table, "quarantine", "reason")]


def test_each_kind_of_promise_quarantines_the_row_that_breaks_it_and_no_other(spark, landing):
    kept = {"stars": 0, "share": 0.5, "day": "2100-01-01", "name": "a/b", "kind": "flat"}
    landing.land(
        "items",
        {"id": 1, **kept, "all": 2, "open": 2},
        {"id": 2},
        {"id": 3, "stars": 9, "open": 5},
        {"id": 4, "stars": -5},
        {"id": 5, "stars": 10},
        {"id": 6, "share": 0.25},
        {"id": 7, "day": "2100-01-02"},
        {"id": 8, "name": "no slash"},
        {"id": 9, "kind": "round"},
        {"id": 10, "all": 1, "open": 2},
        {"id": 11, "stars": "many"},
    )
    deduplicate(spark, landing.lake, source(items=dict(TABLE)))
    assert landing.clean("items", "id") == [(1,), (2,), (3,), (11,)]
    assert quarantined(landing) == [
        "`all` must not be less than `open`: `1` and `2`",
        "`day` must be at most 2100-01-01: `2100-01-02`",
        "`kind` must be one of flat, nested: `round`",
        r"`name` must match ^[^/\s]+/[^/\s]+$: `no slash`",
        "`share` must be at least 0.5: `0.25`",
        "`stars` must be at least 0: `-5`",
        "`stars` must be at most 9: `10`",
    ]


def test_a_row_that_breaks_a_promise_leaves_the_one_that_kept_it(spark, landing):
    spec = source(items={**TABLE, "cursor": "observed_at"})
    landing.land("items", {"id": 1, "stars": 3})
    deduplicate(spark, landing.lake, spec)
    landing.land("items", {"id": 1, "stars": -3})
    rows = deduplicate(spark, landing.lake, spec)
    assert rows[0].quarantined_count == 1
    assert landing.clean("items", "id, stars") == [(1, 3)]


def test_an_element_that_breaks_a_promise_quarantines_its_record(spark, landing):
    table = {
        "key": ["repo"],
        "explode": {"path": "weeks", "kind": "array"},
        "rules": ["total >= commits"],
        "columns": {
            "repo": {"type": "bigint"},
            "total": {"type": "bigint"},
            "commits": {"type": "bigint", "path": "$each.c", "min": 0},
        },
    }
    landing.land(
        "items",
        {"repo": 1, "total": 5, "weeks": [{"c": 0}, {"c": 5}]},
        {"repo": 2, "total": 5, "weeks": [{"c": 1}, {"c": -1}, {"c": -2}]},
        {"repo": 3, "total": 5, "weeks": [{"c": 1}, {"c": 6}]},
        {"repo": 4, "total": 5, "weeks": []},
    )
    deduplicate(spark, landing.lake, source(items=table))
    assert landing.clean("items", "repo, commits") == [(1, 0), (1, 5)]
    assert quarantined(landing) == [
        "`commits` must be at least 0: `-2`",
        "`total` must not be less than `commits`: `5` and `6`",
    ]


def test_another_promise_is_another_declaration_and_reads_the_records_again(spark, landing):
    loose = {**COLUMNS, "stars": {"type": "bigint"}}
    landing.land("items", {"id": 1, "stars": -5}, {"id": 2, "stars": 5})
    deduplicate(spark, landing.lake, source(items={**TABLE, "columns": loose}))
    assert len(landing.clean("items")) == 2
    deduplicate(spark, landing.lake, source(items=dict(TABLE)))
    assert landing.clean("items", "id") == [(2,)]
    assert quarantined(landing) == ["`stars` must be at least 0: `-5`"]
    unruled = source(items={**TABLE, "rules": []}).tables["items"]
    assert declaration(unruled) != declaration(source(items=dict(TABLE)).tables["items"])


def test_a_row_whose_record_is_gone_does_not_outlive_a_promise_that_it_breaks(spark, landing):
    loose = source(items={**TABLE, "columns": {**COLUMNS, "stars": {"type": "bigint"}}})
    landing.land("items", {"id": 1, "stars": -5}, {"id": 2, "stars": 5})
    deduplicate(spark, landing.lake, loose)
    assert retain(landing.lake, loose, days=2, now=T0 + timedelta(days=4))
    deduplicate(spark, landing.lake, source(items=dict(TABLE)))
    assert landing.clean("items", "id") == [(2,)]


@pytest.fixture
def deduplicated(spark, landing):
    """Land records of one table of a real source; what is clean, and why the others are not."""

    def run(name: str, table: str, columns: str, *rows):
        spec = load_spec(name)
        spec = spec.model_copy(update={"tables": {table: spec.tables[table]}})
        real = Landing(landing.lake, name)
        real.land(table, *rows)
        deduplicate(spark, landing.lake, spec)
        return real.clean(table, columns), quarantined(real, table)

    return run


def test_a_repository_with_minus_five_stars_is_quarantined(deduplicated):
    good = {"id": 1, "full_name": "pallets/flask", "stargazers_count": 5}
    # Another kind of account is upstream's to invent: it is no fault of the repository.
    new_kind = {**good, "id": 3, "owner": {"type": "Swarm"}}
    rows, said = deduplicated(
        "github", "repositories", "id", good, {**good, "id": 2, "stargazers_count": -5}, new_kind
    )
    assert rows == [(1,), (3,)]
    assert said == ["`stargazers_count` must be at least 0: `-5`"]


def test_a_version_released_after_2100_is_quarantined(deduplicated):
    context = {"product": "python", "product_name": "python", "file_format": "nested"}
    rows, said = deduplicated(
        *("endoflife", "release_dates", "version, released_on"),
        ({"date": "2026-10-01"}, {**context, "version": "3.15.0"}),
        ({"date": "2206-10-01"}, {**context, "version": "3.16.0"}),
    )
    assert rows == [("3.15.0", date(2026, 10, 1))]
    assert said == ["`released_on` must be at most 2100-01-01: `2206-10-01`"]


def test_odd_dates_of_commits_are_kept(deduplicated):
    dates = ["1970-01-01T00:00:00Z", "2099-12-31T23:59:59Z", "2106-02-07T06:28:15Z"]
    commits = [
        ({"sha": f"{n:040x}", "commit": {"author": {"date": at}}}, {"repository_id": 1})
        for n, at in enumerate(dates)
    ]
    rows, said = deduplicated("github", "commits", "sha", *commits)
    assert len(rows) == 3 and said == []


def test_an_event_with_an_id_above_bigint_is_an_event_without_a_repository(deduplicated):
    event = {"type": "PushEvent", "created_at": "2026-01-01T00:00:00Z", "repo": {"id": 7}}
    huge = 2**63
    rows, said = deduplicated(
        *("gharchive", "events", "event_id, repository_id"),
        {"id": "1", **event},
        {"id": str(huge), **event},
        {"id": "3", **event, "repo": {"id": huge}},
    )
    assert rows == [("1", 7), ("3", None), (str(huge), 7)]
    assert said == []


def test_a_ranking_with_an_odd_address_is_quarantined(deduplicated):
    line = {"item": "top-100-stars", "stars": 5, "forks": 1}
    day = {"ranking_date": "2026-01-01"}
    rows, said = deduplicated(
        *("github_ranking", "rankings", "list_rank"),
        ({**line, "rank": 1, "repo_url": "https://github.com/vuejs/vue"}, day),
        ({**line, "rank": 2, "repo_url": "vuejs/vue"}, day),
    )
    assert rows == [(1,)]
    (reason,) = said
    assert reason.startswith("`repo_url` must match ^https://") and reason.endswith(": `vuejs/vue`")
