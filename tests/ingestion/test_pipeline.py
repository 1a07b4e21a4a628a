"""What a connector yields lands once its unit is complete, whatever happens to the process."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import types
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from dlt.destinations import filesystem

import ingestion.pipeline
from ingestion.budget import Estimate, Plan
from ingestion.destination import lake
from ingestion.landing import BATCH_ROWS, RAW_SCHEMA, Failure, Remember, Rows
from ingestion.pipeline import plan, run
from trendhouse.declared.sources import RAW_COLUMNS
from trendhouse.settings import Settings, load_settings

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
KILLED_AT = {
    "before its package is complete": "yield Remember(('done',), 1); os.kill(os.getpid(), 9)",
    "after extraction": "dlt.Pipeline.normalize = lambda *_: os.kill(os.getpid(), 9)",
    "before loading": "dlt.Pipeline.load = lambda *_: os.kill(os.getpid(), 9)",
    "while its file is put": "WholeFiles.put_file = lambda *_, **__: os.kill(os.getpid(), 9)",
    "before what is normalized is removed": "FileStorage.delete_folder = lambda *_, recursively=False, **__: (\n"
    "        recursively and os.kill(os.getpid(), 9))",
    "while what is normalized is removed": "FileStorage.delete_folder = lambda s, path, recursively=False, **__: (\n"
    "        recursively and (shutil.rmtree(s.make_full_path(f'{path}/new_jobs')), os.kill(os.getpid(), 9)))",
    "before what is loaded is put away": "LoadStorage.get_loaded_package_path = lambda *_: (\n"
    "        os.kill(os.getpid(), 9))",
}
SCRIPT = """
import os, shutil, sys, types
from datetime import UTC, datetime
import dlt
from dlt.common.storages import FileStorage, LoadStorage
import ingestion.pipeline as pipeline
from ingestion.budget import Plan
from ingestion.destination import WholeFiles
from ingestion.landing import Remember, Rows
from trendhouse.settings import load_settings

def land(context):
    yield Rows("release_dates", ['{{"a": 1}}'] * 3, "p", "u", datetime.now(UTC))
    {act}
    yield Remember(("done",), 1)

pipeline.connector_of = lambda spec: types.SimpleNamespace(land=land, plan=lambda *_: Plan("x"))
pipeline.run("endoflife", load_settings())
"""


def rows(count: int = 1, table: str = "release_dates", text: str = '{"a":1}') -> Rows:
    return Rows(table, [text] * count, "python", "https://example.org", NOON, keys=["k"] * count)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return load_settings(home=tmp_path, world="sample", now="2026-11-02T12:00:00Z")


@pytest.fixture
def connect(monkeypatch):
    """Put a made-up connector in place of a source's own."""

    def put(land, plan=lambda *_: Plan("endoflife")) -> None:
        module = types.SimpleNamespace(land=land, plan=plan)
        monkeypatch.setattr(ingestion.pipeline, "connector_of", lambda spec: module)

    return put


def landed(settings: Settings, table: str = "release_dates") -> list[Path]:
    return settings.place.lake.raw_files("endoflife", table)


def count(settings: Settings, table: str = "release_dates") -> int:
    return sum(pq.read_metadata(path).num_rows for path in landed(settings, table))


def test_raw_files_hold_exactly_the_raw_columns_compressed(settings, connect):
    connect(lambda context: iter([rows(5)]))
    landing = run("endoflife", settings)
    (path,) = landed(settings)
    assert path.parent == settings.place.lake.raw_table("endoflife", "release_dates") / "2026/11/02"
    assert pq.read_schema(path).names == list(RAW_COLUMNS)
    assert pq.read_schema(path).equals(RAW_SCHEMA)
    assert pq.read_metadata(path).row_group(0).column(0).compression == "ZSTD"
    (load_id,) = landing.load_ids
    assert path.name.startswith(f"{load_id}.")
    assert pq.read_table(path)["load_id"].unique().to_pylist() == [load_id]
    assert landing.rows == {"release_dates": 5}


def test_a_record_is_kept_as_received(settings, connect):
    texts = ['{"b": 1.50, "a": "\\u00e9 é"}', "not JSON at all", ""]
    connect(lambda c: iter([Rows("release_dates", texts, "p", "u", NOON, contexts=["{}"] * 3)]))
    run("endoflife", settings)
    assert pq.read_table(landed(settings)[0])["record"].to_pylist() == texts


def test_imported_modules_are_no_garbage_collectors_work_while_landing(settings, connect):
    left_alone = []

    def land(context):
        left_alone.append(gc.get_freeze_count())
        yield rows()

    connect(land)
    run("endoflife", settings)
    assert left_alone[0] > 0
    assert gc.get_freeze_count() == 0


