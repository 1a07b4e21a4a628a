"""From a source's spec to a dlt source, a dlt pipeline and a landing in the raw lake."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import starmap
from types import ModuleType
from typing import Any

import dlt
import pyarrow as pa
from dlt.common import pendulum
from dlt.sources import DltResource, DltSource

from ingestion.budget import Plan
from ingestion.destination import lake
from ingestion.interrupted import finish_pending
from ingestion.landing import Batches, Context, Failure, Item, Landing, Remember, Rows
from ingestion.window import Window, require_history
from trendhouse.declared.sources import SourceSpec, load_spec
from trendhouse.lake.lake import RAW_LAYOUT
from trendhouse.settings import Settings, load_settings

log = logging.getLogger(__name__)

# Where Airflow is installed, dlt looks every setting up in Airflow's database, hundreds of queries a run;
# ours come from the environment, and dlt asks for this one before any other can be set.
os.environ.setdefault("PROVIDERS__ENABLE_AIRFLOW_SECRETS", "false")

Progress = Callable[[str, int, int], None]

# A load package is closed after so much, so that a killed or starved run goes on from there.
CHECKPOINT_SECONDS = 60.0
CHECKPOINT_BYTES = 256 * 2**20

DLT_SETTINGS = {
    "runtime.dlthub_telemetry": False,
    "runtime.log_level": "ERROR",
    "data_writer.disable_compression": True,  # the intermediate gzip is what costs
    "data_writer.compression": "zstd",
    "data_writer.file_max_bytes": 128 * 2**20,
    "load.delete_completed_jobs": True,
}


def connector_of(spec: SourceSpec) -> ModuleType:
    return importlib.import_module(f"ingestion.connectors.{spec.connector}")


def build_pipeline(spec: SourceSpec, settings: Settings) -> dlt.Pipeline:
    """The dlt pipeline of a source: named like it, state below the world's home, raw lake as goal."""
    for key, value in DLT_SETTINGS.items():
        dlt.config[key] = value
    place = settings.place
    place.pipelines.mkdir(parents=True, exist_ok=True)
    return dlt.pipeline(
        pipeline_name=spec.name,
        pipelines_dir=str(place.pipelines),
        destination=lake(
            bucket_url=place.lake.raw_url,
            layout=RAW_LAYOUT,
            current_datetime=pendulum.instance(settings.clock()),
        ),
        dataset_name=spec.name,
    )


@contextmanager
def frozen_heap() -> Iterator[None]:
    """Garbage is looked for in what is made from here on, not in every module that is imported."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def stopping() -> Iterator[None]:
    """Let what ends a process (Ctrl-C, a task that is told to end) out again: dlt takes it for an error of
    its step."""
    try:
        yield
    except Exception as error:
        found: BaseException | None = error
        while found is not None and isinstance(found, Exception):
            found = found.__cause__ or found.__context__
        if found is not None:
            raise found from None
        raise


class Work:
    """A connector's items, cut into load packages; counts and remembers while they pass."""

    def __init__(self, context: Context, landing: Landing, on_progress: Progress | None) -> None:
        self.context = context
        self.landing = landing
        self.on_progress = on_progress
        self.items = self.read()
        self.is_done = False

    def read(self) -> Iterator[Item]:
        """The connector's items; an error that ends it becomes a failure of the source."""
        try:
            yield from connector_of(self.context.spec).land(self.context)
        except Exception as error:
            log.exception("%s: the landing broke off", self.context.spec.name)
            yield Failure("*", "*", f"{type(error).__name__}: {error}")

    def package(self) -> Iterator[tuple[str, pa.Table]]:
        """The next load package: names of raw tables and Arrow tables to be written to them."""
        self.context.state = dlt.current.source_state()
        load_id = dlt.current.load_package_state()["load_id"]
        batches = Batches(load_id, self.context.now)
        began, size = time.monotonic(), 0
        for item in self.items:
            if isinstance(item, Rows):
                size += item.size
                self.count(item)
                yield from batches.add(item)
            elif isinstance(item, Remember):
                remember(self.context.state, item)
                if size > CHECKPOINT_BYTES or time.monotonic() - began > CHECKPOINT_SECONDS:
                    break
            else:
                log.warning("%s: %s", self.context.spec.name, item)
                self.landing.failures.append(item)
        else:
            self.is_done = True
        yield from batches.rest()

    def count(self, rows: Rows) -> None:
        total = self.landing.rows.get(rows.table, 0) + len(rows.records)
        self.landing.rows[rows.table] = total
        if self.on_progress:
            self.on_progress(rows.table, total, self.context.request_count)


def remember(state: dict[str, Any], item: Remember) -> None:
    """Set (or with None delete) the value at a path of nested dicts."""
    *parents, last = item.path
    for name in parents:
        state = state.setdefault(name, {})
    if item.value is None:
        state.pop(last, None)
    else:
        state[last] = item.value


def build_source(spec: SourceSpec, package: Iterator[tuple[str, pa.Table]]) -> DltSource:
    """The dlt source of a spec: its resource yields Arrow tables for every raw table of the source."""
    # No generator: of one, dlt looks up the module, and with it the files of all that are imported.
    marked = starmap(lambda name, table: dlt.mark.with_table_name(table, name), package)

    @dlt.source(name=spec.name, section=spec.name, schema_contract={"columns": "freeze"})
    def source() -> DltResource:
        return dlt.resource(marked, name="records", write_disposition="append")

    return source()


@frozen_heap()
def run(
    source: str | SourceSpec,
    settings: Settings | None = None,
    on_progress: Progress | None = None,
    window: Window | None = None,
) -> Landing:
    """Land a source, by its name or by a spec of some of its tables: upstream -> raw lake.

    With a `window` only its periods, whether they were landed before or not: a back-fill. Raises
    NoHistory where upstream keeps none, SpecError for a bad spec.

    `on_progress(table, rows so far, requests so far)` is called as rows come in. What could not be read
    is listed in the landing's failures; everything else is landed.
    """
    settings = settings or load_settings()
    spec = load_spec(source) if isinstance(source, str) else source
    if window is not None:
        require_history(spec)
    pipeline = build_pipeline(spec, settings)
    landing = Landing(source=spec.name, started_at=datetime.now(UTC))
    began = time.monotonic()
    with stopping():
        finish_pending(pipeline)
    landing.planned = None if window else plan_with(pipeline, spec, settings)
    context = Context(spec, settings, costs=landing.costs, window=window)
    work = Work(context, landing, on_progress)
    with stopping(), closing(work.items):
        while not work.is_done:
            pipeline.extract(build_source(spec, work.package()), loader_file_format="parquet")
            pipeline.normalize()
            info = pipeline.load()
            if info is not None:
                landing.load_ids += info.loads_ids
    landing.ended_at = datetime.now(UTC)
    landing.seconds = time.monotonic() - began
    return landing


def plan(name: str, settings: Settings | None = None) -> Plan:
    """What the next landing of a source will cost, from its last state; nothing is sent."""
    settings = settings or load_settings()
    spec = load_spec(name)
    return plan_with(build_pipeline(spec, settings), spec, settings)


def plan_with(pipeline: dlt.Pipeline, spec: SourceSpec, settings: Settings) -> Plan:
    state = pipeline.state.get("sources", {}).get(spec.name, {})
    return connector_of(spec).plan(spec, state, settings)
