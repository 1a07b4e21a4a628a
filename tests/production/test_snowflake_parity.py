"""The same clean lake built on DuckDB and, by the real adapter, on a local Snowflake: every row is the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from ingestion.lake import Lake
from orchestration.snowflake.account import connect
from orchestration.snowflake.load import load
from tests.production.conftest import ROOT, Emulator
from tests.production.lakes import two_days
from tests.production.rows import Rows, difference, normalised

pytestmark = pytest.mark.filterwarnings("ignore")
MARTS = {path.stem for path in (ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")}
LINT = ROOT / "dbt_project" / "lint" / "snowflake.cfg"
SCHEMAS = ("marts", "intermediate", "snapshots")
DBT = Path(sys.executable).with_name("dbt")


class Pair:
    """One lake's way through both warehouses."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self.folder = folder
        self.duckdb = folder / "warehouse.duckdb"
        self.variables = emulator.environment("parity")
        self.account = emulator.account("parity")

    def build(self, lake: Lake) -> None:
        """`dbt build` on both, side by side; every model, test, unit test, seed and snapshot."""
        on_duckdb = self.start("duckdb", lake)
        load(lake, self.account)
        on_snowflake = self.start("snowflake", lake)
        for process in (on_duckdb, on_snowflake):
            said, _ = process.communicate(timeout=400)
            assert process.returncode == 0, said[-4000:]

    def start(self, target: str, lake: Lake) -> subprocess.Popen:
        place = self.folder / target
        variables = {
            **self.variables,
            "DBT_TARGET": target,
            "DBT_PROJECT_DIR": str(ROOT / "dbt_project"),
            "DBT_PROFILES_DIR": str(ROOT),
            "DBT_TARGET_PATH": str(place / "target"),
            "DBT_LOG_PATH": str(place / "logs"),
            "TRENDHOUSE_ROOT": str(ROOT),
            "TRENDHOUSE_LAKE": str(lake.root),
            "TRENDHOUSE_WAREHOUSE": str(self.duckdb),
            "TRENDHOUSE_RUN_ID": "parity-run",
            "AIRFLOW_CTX_DAG_ID": "build_warehouse",
        }
        return subprocess.Popen(
            [DBT, "--quiet", "--no-use-colors", "build"],
            env={**os.environ, **variables},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def tables(self) -> dict[str, tuple[list[str], Rows, Rows]]:
        """Per relation its columns and its rows in both warehouses."""
        found = {}
        with (
            duckdb.connect(str(self.duckdb), read_only=True) as local,
            connect(self.account, "parity") as remote,
        ):
            cursor = remote.cursor()
            for schema, name in local.execute(
                "select table_schema, table_name from information_schema.tables "
                "where list_contains($1, table_schema) order by all",
                [SCHEMAS],
            ).fetchall():
                described = local.execute(f"describe {schema}.{name}").fetchall()
                columns = [row[0] for row in described]
                query = f"select {', '.join(columns)} from {schema}.{name}"
                cursor.execute(query)
                rows = normalised(local.execute(query).fetchall()), normalised(cursor.fetchall())
                found[f"{schema}.{name}"] = (columns, *rows)
        return found


@pytest.fixture(scope="module")
def lakes(tmp_path_factory) -> tuple[Lake, Lake]:
    return two_days(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory, emulator) -> Pair:
    return Pair(tmp_path_factory.mktemp("pair"), emulator)


@pytest.fixture(scope="module")
def first(pair, lakes) -> dict:
    """Both warehouses after the first build, by relation."""
    pair.build(lakes[0])
    return pair.tables()


@pytest.fixture(scope="module")
def second(pair, lakes, first) -> Iterator[dict]:
    """The same a day later: new, late, changed and deleted rows, built incrementally."""
    pair.build(lakes[1])
    return pair.tables()


def test_a_first_build_gives_the_same_rows(first):
    differing = {name: told for name, each in first.items() if (told := difference(*each))}
    assert differing == {}
    assert {name for name in first if name.startswith("marts.")} == {f"marts.{m}" for m in MARTS}


def test_an_increment_gives_the_same_rows(second):
    differing = {name: told for name, each in second.items() if (told := difference(*each))}
    assert differing == {}


def test_no_mart_is_compared_empty(second):
    assert {name for name, (_, rows, _) in second.items() if not rows} <= {"marts.quarantine"}


def test_the_increment_changed_deleted_and_added_rows(first, second):
    titles = [
        dict(zip(second["marts.issues"][0], row, strict=True)) for row in second["marts.issues"][2]
    ]
    assert [row["is_deleted"] for row in titles].count(True) == 1
    assert any(row["issue_title"].startswith("Mended") for row in titles)
    grown = [name for name in first if len(second[name][2]) > len(first[name][2])]
    assert {"marts.repositories_daily", "marts.events_hourly"} <= {*grown}


def test_every_model_ran_under_a_tag_of_its_own(second, pair):
    log = (pair.folder / "snowflake" / "logs" / "dbt.log").read_text()
    for mart in MARTS:
        tag = f'"dag": "build_warehouse", "kind": "model", "model": "{mart}", "run": "parity-run"'
        assert tag in log, mart


def test_every_statement_of_the_build_is_snowflake_sql(second, pair):
    """By sqlglot's dialect: also merges, snapshots and tests, as the second build sent them."""
    sent = list((pair.folder / "snowflake" / "target" / "run").rglob("*.sql"))
    parsed = {path.stem: sqlglot.parse(path.read_text(), dialect="snowflake") for path in sent}
    assert len(parsed) > 100
    commands = {
        name for name, each in parsed.items() if any(isinstance(s, exp.Command) for s in each)
    }
    assert commands == set()
    merged = {name for name, each in parsed.items() if any(isinstance(s, exp.Merge) for s in each)}
    assert {"issues", "repositories_daily", "snap_github__repositories"} <= merged


def test_every_compiled_model_passes_the_snowflake_linter(second, pair):
    compiled = pair.folder / "snowflake" / "target" / "compiled" / "trendhouse" / "models"
    models = [path for path in compiled.rglob("*.sql") if path.parent.suffix != ".yml"]
    assert len(models) > 60
    linted = subprocess.run(
        [DBT.with_name("sqlfluff"), "lint", "--config", LINT, "--disable-progress-bar", *models],
        capture_output=True,
        text=True,
    )
    assert linted.returncode == 0, linted.stdout
