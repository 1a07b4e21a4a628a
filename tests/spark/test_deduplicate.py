"""Which row wins, what is superseded, what is quarantined, and that every row is accounted for."""

from datetime import UTC, datetime, timedelta

import pytest

from spark.jobs.deduplicate import deduplicate
from tests.spark.conftest import T0, source
from trendhouse.lake.ledger import ReconciliationError, reconcile
from trendhouse.lake.manifest import read_manifest

ITEM = {
    "key": ["id"],
    "cursor": "updated_at",
    "partition": {"column": "created_at", "by": "year"},
    "columns": {
        "id": {"type": "bigint", "nullable": False},
        "title": {"type": "string"},
        "owner_id": {"type": "bigint", "path": "owner.id"},
        "created_at": {"type": "timestamp", "nullable": False},
        "updated_at": {"type": "timestamp"},
    },
}
STATE = {
    "key": ["id"],
    "cursor": "observed_at",
    "columns": {"id": {"type": "bigint"}, "state": {"type": "string"}},
}


def item(
    number: int, title: str, updated: str | None = "2026-01-01T00:00:00Z", year: int = 2020
) -> dict:
    return {
        "id": number,
        "title": title,
        "created_at": f"{year}-05-01T00:00:00Z",
        "updated_at": updated,
    }


def day(n: int) -> datetime:
    return T0 + timedelta(days=n)


def totals(rows) -> dict[str, int]:
    names = ("landed", "kept", "inserted", "superseded", "quarantined")
    return {name: sum(getattr(row, f"{name}_count") for row in rows) for name in names}


def test_the_highest_cursor_wins_and_a_null_cursor_loses(spark, landing):
    landing.land(
        "items",
        item(1, "new", "2026-01-02T00:00:00Z"),
        item(1, "old"),
        item(1, "none", None),
        at=day(1),
    )
    landing.land("items", item(2, "none", None), item(2, "some", "2020-01-01T00:00:00Z"), at=day(0))
    rows = deduplicate(spark, landing.lake, source(items=dict(ITEM)))
    assert landing.clean("items", "id, title") == [(1, "new"), (2, "some")]
    assert totals(rows) == {
        "landed": 5,
        "kept": 2,
        "inserted": 2,
        "superseded": 3,
        "quarantined": 0,
    }


def test_a_later_fetch_then_a_later_load_break_a_tie(spark, landing):
    landing.land("items", item(1, "later fetch"), at=day(1), load="a")
    landing.land("items", item(1, "earlier fetch"), at=day(0), load="z")
    landing.land("items", item(2, "first load"), at=day(0), load="b")
    landing.land("items", item(2, "second load"), at=day(0), load="c")
    deduplicate(spark, landing.lake, source(items=dict(ITEM)))
    assert landing.clean("items", "id, title") == [(1, "later fetch"), (2, "second load")]


def test_the_winner_does_not_depend_on_the_order_of_runs(spark, landing):
    spec = source(items=dict(ITEM))
    landing.land("items", item(1, "middle", "2026-01-02T00:00:00Z"))
    deduplicate(spark, landing.lake, spec)
    landing.land("items", item(1, "late but old", "2026-01-01T00:00:00Z"), at=day(5))
    rows = deduplicate(spark, landing.lake, spec)
    assert totals(rows) == {
        "landed": 1,
        "kept": 0,
        "inserted": 0,
        "superseded": 1,
        "quarantined": 0,
    }
    landing.land("items", item(1, "newest", "2026-01-03T00:00:00Z"), at=day(1))
    rows = deduplicate(spark, landing.lake, spec)
    assert totals(rows) == {
        "landed": 1,
        "kept": 1,
        "inserted": 0,
        "superseded": 0,
        "quarantined": 0,
    }
    assert landing.clean("items", "title, clean_version") == [("newest", 3)]


def test_landing_the_same_again_leaves_the_held_row_untouched(spark, landing):
    spec = source(states=dict(STATE))
    landing.land("states", {"id": 1, "state": "open"}, at=day(0))
    deduplicate(spark, landing.lake, spec)
    before = landing.clean("states"), landing.lake.clean_files("shop", "states")
    landing.land("states", {"id": 1, "state": "open"}, at=day(2))
    rows = deduplicate(spark, landing.lake, spec)
    assert totals(rows)["superseded"] == 1
    assert (landing.clean("states"), landing.lake.clean_files("shop", "states")) == before


def test_a_late_arrival_cannot_undo_what_was_confirmed_after_it(spark, landing):
    spec = source(states=dict(STATE))
    for at, state in ((day(0), "open"), (day(4), "open"), (day(2), "closed")):
        landing.land("states", {"id": 1, "state": state}, at=at)
        deduplicate(spark, landing.lake, spec)
    assert landing.clean("states", "state, clean_version") == [("open", 1)]
    landing.land("states", {"id": 1, "state": "closed"}, at=day(6))
    deduplicate(spark, landing.lake, spec)
    assert landing.clean("states", "state, clean_version") == [("closed", 4)]


def test_a_counter_stream_keeps_one_row_per_key_and_moment(spark, landing):
    spec = source(states={**STATE, "key": ["id", "observed_at"]})
    for n in range(3):
        landing.land("states", {"id": 1, "state": "open"}, at=day(n))
    landing.land("states", {"id": 1, "state": "open"}, at=day(3), seen=day(2))
    deduplicate(spark, landing.lake, spec)
    assert landing.clean("states", "observed_at::date::varchar") == [
        ("2026-01-01",),
        ("2026-01-02",),
        ("2026-01-03",),
    ]


