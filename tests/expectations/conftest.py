"""A clean lake and a warehouse written by hand, in the shape that specs and contracts declare."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.mart_warehouse import MartWarehouse
from trendhouse.declared.sources import LOAD_COLUMNS, load_spec
from trendhouse.lake.lake import Lake

ARROW = {
    "string": pa.string(),
    "json": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
VALUES = {
    "string": "x",
    "json": "{}",
    "bigint": 1,
    "double": 1.0,
    "boolean": True,
    "date": date(2026, 1, 1),
    "timestamp": datetime(2026, 1, 1),
}


@pytest.fixture(scope="session")
def spark():
    from spark.session import start

    # Not stopped: a session is the process's own, and other tests may use it.
    return start(master="local[2]", memory="1g")


class CleanLake:
    """Writes clean tables of one source: files by partition, and the manifest that names them."""

    def __init__(self, lake: Lake, source: str) -> None:
        self.lake = lake
        self.spec = load_spec(source)

    def write(
        self,
        table: str,
        *rows: dict[str, Any],
        partition: str = "0",
        version: int = 1,
        types: dict[str, str] | None = None,
    ) -> None:
        """Replace a partition; a row gives what differs from plain valid values."""
        declared = {name: column.type for name, column in self.spec.tables[table].columns.items()}
        declared = {**declared, **LOAD_COLUMNS, **(types or {})}
        filled = [
            {**{name: VALUES[kind] for name, kind in declared.items()}, **row} for row in rows
        ]
        schema = pa.schema([(name, ARROW[kind]) for name, kind in declared.items()])
        folder = self.lake.clean_table(self.spec.name, table)
        name = f"{partition}/{version}-0.parquet"
        (folder / partition).mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(filled, schema), folder / name)
        path = self.lake.manifest(self.spec.name, table)
        known = json.loads(path.read_text())["files"] if path.exists() else []
        files = [file for file in known if not file.startswith(f"{partition}/")]
        path.write_text(json.dumps({"version": version, "files": [*files, name]}))


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def make(lake):
    return lambda source: CleanLake(lake, source)


@pytest.fixture
def github(make) -> CleanLake:
    return make("github")


@pytest.fixture
def data_docs(tmp_path) -> Path:
    return tmp_path / "docs" / "expectations"


@pytest.fixture
def warehouse(tmp_path) -> MartWarehouse:
    return MartWarehouse(tmp_path / "warehouse" / "warehouse.duckdb")
