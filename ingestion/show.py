"""`dlt pipeline <source> show`: a pipeline's state and what it has landed, as one page of this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import dlt
import duckdb
import jinja2
import pyarrow.parquet as pq

from trendhouse.declared.sources import SourceSpec
from trendhouse.lake.lake import Lake
from trendhouse.local_page import serve

NEWEST_PACKAGES = 20
NEWEST_RECORDS = 20


@dataclass(frozen=True)
class Step:
    """A step of the newest landing: its name, how long it took, what broke it."""

    name: str
    seconds: float | None
    error: str


@dataclass(frozen=True)
class Table:
    """A raw table: its files, rows and bytes, and its newest records with all of their columns."""

    name: str
    files: int
    rows: int
    size: int
    newest: list[dict[str, Any]]


def page(pipeline: dlt.Pipeline, spec: SourceSpec, lake: Lake) -> str:
    """The page as HTML; every text in it is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
    )
    loads = pipeline.list_completed_load_packages()
    return environment.get_template("show.html").render(
        pipeline=pipeline,
        spec=spec,
        lake=f"{lake.raw_url.removeprefix('file://')}/{spec.name}",
        waiting=pipeline.list_extracted_load_packages() + pipeline.list_normalized_load_packages(),
        packages=[
            pipeline.get_load_package_info(load) for load in loads[: -NEWEST_PACKAGES - 1 : -1]
        ],
        package_count=len(loads),
        steps=steps(pipeline),
        tables=[table(lake, spec, name) for name in sorted({*map(spec.raw_name, spec.tables)})],
    )


def steps(pipeline: dlt.Pipeline) -> list[Step]:
    """The steps of the newest landing; none before the first."""
    trace = pipeline.last_trace
    return [
        Step(
            each.step,
            (each.finished_at - each.started_at).total_seconds() if each.finished_at else None,
            each.step_exception or "",
        )
        for each in (trace.steps if trace else ())
    ]


def table(lake: Lake, spec: SourceSpec, name: str) -> Table:
    files = lake.raw_files(spec.name, name)
    return Table(
        name=name,
        files=len(files),
        rows=sum(row_count(lake, file) for file in files),
        size=sum(map(lake.size, files)),
        newest=newest(lake.here(files[-NEWEST_RECORDS:])),
    )


def row_count(lake: Lake, file: Path) -> int:
    with lake.open(file) as opened:
        return pq.read_metadata(opened).num_rows


def newest(files: list[Path]) -> list[dict[str, Any]]:
    """The records that came last, newest first, of files in the order of their landing."""
    if not files:
        return []
    found = duckdb.read_parquet([str(file) for file in files], union_by_name=True)
    found = found.order("collected_at desc, load_id desc").limit(NEWEST_RECORDS)
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    return [{name: text(value) for name, value in row.items() if value is not None} for row in rows]


def text(value: Any) -> str:
    """A value for people: JSON by the line, times in ISO 8601."""
    if isinstance(value, datetime):
        return value.isoformat()
    try:
        return json.dumps(json.loads(value), ensure_ascii=False, indent=1)
    except (TypeError, ValueError):
        return str(value)


def show(pipeline: dlt.Pipeline, spec: SourceSpec, lake: Lake, port: int) -> None:
    """Serve the page on 127.0.0.1, read anew at every request, until Ctrl-C."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/":
                self.send_error(404)
                return
            body = page(pipeline, spec, lake).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody watches who looks."""

    serve(Answer, port)
