"""Slim CI: a change is built alone, beside the warehouse, and comes to what a build of all would make of it."""

from __future__ import annotations

import shutil
from hashlib import sha256

import duckdb
import pytest

from orchestration import steps
from tests.dbt.conftest import CleanLake
from tests.dbt.histories import History
from tests.production.conftest import edit
from trendhouse.settings import Place
from warehouse import slim, upgrade
from warehouse.dbt import BuildFailed, NoWarehouse, dbt

LICENSES = [{"key": key, "name": key.upper(), "spdx_id": key} for key in ("mit", "apache-2.0")]
LANGUAGES = [
    {"repository_id": 1, "language_name": "Python", "byte_count": 30},
    {"repository_id": 2, "language_name": "SQL", "byte_count": 10},
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A warehouse of the project as it is, whose manifest is kept below `state`."""
    place = Place(tmp_path_factory.mktemp("slim") / "sample")
    tables = {"github.licenses": LICENSES, "github.languages": LANGUAGES, **History(1).day(0)}
    for row in tables["github.repositories"]:
        row["license_key"] = "mit"
    CleanLake(place.lake.root).deduplicate(tables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_TARGET_PATH", str(place.root / "target"))
        dbt("build", place=place)
    (place.root / "state").mkdir()
    shutil.copy(place.root / "target" / "manifest.json", place.root / "state")
    return place


def rows(path, name: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(f"from marts.{name} order by all").fetchall()


def repositories_by_license(path) -> dict[str, int]:
    with duckdb.connect(str(path), read_only=True) as connection:
        counted = "select license_key, repository_count from marts.licenses"
        return dict(connection.execute(counted).fetchall())


def tables(path) -> set[str]:
    """What was built; `operations` holds what dbt notes of the build itself."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(
            "select table_name from duckdb_tables() where schema_name <> 'operations' "
            "union all select view_name from duckdb_views() "
            "where schema_name = 'staging' and not internal"
        )
        return {name for (name,) in found.fetchall()}


def test_a_mart_that_changed_is_built_alone_and_reads_the_rest_from_the_warehouse(place, changed):
    mart = changed / "marts" / "opensource" / "licenses.sql"
    edit(
        mart, "count(repositories.repository_id) as", "1000 + count(repositories.repository_id) as"
    )
    before = sha256(place.warehouse.read_bytes()).hexdigest()
    built = slim.build(place.root / "state", place)
    assert built.counts["model"] == 1
    assert tables(place.ci_warehouse) == {"licenses"}
    old = repositories_by_license(place.warehouse)
    assert old == {"mit": 5, "apache-2.0": 0}
    new = repositories_by_license(place.ci_warehouse)
    assert new == {key: 1000 + count for key, count in old.items()}
    assert sha256(place.warehouse.read_bytes()).hexdigest() == before


def test_what_lies_below_a_change_is_built_as_well(place, changed):
    staging = changed / "staging" / "github" / "stg_github__languages.sql"
    edit(staging, "select * from renamed", "select * from renamed where language_name <> 'SQL'")
    built = slim.build(place.root / "state", place)
    assert built.counts["model"] == 2
    assert tables(place.ci_warehouse) == {"stg_github__languages", "languages"}
    assert len(rows(place.warehouse, "languages")) == 2
    (row,) = rows(place.ci_warehouse, "languages")
    assert row[:3] == ("1", "Python", 30)


def test_a_change_that_breaks_a_test_fails(place, changed):
    mart = changed / "marts" / "opensource" / "languages.sql"
    edit(mart, "nullif(sum(byte_count)", "nullif(2 * sum(byte_count)")
    with pytest.raises(BuildFailed, match="a_language_has_its_share_of_the_code"):
        slim.build(place.root / "state", place)


def test_nothing_changed_builds_nothing(place):
    assert slim.build(place.root / "state", place).node_count == 0


def test_no_production_database_is_written_to(place, monkeypatch):
    monkeypatch.setenv("DBT_TARGET", "snowflake")
    monkeypatch.setenv("SNOWFLAKE_DATABASE", "trendhouse")
    with pytest.raises(BuildFailed, match="'trendhouse', which is no pull request's"):
        slim.build(place.root / "state", place)


def test_what_is_missing_is_named(place, tmp_path):
    with pytest.raises(BuildFailed, match=r"There is no manifest\.json in .*sample/dbt"):
        slim.build(tmp_path, place)
    with pytest.raises(NoWarehouse, match="make run"):
        slim.build(place.root / "state", Place(tmp_path))


def test_a_mart_that_is_built_alone_is_all_that_an_upgrade_refreshes(place, monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_HOME", str(place.root.parent))
    monkeypatch.setenv("TRENDHOUSE_WORLD", "sample")
    monkeypatch.setattr(upgrade, "schema_version", lambda: "other code")
    steps.build(select="languages")
    remaining = upgrade.refreshes(place.warehouse).remaining
    assert "model.trendhouse.languages" not in remaining
    assert {"model.trendhouse.commits", "model.trendhouse.stg_github__languages"} <= {*remaining}
