"""A partition below its floor shows what it held when the floor was last met; what came since waits."""

from datetime import timedelta

import pytest

from spark.jobs.deduplicate import deduplicate
from tests.spark.conftest import T0, source
from trendhouse.declared.sources import READINGS, SourceSpec
from trendhouse.lake.manifest import read_manifest
from trendhouse.lake.retain import retain

LIST = {
    "key": ["id"],
    "cursor": "observed_at",
    "endpoint": {"path": "items", "paging": "link"},
    "floor": {"capture_rate": 0.9},
    "columns": {
        "id": {"type": "bigint", "nullable": False},
        "title": {"type": "string"},
        "size": {"type": "bigint", "nullable": False},
    },
}


def lists(rate: float = 0.9, **columns: dict) -> SourceSpec:
    """A source with one list that is held to a floor, and its readings."""
    declared = {**LIST, "floor": {"capture_rate": rate}, "columns": {**LIST["columns"], **columns}}
    spec = source(items=declared)
    return spec.model_copy(update={"tables": {**spec.tables, "readings": READINGS}})


class Upstream:
    """Lands items of a partition, and what upstream says it holds."""

    def __init__(self, landing) -> None:
        self.landing = landing
        self.day = 0

    def land(
        self, *ids: int, said: int | None, title: str = "first", partition: str = "p", size=1
    ) -> None:
        self.day += 1
        at, load = T0 + timedelta(days=self.day), f"{self.day}"
        named = {"at": at, "load": load, "partition": partition}
        if ids:
            items = [{"id": number, "title": title, "size": size} for number in ids]
            self.landing.land("items", *items, **named)
        if said is not None:
            record = {"stream_name": "items", "partition_name": partition, "expected_count": said}
            self.landing.land("readings", {**record, "method": "counted"}, **named)

    def shown(self) -> list[tuple]:
        return self.landing.clean("items", "id, title")


@pytest.fixture
def upstream(landing) -> Upstream:
    return Upstream(landing)


def captures(landing) -> list[tuple]:
    columns = "partition_name, expected_count, captured_count, is_below_floor, clean_version"
    return [
        row[:4] for row in sorted(landing.ledger("items", "captures", columns), key=lambda r: r[4])
    ]


def counted(landing) -> tuple[int, ...]:
    """Rows landed, kept, superseded, quarantined and waiting in all runs together."""
    names = ("landed", "kept", "superseded", "quarantined", "waiting")
    sums = ", ".join(f"cast(sum({name}_count) as bigint)" for name in names)
    return landing.ledger("items", "reconciliations", sums)[0]


def test_what_is_below_its_floor_waits_and_its_neighbour_is_shown(spark, landing, upstream):
    upstream.land(1, 2, 3, said=10)
    upstream.land(11, 12, said=2, partition="q")
    deduplicate(spark, landing.lake, lists())
    assert upstream.shown() == [(11, "first"), (12, "first")]
    assert captures(landing) == [("p", 10, 3, True), ("q", 2, 2, False)]
    assert counted(landing) == (5, 2, 0, 0, 3)

    upstream.land(*range(4, 11), said=10)
    deduplicate(spark, landing.lake, lists())
    assert [number for number, _ in upstream.shown()] == [*range(1, 13)]
    assert counted(landing) == (12, 12, 0, 0, 0)


def test_a_partition_shows_what_it_held_when_its_floor_was_last_met(spark, landing, upstream):
    upstream.land(1, 2, said=2)
    deduplicate(spark, landing.lake, lists())
    upstream.land(1, 3, said=9, title="second")
    deduplicate(spark, landing.lake, lists())
    assert upstream.shown() == [(1, "first"), (2, "first")]
    upstream.land(4, said=None)  # a row without a reading lifts nothing
    deduplicate(spark, landing.lake, lists())
    assert upstream.shown() == [(1, "first"), (2, "first")]
    upstream.land(said=4)  # upstream really holds fewer: what waited is shown, without a new row
    deduplicate(spark, landing.lake, lists())
    assert upstream.shown() == [(1, "second"), (2, "first"), (3, "second"), (4, "first")]
    assert captures(landing)[-1] == ("p", 4, 4, False)


def test_several_landings_in_one_run_give_the_same(spark, landing, upstream):
    upstream.land(1, 2, said=2)
    upstream.land(1, 3, said=9, title="second")
    deduplicate(spark, landing.lake, lists())
    assert upstream.shown() == [(1, "first"), (2, "first")]
    assert captures(landing) == [("p", 2, 2, False), ("p", 9, 3, True)]


def test_another_floor_and_another_declaration_look_at_what_waits_again(spark, landing, upstream):
    upstream.land(1, 2, said=2)
    deduplicate(spark, landing.lake, lists())
    upstream.land(3, said=5, title="late")
    deduplicate(spark, landing.lake, lists())
    rest = {"note": {"type": "string"}}
    deduplicate(spark, landing.lake, lists(**rest))
    assert [number for number, _ in upstream.shown()] == [1, 2]
    retain(landing.lake, lists(), days=1, now=T0 + timedelta(days=90))
    deduplicate(spark, landing.lake, lists(rate=0.5, **rest))
    assert [number for number, _ in upstream.shown()] == [1, 2, 3]
    assert not read_manifest(landing.lake, "shop", "items").waiting


def test_one_odd_record_holds_nothing_back(spark, landing, upstream):
    upstream.land(1, 2, 3, said=4)
    landing.land("items", {"id": 4, "size": "many"}, load="1b")
    deduplicate(spark, landing.lake, lists())
    assert [number for number, _ in upstream.shown()] == [1, 2, 3]
    assert captures(landing) == [("p", 4, 3, False)]
    assert counted(landing) == (4, 3, 0, 1, 0)
