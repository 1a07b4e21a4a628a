"""A Spark session for all tests here, and a lake whose raw rows are written from Python values."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trendhouse.declared.sources import SourceSpec, Table
from trendhouse.lake.lake import Lake

RAW = pa.schema(
    [
        (name, pa.string())
        for name in (
            "record",
            "context",
            "record_key",
            "cursor_value",
            "partition_name",
            "source_url",
        )
    ]
    + [(name, pa.timestamp("us", tz="UTC")) for name in ("collected_at", "observed_at")]
    + [("load_id", pa.string())]
)
T0 = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    from spark.session import start, stop

    session = start(master="local[2]", memory="1g")
    yield session
    stop(session)


class Landing:
    """Writes raw Parquet files and reads clean tables back."""

    def __init__(self, lake: Lake, source: str = "shop") -> None:
        self.lake, self.source = lake, source
        self.loads = itertools.count(1)

    def land(
        self,
        table: str,
        *rows: dict | tuple | str,
        at: datetime = T0,
        seen: datetime | None = None,
        load: str | None = None,
        partition: str = "p",
    ) -> Path:
        """One raw file. A row is a record, or (record, context), or the raw text of a line."""
        load = load or f"load{next(self.loads):04d}"
        values = [self.raw(row, at, seen or at, load, partition) for row in rows]
        folder = self.lake.raw_table(self.source, table) / f"{at:%Y/%m/%d}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{load}.0.parquet"
        pq.write_table(pa.Table.from_pylist(values, RAW), path)
        return path

    def raw(
        self, row: dict | tuple | str, at: datetime, seen: datetime, load: str, partition: str
    ) -> dict:
        record, context = row if isinstance(row, tuple) else (row, {})
        text = record if isinstance(record, str) else json.dumps(record)
        return {
            "record": text,
            "context": json.dumps(context),
            "partition_name": partition,
            "source_url": "http://x",
            "collected_at": at,
            "observed_at": seen,
            "load_id": load,
        }

    def clean(self, table: str, columns: str = "*", order: str = "all") -> list[tuple]:
        files = [str(path) for path in self.lake.clean_files(self.source, table)]
        return duckdb.sql(
            f"select {columns} from read_parquet({files}) order by {order}"
        ).fetchall()

    def ledger(self, table: str, kind: str, columns: str = "*") -> list[tuple]:
        path = self.lake.manifest(self.source, table)
        names = json.loads(path.read_text())["ledger"][kind]
        files = [str(path.parent / name) for name in names]
        return (
            duckdb.sql(f"select {columns} from read_parquet({files}) order by all").fetchall()
            if files
            else []
        )


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(Lake(tmp_path / "lake"))


def source(name: str = "shop", **tables: dict) -> SourceSpec:
    """A source whose tables are given as the YAML would give them."""
    made = {}
    for table, values in tables.items():
        columns = {n: {"description": "x", **c} for n, c in values.pop("columns").items()}
        made[table] = Table(description="x", columns=columns, **values)
    return SourceSpec(
        name=name, domain="opensource", description="x", owner="x", connector="x", tables=made
    )
