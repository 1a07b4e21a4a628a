"""A build reaches what is new since the last published one, whoever told of it; in doubt everything."""

from __future__ import annotations

import pytest

from trendhouse.settings import Place
from warehouse.selection import built_versions, choose, keep, lake_versions, unreached

MANIFEST = {
    "sources": {
        f"source.t.{source}.{table}": {"source_name": source}
        for source, table in (("github", "issues"), ("endoflife", "cycles"), ("ledger", "entries"))
    },
    "nodes": {key: {} for key in ("issues", "cycles", "both", "check", "bots")},
    "child_map": {
        "source.t.github.issues": ["issues"],
        "source.t.endoflife.cycles": ["cycles"],
        "source.t.ledger.entries": [],
        "issues": ["both"],
        "cycles": ["both"],
        "both": ["check"],
        "bots": ["both"],
    },
}


@pytest.fixture
def place(tmp_path):
    """A world whose marts hold all that its clean lake holds."""
    place = Place(tmp_path)
    for source in ("github", "endoflife"):
        clean(place, source, "first")
    place.warehouse.parent.mkdir()
    place.warehouse.touch()
    keep(place, lake_versions(place))
    return place


def clean(place: Place, source: str, content: str) -> None:
    """A clean table as a deduplication leaves it."""
    path = place.lake.manifest(source, "table")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def chosen(place: Place, *told: str, whole: bool = False):
    return choose(place, told, MANIFEST, whole=whole).sources


def test_what_an_asset_told_of_is_built_and_the_ledger_with_it(place):
    assert chosen(place, "endoflife") == ("endoflife", "ledger")


def test_what_no_event_told_of_is_built_if_the_lake_has_it(place):
    """A build that failed, an event that was lost, a deduplication by hand."""
    clean(place, "github", "second")
    assert chosen(place, "endoflife") == ("endoflife", "github", "ledger")


def test_what_is_published_is_not_built_again(place):
    clean(place, "github", "second")
    keep(place, lake_versions(place))
    assert chosen(place) == ("ledger",)


def test_a_source_without_models_selects_none(place):
    clean(place, "hotels", "first")
    assert chosen(place, "hotels") == ("ledger",)


def test_by_hand_everything_is_built(place):
    assert chosen(place, "endoflife", whole=True) is None


def test_without_a_warehouse_everything_is_built(place):
    place.warehouse.unlink()
    assert chosen(place, "endoflife") is None


def test_snowflake_has_no_file_that_could_be_missing(place, monkeypatch):
    place.warehouse.unlink()
    monkeypatch.setenv("DBT_TARGET", "snowflake")
    assert chosen(place, "endoflife") == ("endoflife", "ledger")


def test_where_nobody_knows_what_the_marts_hold_everything_is_built(place):
    place.warehouse.with_name("built.json").unlink()
    assert built_versions(place) is None
    assert chosen(place, "endoflife") is None


def test_a_selection_is_told_to_dbt_source_by_source(place):
    assert (
        choose(place, ["github"], MANIFEST, whole=False).select == "source:github+ source:ledger+"
    )
    assert choose(place, [], MANIFEST, whole=True).select is None


def test_a_node_below_any_chosen_source_is_reached_and_a_seed_is_not():
    assert unreached(MANIFEST, ("endoflife", "ledger")) == {"issues", "bots"}
    assert unreached(MANIFEST, ("github",)) == {"cycles", "bots"}
    assert unreached(MANIFEST, ()) == set(MANIFEST["nodes"])
