"""Half a file of every kind: told with its remedy by whoever meets it, and mended from the layer below."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.errors import told
from cli.main import app
from orchestration.display import errors
from orchestration.pieces import Way, broken_pieces
from tests.published_marts import differences
from tests.sample_home import Home

# By kind: one file of it, what mends it, and whether readers of the published marts meet it.
KINDS = {
    "published file": ("published/products/all/*.parquet", Way.publish, True),
    "pointer": ("published/CURRENT.json", Way.pointer, True),
    "version": ("published/versions/*.json", Way.aside, False),
    "clock": ("world.json", Way.world, True),
    "run record": ("runs/*.json", Way.aside, True),
    "landing": ("landings/github.json", Way.aside, False),
    "warehouse": ("warehouse/warehouse.duckdb", Way.warehouse, False),
    "schema": ("warehouse/schema.json", Way.aside, False),
    "verdicts": ("warehouse/checked_opensource.json", Way.aside, True),
    "clean verdicts": ("lake/clean/github/_checked.json", Way.aside, True),
    "manifest": ("lake/clean/endoflife/release_cycles/_manifest.json", Way.table, False),
    "clean file": ("lake/clean/endoflife/release_dates/[!_]*/*.parquet", Way.table, False),
    "ledger": ("lake/clean/endoflife/readings/_ledger/reconciliations*.parquet", Way.table, False),
    "raw file": ("lake/raw/endoflife/release_dates/*/*/*/*.parquet", Way.hand, False),
    "cursors": ("dlt/github/state.json", Way.aside, False),
}
# Raw and cursors aside, of which the first has nothing below it and the second says nothing of rows.
MENDED = [kind for kind in KINDS if kind not in ("raw file", "cursors", "pointer", "version")]


def halve(home: Home, kind: str) -> Path:
    """Cut a file of this kind in half; the file."""
    path = sorted(home.place.root.glob(KINDS[kind][0]))[0]
    os.truncate(path, path.stat().st_size // 2)
    return path


@pytest.fixture
def home(sample_home, tmp_path, monkeypatch) -> Home:
    copied = sample_home.copy(tmp_path / "home")
    for name, value in copied.environment.items():
        monkeypatch.setenv(name, value)
    return copied


def run(*arguments: str) -> int:
    """The exit code of a command in this process; whatever is no known error is raised."""
    try:
        with told(errors):
            result = CliRunner().invoke(app, list(arguments))
            if result.exception and not isinstance(result.exception, SystemExit):
                raise result.exception
    except SystemExit as end:
        return end.code
    return result.exit_code


def test_a_whole_home_has_nothing_to_repair(home):
    assert list(broken_pieces(home.place, deep=True)) == []
    assert run("repair", "--check") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_file_is_named_with_what_mends_it_and_never_shown_as_a_bug(home, kind, capfd):
    path = halve(home, kind)
    _, way, is_met = KINDS[kind]
    found = list(broken_pieces(home.place, deep=True))
    assert [each.way for each in found] == [way]
    assert found[0].path == path or found[0].path in path.parents
    codes = {run("status"), run("query", "select count(*) from products"), run("rollback")}
    assert (1 in codes) is is_met
    assert run("repair", "--check") == 1
    assert "Traceback" not in "".join(capfd.readouterr())


def test_readers_are_shown_the_newest_whole_version_again(home):
    before = home.marts()
    halve(home, "pointer")
    assert run("repair") == 0
    assert differences(home.marts(), before) == {}


def test_everything_that_is_broken_at_once_is_mended_to_the_same_marts(home, sample_home):
    """One run of Spark and one build for all kinds that need them."""
    for kind in MENDED:
        halve(home, kind)
    said = home.trendhouse("repair")
    assert f"{len(MENDED)} mended, 0 left" in said, said
    assert list(broken_pieces(home.place, deep=True)) == []
    assert differences(home.marts(), sample_home.marts()) == {}
    assert list((home.place.root / "broken").glob("*/warehouse/warehouse.duckdb"))


def test_half_a_load_package_is_named_and_what_it_had_fetched_is_fetched_again(home, capfd):
    package = home.place.pipelines / "endoflife" / "load" / "normalized" / "1796000000.5"
    package.mkdir()
    (package / "schema.json").write_text('{"version": 1')
    assert run("land", "endoflife") == 1
    said = "".join(capfd.readouterr())
    assert "Traceback" not in said and "trendhouse repair" in said
    assert run("repair") == 0
    assert run("land", "endoflife") == 0
    assert list(broken_pieces(home.place)) == []