def test_a_lakes_capabilities_are_those_that_dlt_works_out(tmp_path):
    made = lake(bucket_url=tmp_path.as_uri())
    assert made.capabilities() == filesystem.capabilities(made)


def test_many_rows_become_one_file_with_few_row_groups(settings, connect):
    connect(lambda context: (rows(100) for _ in range(500)))
    run("endoflife", settings)
    (path,) = landed(settings)
    assert pq.read_metadata(path).num_rows == 50_000
    assert pq.read_metadata(path).num_row_groups <= 50_000 // BATCH_ROWS + 1


def test_what_is_remembered_is_there_next_time(settings, connect):
    seen = []

    def land(context):
        seen.append(dict(context.state))
        yield rows()
        yield Remember(("cursors", "python"), "2026")
        yield Remember(("cursors", "gone"), 1)
        yield Remember(("cursors", "gone"), None)

    connect(land)
    run("endoflife", settings)
    run("endoflife", settings)
    assert seen == [{}, {"cursors": {"python": "2026"}}]


def test_long_landings_are_cut_into_packages_after_a_unit(settings, connect, monkeypatch):
    monkeypatch.setattr(ingestion.pipeline, "CHECKPOINT_BYTES", 1000)

    def land(context):
        for number in range(4):
            yield rows(200)
            yield Remember(("number",), number)

    connect(land)
    landing = run("endoflife", settings)
    assert len(set(landing.load_ids)) >= 4
    assert count(settings) == 800


def test_an_error_keeps_what_was_yielded_before_it(settings, connect):
    def land(context):
        yield rows(3)
        yield Remember(("done",), True)
        yield Failure("release_dates", "vue", "answered 500")
        raise RuntimeError("broken")

    connect(land)
    landing = run("endoflife", settings)
    assert count(settings) == 3
    assert [str(failure) for failure in landing.failures] == [
        "release_dates vue: answered 500",
        "* *: RuntimeError: broken",
    ]
    assert landing.is_partial


def test_progress_tells_rows_and_requests(settings, connect):
    told = []

    def land(context):
        context.book("release_dates", 2, 0, 10)
        yield rows(3)
        yield rows(4)

    connect(land)
    landing = run("endoflife", settings, on_progress=lambda *seen: told.append(seen))
    assert told == [("release_dates", 3, 2), ("release_dates", 7, 2)]
    assert (landing.requests, landing.bytes) == (2, 10)


def test_the_plan_stands_beside_the_cost_and_sends_nothing(settings, connect):
    connect(lambda context: iter([]), plan=lambda *_: Plan("endoflife", [Estimate("x", 7)]))
    assert plan("endoflife", settings).requests == 7
    assert run("endoflife", settings).planned.requests == 7


@pytest.mark.parametrize("moment", KILLED_AT)
def test_a_killed_landing_is_finished_by_the_next(moment, settings, connect, tmp_path):
    environment = {
        **os.environ, "TRENDHOUSE_HOME": str(tmp_path), "TRENDHOUSE_WORLD": "sample",
        "TRENDHOUSE_NOW": "2026-11-02T12:00:00Z", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    script = SCRIPT.format(act=KILLED_AT[moment])
    killed = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    states = []

    def land(context):
        states.append(context.state.get("done"))
        if not context.state.get("done"):
            yield rows(3)
            yield Remember(("done",), 1)

    connect(land)
    run("endoflife", settings)
    assert count(settings) == 3
    assert duckdb.read_parquet([str(path) for path in landed(settings)]).fetchall()
    run("endoflife", settings)
    assert count(settings) == 3
    assert states[-1] == 1


def test_dlt_knows_our_sources_by_name(settings, connect, tmp_path):
    connect(lambda context: iter([rows()]))
    run("endoflife", settings)
    environment = {**os.environ, "TRENDHOUSE_HOME": str(tmp_path), "TRENDHOUSE_WORLD": "sample"}
    dlt = str(Path(sys.executable).parent / "dlt")
    for command, said in (("info", "endoflife"), ("trace", "COMPLETED")):
        done = subprocess.run(
            [dlt, "pipeline", "endoflife", command], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0 and said in done.stdout, done.stderr


def test_dlt_runs_a_source_by_name(tmp_path):
    watchlist = tmp_path / "watchlist.csv"
    name = (ROOT / "simulator" / "watchlist.csv").read_text().splitlines()[5]
    watchlist.write_text(f"product_name,kind,target,enabled\n{name}\n")
    environment = {
        **os.environ, "TRENDHOUSE_HOME": str(tmp_path / "home"), "TRENDHOUSE_WORLD": "sample",
        "TRENDHOUSE_WATCHLIST": str(watchlist),
    }  # fmt: skip
    dlt = str(Path(sys.executable).parent / "dlt")
    done = subprocess.run(
        [dlt, "pipeline", "github", "run"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout[done.stdout.index("{") :])["rows"]["repositories"] == 1
