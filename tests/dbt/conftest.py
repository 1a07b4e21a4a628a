"""A clean lake written by hand and dbt run on it, so that marts can be held against plain Python."""

import json
import os
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trendhouse.declared.sources import LOAD_COLUMNS, load_spec
from trendhouse.lake.lake import Lake, replace_text

ROOT = Path(__file__).parents[2]
ARROW_TYPES = {
    "string": pa.string(),
    "json": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
Row = dict[str, object]


class CleanLake:
    """Writes clean tables as the deduplication does: one row per key, immutable files, a manifest."""

    def __init__(self, root: Path) -> None:
        self.lake = Lake(root)
        self.version = 0
        self.rows: dict[tuple[str, str], dict[tuple, Row]] = {}
        self.ledger: dict[str, list[Row]] = {}

    def deduplicate(self, tables: dict[str, list[Row]]) -> None:
        """One run of the deduplication: `{"github.issues": rows}`; a row replaces that of its key."""
        self.version += 1
        for name, rows in tables.items():
            source, table = name.split(".")
            if source == "ledger":
                self.ledger[table] = self.ledger.get(table, []) + [
                    {**row, "clean_version": self.version} for row in rows
                ]
                continue
            held = self.rows.setdefault((source, table), {})
            for row in rows:
                full = self.loaded(row)
                held[tuple(full.get(column) for column in load_spec(source).tables[table].key)] = (
                    full
                )
            self.write(source, table, list(held.values()))
        if self.ledger:
            self.write_ledger()

    def loaded(self, row: Row) -> Row:
        seen = row.get("observed_at") or moment("2024-01-01")
        return {
            "partition_name": str(row.get("repository_id", "all")),
            "source_url": "test",
            "collected_at": seen,
            "observed_at": seen,
            "load_id": str(self.version),
            **row,
            "clean_version": self.version,
        }

    def write(self, source: str, table: str, rows: list[Row]) -> None:
        columns = {name: c.type for name, c in load_spec(source).tables[table].columns.items()}
        name = f"all/{self.version}-0.parquet"
        self.write_file(
            self.lake.clean_table(source, table) / name, {**columns, **LOAD_COLUMNS}, rows
        )
        self.commit(source, table, files=[name])

    def write_ledger(self) -> None:
        """The ledger lies beside a clean table, in whose manifest it is named."""
        names = {}
        for table, rows in self.ledger.items():
            columns = {
                name: c.type for name, c in load_spec("ledger").tables[table].columns.items()
            }
            names[table] = [f"_ledger/{table}-{self.version}.parquet"]
            path = self.lake.clean_table("github", "topics") / names[table][0]
            self.write_file(path, columns, rows)
        self.commit("github", "topics", ledger=names)

    def write_file(self, path: Path, columns: dict[str, str], rows: list[Row]) -> None:
        schema = pa.schema([(name, ARROW_TYPES[kind]) for name, kind in columns.items()])
        unknown = {name for row in rows for name in row} - set(schema.names)
        assert not unknown, f"{path}: no such columns: {unknown}"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema), path)

    def commit(self, source: str, table: str, **changes: object) -> None:
        path = self.lake.manifest(source, table)
        before = json.loads(path.read_text()) if path.exists() else {"files": [], "ledger": {}}
        replace_text(path, json.dumps({**before, "version": self.version, **changes}))


class Dbt:
    """dbt on one warehouse and one lake; every test begins with both of them empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clean = CleanLake(folder / "lake")
        self.warehouse = folder / "warehouse.duckdb"

    def __call__(self, *arguments: str) -> None:
        """Run dbt in this process. Raises AssertionError with the messages of what failed."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        result = dbtRunner().invoke(["--log-level-file", "none", "--quiet", *arguments])
        DuckDBConnectionManager.close_all_connections()
        if not result.success:
            told = [
                f"{r.node.name}: {r.message}" for r in result.result or [] if r.status != "success"
            ]
            raise AssertionError(f"dbt {' '.join(arguments)}: {result.exception or told}")

    def rows(self, query: str) -> list[tuple]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.sql(query).fetchall()

    def mart(self, name: str, *, without: tuple[str, ...] = ()) -> list[tuple]:
        """Every row of a mart, sorted; columns in `without` are left out."""
        left_out = f"exclude ({', '.join(without)})" if without else ""
        return self.rows(f"select * {left_out} from marts.{name} order by all")


@pytest.fixture(scope="session")
def dbt_folder(tmp_path_factory) -> Path:
    """One place for all tests: dbt parses anew whenever its paths change."""
    return tmp_path_factory.mktemp("dbt")


@pytest.fixture
def dbt(dbt_folder, monkeypatch) -> Dbt:
    return begin(dbt_folder, monkeypatch)


def begin(folder: Path, patch: pytest.MonkeyPatch) -> Dbt:
    """dbt on an empty warehouse and an empty lake in `folder`."""
    shutil.rmtree(folder / "lake", ignore_errors=True)
    (folder / "warehouse.duckdb").unlink(missing_ok=True)
    for name, value in dbt_environment(folder).items():
        patch.setenv(name, value)
    return Dbt(folder)


def dbt_environment(folder: Path) -> dict[str, str]:
    return {
        "DBT_PROJECT_DIR": str(ROOT / "dbt_project"),
        "DBT_PROFILES_DIR": str(ROOT),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "TRENDHOUSE_ROOT": str(ROOT),
        "TRENDHOUSE_LAKE": str(folder / "lake"),
        "TRENDHOUSE_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "PATH": os.environ["PATH"],
    }


def moment(text: str) -> datetime:
    """`2024-01-02` or `2024-01-02 03:04` as a naive UTC timestamp."""
    value = datetime.fromisoformat(text)
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def day(text: str) -> date:
    return date.fromisoformat(text)
