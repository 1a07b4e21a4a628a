"""A world whose lake lies in a store: the marts are those of a world in a folder, day after day."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from cli.doctor import lake as examine_lake
from cli.status import status
from orchestration import steps
from orchestration.measures import Data
from tests.production.object_storage import BUCKET, s3_client, s3_server, s3_variables
from tests.published_marts import LANDING_COUNTS, LOAD_COLUMNS, differences
from trendhouse import worlds
from trendhouse.lake.store import at_once
from trendhouse.settings import Place, Settings, load_settings

SOURCES = ("endoflife", "gharchive")
DAYS = 2
# What the two sources reach without the others, and all that this rests on.
SELECT = "+releases +release_cycles +events_hourly"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """All that a team sets to move to S3, and a small sample world."""
    folder = tmp_path_factory.mktemp("world")
    lines = (Path(__file__).parents[2] / "simulator" / "watchlist.csv").read_text().splitlines()
    chosen = [line for line in lines if ",endoflife," in line][:2]
    watchlist = folder / "watchlist.csv"
    watchlist.write_text("\n".join([lines[0], *chosen]) + "\n")
    with s3_server() as url, pytest.MonkeyPatch.context() as patch:
        s3_client(url).create_bucket(Bucket=BUCKET)
        for name, value in s3_variables(url).items():
            patch.setenv(name, value)
        patch.setenv("TRENDHOUSE_WATCHLIST", str(watchlist))
        patch.setenv("TRENDHOUSE_GHARCHIVE_HOURS", "1")
        patch.setenv("TRENDHOUSE_SPARK_MEMORY", "1g")
        yield folder


@pytest.fixture(scope="module")
def homes(environment) -> dict[str, Settings]:
    """The lake in a folder and in the store, after two days; each day landed, deduplicated, checked, built."""
    made = {
        "folder": {"home": environment / "folder"},
        "store": {"home": environment / "store", "lake_url": f"s3://{BUCKET}/team"},
    }
    homes = {name: load_settings(world="sample", **values) for name, values in made.items()}
    for name, settings in homes.items():
        for day in range(DAYS):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("TRENDHOUSE_HOME", str(settings.home))
                patch.setenv("TRENDHOUSE_LAKE_URL", settings.lake_url or "")
                with worlds.enter(settings, advance=min(day, 1)) as entered:
                    run_a_day(entered, is_checked=name == "store" and day == DAYS - 1)
                    if name == "store" and day == 0:
                        lose_everything_local(entered.place)
    return homes


def run_a_day(settings: Settings, *, is_checked: bool) -> None:
    new = 0
    for source in SOURCES:
        assert not steps.land(source, settings).failures
        new += steps.deduplicate(source, settings).rows
        if is_checked:
            assert steps.check_clean(source, settings).detail.suites
    assert new
    steps.build(select=SELECT, settings=settings)


def lose_everything_local(place: Place) -> None:
    """The second day runs on a machine that has but the warehouse: cursors and copies come from the store."""
    shutil.rmtree(place.lake.root)
    shutil.rmtree(place.root / "dlt")


def marts(place: Place) -> dict[str, list[tuple]]:
    """Every row of every mart that was built, load columns aside."""
    found = {}
    with duckdb.connect(str(place.warehouse), read_only=True) as connection:
        columns = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'marts' "
            "order by table_name, ordinal_position"
        ).fetchall()
        for name in sorted({table for table, _ in columns}):
            left_out = LOAD_COLUMNS | LANDING_COUNTS.get(name, set())
            chosen = [f'"{c}"' for table, c in columns if table == name and c not in left_out]
            rows = connection.execute(f'select {", ".join(chosen)} from marts."{name}"').fetchall()
            found[name] = sorted(rows, key=repr)
    return found


def test_the_marts_are_the_same_row_for_row(homes):
    ours, theirs = marts(homes["store"].place), marts(homes["folder"].place)
    assert differences(ours, theirs) == {}
    filled = {name for name, rows in ours.items() if rows}
    assert filled == {"releases", "release_cycles", "events_hourly"}


def test_the_lake_lies_in_the_store_in_the_usual_layout(homes):
    place, folder = homes["store"].place, homes["folder"].place
    held = place.lake.store.list("")
    for table in ("readings", "release_dates"):
        ours = [name for name in held if name.startswith(f"raw/endoflife/{table}/2026/11/")]
        assert len(ours) == len(folder.lake.raw_files("endoflife", table)), table
    assert {name.split("/")[0] for name in held} == {"raw", "clean"}  # no lock is left
    assert not (place.root / "lake").exists()
    assert not list(place.lake.raw.rglob("*.parquet"))


def test_doctor_status_and_metrics_tell_of_both_alike(homes):
    for settings in homes.values():
        assert examine_lake(settings.place.lake).state == "ok"
    ours, theirs = (examine_lake(homes[name].place.lake).said for name in ("store", "folder"))
    assert ours.split(";")[1].removesuffix(f" in s3://{BUCKET}/team/sample") == theirs.split(";")[1]
    newest = [Data().newest_of(s.place, spec) for s in homes.values() for spec in specs()]
    assert newest[:2] == newest[2:] and all(newest)
    console = Console(record=True)
    status(console, homes["store"].place)
    assert "blocked" not in console.export_text()


def specs():
    from trendhouse.declared.sources import load_spec

    return [load_spec(name) for name in SOURCES]


def test_a_lake_moves_by_copying_its_files(homes, tmp_path):
    """As `aws s3 sync` would; what was landed is not landed again, what was consumed not read again."""
    old = homes["folder"].place
    moved = load_settings(world="sample", home=tmp_path, lake_url=f"s3://{BUCKET}/moved")
    moved.place.root.mkdir(parents=True)
    shutil.copy(old.root / "world.json", moved.place.root)
    files = [path for path in old.lake.root.rglob("*") if path.is_file()]
    at_once(
        lambda path: moved.place.lake.store.fs.put_file(
            str(path), moved.place.lake.store.path(path.relative_to(old.lake.root).as_posix())
        ),
        files,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRENDHOUSE_HOME", str(moved.home))
        patch.setenv("TRENDHOUSE_LAKE_URL", moved.lake_url)
        with worlds.enter(moved) as entered:
            for source in SOURCES:
                steps.land(source, entered)
                assert steps.deduplicate(source, entered).rows == 0
            entered.place.lake.pull()
            ours, theirs = (
                lake.clean_files("endoflife", "release_cycles")
                for lake in (entered.place.lake, old.lake)
            )
            assert [path.read_bytes() for path in ours] == [path.read_bytes() for path in theirs]


def test_freshness_is_that_of_the_store(homes):
    with pytest.MonkeyPatch.context() as patch:
        settings = homes["store"]
        patch.setenv("TRENDHOUSE_HOME", str(settings.home))
        shutil.rmtree(settings.place.lake.root)
        told = steps.check_freshness(settings).detail
    assert {"endoflife", "gharchive"} <= told.keys()


def test_duckdb_reads_the_store_by_itself(homes):
    lake = homes["store"].place.lake
    lake.pull()
    with duckdb.connect() as connection:
        connection.register_filesystem(lake.store.fs)
        files = [
            f"{lake.url}/{lake.name(file)}"
            for file in lake.clean_files("endoflife", "release_cycles")
        ]
        count = "select count(*) from read_parquet(?)"
        (there,) = connection.execute(count, [files]).fetchall()
        local = [
            str(file)
            for file in homes["folder"].place.lake.clean_files("endoflife", "release_cycles")
        ]
        assert [there] == connection.execute(count, [local]).fetchall() and there[0] > 0