def test_rows_that_cannot_be_read_go_to_quarantine_with_the_reason(spark, landing):
    landing.land(
        "items",
        "not json at all",
        '{"id": 1, "title": "cut of',
        {"title": "no key"},
        {**item(2, "x"), "created_at": "soon"},
        (item(3, "x"), {"reason": "the connector says no"}),
        item(4, "good"),
    )
    rows = deduplicate(spark, landing.lake, source(items=dict(ITEM)))
    assert totals(rows) == {
        "landed": 6,
        "kept": 1,
        "inserted": 1,
        "superseded": 0,
        "quarantined": 5,
    }
    reasons = [reason for (reason,) in landing.ledger("items", "quarantine", "reason")]
    assert reasons == sorted(
        [
            "`created_at` must not be null: `soon` is no timestamp",
            "`id` must not be null: the record has no value",
            "the connector says no",
            "the record is not JSON",
            "the record is not JSON",
        ]
    )


def test_a_quarantined_row_never_wins(spark, landing):
    bad = {**item(1, "bad", "2027-01-01T00:00:00Z"), "created_at": None}
    landing.land("items", item(1, "good"), bad)
    deduplicate(spark, landing.lake, source(items=dict(ITEM)))
    assert landing.clean("items", "title") == [("good",)]


def test_only_partitions_that_new_rows_touch_are_rewritten(spark, landing):
    spec = source(items=dict(ITEM))
    landing.land("items", item(1, "a", year=2020), item(2, "b", year=2021), item(3, "c", year=2022))
    deduplicate(spark, landing.lake, spec)
    before = {p: p.stat().st_mtime_ns for p in landing.lake.clean_files("shop", "items")}
    landing.land("items", item(2, "changed", "2026-03-01T00:00:00Z", year=2021), at=day(1))
    deduplicate(spark, landing.lake, spec)
    after = {p: p.stat().st_mtime_ns for p in landing.lake.clean_files("shop", "items")}
    same = set(before.items()) & set(after.items())
    assert sorted(path.parent.name for path, _ in same) == ["2020", "2022"]
    assert sorted(p.parent.name for p in after) == ["2020", "2021", "2022"]
    assert landing.clean("items", "id, clean_version") == [(1, 1), (2, 2), (3, 1)]


def test_a_table_without_data_has_its_types(spark, landing):
    deduplicate(spark, landing.lake, source(items=dict(ITEM)))
    assert landing.clean("items") == []
    landing.land("items", item(1, "a"))
    deduplicate(spark, landing.lake, source(items=dict(ITEM)))
    assert landing.clean("items", "id, typeof(created_at), typeof(collected_at)") == [
        (1, "TIMESTAMP", "TIMESTAMP")
    ]


def test_another_declaration_reads_every_record_again(spark, landing):
    landing.land("items", {**item(1, "a"), "rank": 7})
    deduplicate(spark, landing.lake, source(items=dict(ITEM)))
    wider = {**ITEM, "columns": {**ITEM["columns"], "rank": {"type": "bigint"}}}
    deduplicate(spark, landing.lake, source(items=wider))
    assert landing.clean("items", "id, rank, clean_version") == [(1, 7, 2)]
    assert landing.ledger("items", "reconciliations", "sum(landed_count), sum(inserted_count)") == [
        (1, 1)
    ]


def test_rows_that_do_not_add_up_are_refused_by_name(spark, landing):
    from collections import Counter

    group = ("p", T0.date())
    with pytest.raises(
        ReconciliationError, match=r"shop\.items: p on 2026-01-01: landed 3 != kept 1"
    ):
        reconcile(
            "shop",
            "items",
            Counter({group: 3}),
            {group: Counter(kept=1, superseded=1)},
            Counter(),
            1,
        )


def test_a_lost_row_stops_the_commit(spark, landing, monkeypatch):
    from trendhouse.lake import ledger

    landing.land("items", item(1, "a"))
    real = ledger.count_landed
    monkeypatch.setattr(ledger, "count_landed", lambda files: real(files) + real(files))
    with pytest.raises(ReconciliationError, match="landed 2 != kept 1"):
        deduplicate(spark, landing.lake, source(items=dict(ITEM)))
    assert landing.lake.clean_files("shop", "items") == []


def test_many_ledger_files_become_one(spark, landing, monkeypatch):
    from trendhouse.lake import ledger

    monkeypatch.setattr(ledger, "MOST_FILES", 2)
    spec = source(states=dict(STATE))
    for n in range(4):
        landing.land("states", {"id": n, "state": "open"}, at=day(n))
        deduplicate(spark, landing.lake, spec)
    files = read_manifest(landing.lake, "shop", "states").ledger["reconciliations"]
    assert len(files) == 2
    assert landing.ledger("states", "reconciliations", "count(*), sum(inserted_count)") == [(4, 4)]


def test_times_are_utc_whatever_the_zone_of_the_record(spark, landing):
    texts = [
        "2011-02-12T00:00:00-08:00",
        "2011/02/12 00:00:00 -0800",
        1297497600,
        "2011-02-12T08:00:00Z",
    ]
    landing.land("items", *({**item(n, "t"), "created_at": text} for n, text in enumerate(texts)))
    deduplicate(spark, landing.lake, source(items=dict(ITEM)))
    assert landing.clean("items", "distinct created_at") == [
        (datetime(2011, 2, 12, 8, tzinfo=UTC).replace(tzinfo=None),)
    ]
