"""The same clean lake built on DuckDB and, by the real adapter, on a local Snowflake: every row is the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from serving.model import Model
from tests.production.conftest import ROOT, Emulator, edit
from tests.production.lakes import two_days
from tests.production.rows import Rows, difference, normalised
from trendhouse.lake.lake import Lake
from trendhouse.settings import Place
from warehouse import published, slim
from warehouse.snowflake.account import connect

pytestmark = pytest.mark.filterwarnings("ignore")
MARTS = {path.stem for path in (ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")}
LINT = ROOT / "dbt_project" / "lint" / "snowflake.cfg"
# Snowflake's reserved words that DuckDB takes as names of columns or tables.
RESERVED = {
    "account", "connect", "connection", "current", "database", "following", "gscluster", "ilike",
    "increment", "issue", "localtime", "localtimestamp", "minus", "organization", "regexp", "revoke",
    "rlike", "row", "rows", "sample", "schema", "set", "start", "tablesample", "trigger", "try_cast",
    "view", "whenever",
}  # fmt: skip
SCHEMAS = ("marts", "intermediate", "snapshots")
PYTHON = Path(sys.executable)
DBT, TRENDHOUSE = (PYTHON.with_name(name) for name in ("dbt", "trendhouse"))


def ended(process: subprocess.Popen) -> str:
    """What it said, once it has ended well."""
    said, _ = process.communicate(timeout=400)
    assert process.returncode == 0, said[-4000:]
    return said


class Pair:
    """One lake's way through both warehouses."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.duckdb = folder / "warehouse.duckdb"
        self.variables = emulator.environment("parity")
        self.account = emulator.account("parity")

    def build(self, lake: Lake) -> None:
        """`dbt build` on DuckDB and `trendhouse build` on Snowflake, side by side; every model, test,
        unit test, seed and snapshot."""
        beside = self.home / "sample" / "lake"
        beside.parent.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        beside.symlink_to(lake.root)
        on_duckdb = self.start([DBT, "--quiet", "build"], DBT_TARGET="duckdb")
        on_snowflake = self.start([TRENDHOUSE, "build"])
        for process in (on_duckdb, on_snowflake):
            ended(process)

    def start(self, command: list, **variables: str) -> subprocess.Popen:
        target = variables.get("DBT_TARGET", "snowflake")
        given = {
            **self.variables,
            "DBT_PROJECT_DIR": str(ROOT / "dbt_project"),
            "DBT_PROFILES_DIR": str(ROOT),
            "DBT_TARGET_PATH": str(self.folder / target / "target"),
            "DBT_LOG_PATH": str(self.folder / target / "logs"),
            "TRENDHOUSE_HOME": str(self.home),
            "TRENDHOUSE_WORLD": "sample",
            "TRENDHOUSE_ROOT": str(ROOT),
            "TRENDHOUSE_LAKE": str(self.home / "sample" / "lake"),
            "TRENDHOUSE_WAREHOUSE": str(self.duckdb),
            "AIRFLOW_CTX_DAG_ID": "build_warehouse",
            **variables,
        }
        return subprocess.Popen(
            command,
            env={**os.environ, **given},
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
    empty = {name for name, (_, rows, _) in second.items() if not rows}
    assert empty <= {"marts.quarantine", "intermediate.int_products_vanished"}


def test_the_increment_changed_deleted_and_added_rows(first, second):
    titles = [
        dict(zip(second["marts.issues"][0], row, strict=True)) for row in second["marts.issues"][2]
    ]
    assert [row["is_deleted"] for row in titles].count(True) == 1
    assert any(row["title"].startswith("Mended") for row in titles)
    grown = [name for name in first if len(second[name][2]) > len(first[name][2])]
    assert {"marts.repositories_daily", "marts.events_hourly"} <= {*grown}


def test_every_model_ran_under_a_tag_of_its_own(second, pair):
    logs = (pair.folder / "snowflake" / "logs").glob("dbt.log*")  # a long one is continued
    log = "".join(path.read_text() for path in logs)
    run = max(path.stem for path in (pair.home / "sample" / "runs").glob("*.json"))
    for mart in MARTS:
        tag = f'"dag": "build_warehouse", "kind": "model", "model": "{mart}", "run": "{run}"'
        assert json.dumps(tag)[1:-1] in log, mart


def test_the_suites_hold_on_snowflake_and_readers_see_what_was_built(second, pair):
    ended(pair.start([TRENDHOUSE, "check", "clean"]))
    assert "23 suites" in ended(pair.start([TRENDHOUSE, "publish"]))
    query = "select repository_id, stars from (select repository_id, star_count as stars from repositories)"
    said = ended(pair.start([TRENDHOUSE, "query", "--format", "csv", query]))
    columns, rows, _ = second["marts.repositories"]
    places = columns.index("repository_id"), columns.index("star_count")
    expected = sorted(",".join(str(row[place]) for place in places) for row in rows)
    assert sorted(said.split()[1:]) == expected


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


@pytest.fixture(scope="module")
def models(second, pair) -> list[Path]:
    """Every compiled model of the second build; what dbt writes for unit tests is dbt's."""
    compiled = pair.folder / "snowflake" / "target" / "compiled" / "trendhouse" / "models"
    found = [path for path in compiled.rglob("*.sql") if ".yml" not in str(path)]
    assert len(found) > 60
    return found


def test_what_the_emulator_lets_pass_is_not_in_the_models(models):
    """Snowflake divides numbers to six places, and does not take a reserved word for a name."""
    for path in models:
        tree = sqlglot.parse_one(path.read_text(), dialect="snowflake")
        for division in tree.find_all(exp.Div):
            assert division.left.is_type("double", "float"), f"{path.stem}: {division.sql()}"
        names = {each.name.lower() for each in tree.find_all(exp.Identifier) if not each.quoted}
        assert names & RESERVED == set(), path.stem


def test_every_compiled_model_passes_the_snowflake_linter(models):
    linted = subprocess.run(
        [DBT.with_name("sqlfluff"), "lint", "--config", LINT, "--disable-progress-bar", *models],
        capture_output=True,
        text=True,
    )
    assert linted.returncode == 0, linted.stdout


def test_slim_ci_builds_a_change_into_a_pull_requests_database(second, pair, changed, monkeypatch):
    """It reads the rest where production has it; of DuckDB's warehouse there is no need."""
    mart = changed / "marts" / "opensource" / "licenses.sql"
    edit(
        mart, "count(repositories.repository_id) as", "1000 + count(repositories.repository_id) as"
    )
    for name, value in {**pair.variables, "SNOWFLAKE_DATABASE": "parity_pr_1"}.items():
        monkeypatch.setenv(name, value)
    built = slim.build(pair.folder / "snowflake" / "target", Place(pair.folder / "nothing"))
    assert built.counts["model"] == 1
    counted = "select license_key, repository_count from marts.licenses"
    with connect(pair.account, "parity") as remote:
        old = dict(remote.cursor().execute(counted).fetchall())
        there = remote.cursor().execute(counted.replace("marts", "parity_pr_1.marts")).fetchall()
    assert old and dict(there) == {key: 1000 + count for key, count in old.items()}


def test_what_is_fetched_is_what_was_built_and_is_served(second, pair):
    place = Place(pair.home / "sample")
    assert "version 1" in ended(pair.start([TRENDHOUSE, "fetch"]))
    fetched = published.connect(place)
    for mart in sorted(MARTS):
        columns, expected, _ = second[f"marts.{mart}"]
        rows = fetched.execute(f"select {', '.join(columns)} from {mart}").fetchall()
        assert difference(columns, expected, normalised(rows)) == ""
    model = Model(Path(ended(pair.start([PYTHON, "-m", "serving.read_model", place.root])).strip()))
    stars = model.rows("select repository_id, star_count from repositories")
    columns, rows, _ = second["marts.repositories"]
    places = columns.index("repository_id"), columns.index("star_count")
    assert sorted(map(tuple, stars)) == sorted(tuple(row[n] for n in places) for row in rows)
