"""What dbt declares is what the source files declare, and every model says what it is."""

import json
from pathlib import Path

import pytest

from tests.dbt.conftest import ROOT, dbt_environment
from tests.dbt.source_files import source_file, source_yaml
from trendhouse.declared.sources import SourceSpec, load_specs

PROJECT = ROOT / "dbt_project"
SPECS = load_specs()
MARTS = {
    *(
        "commits",
        "commits_daily",
        "completeness",
        "contributor_weeks",
        "contributors",
        "drift",
        "events_hourly",
    ),
    *(
        "forks",
        "issues",
        "languages",
        "licenses",
        "products",
        "projects",
        "pull_requests",
        "quarantine",
    ),
    *(
        "release_cycles",
        "releases",
        "repositories",
        "repositories_daily",
        "repository_names",
        "tags",
    ),
    *("topics", "unresolved_rankings"),
}


@pytest.fixture(scope="module")
def manifest(dbt_folder) -> dict:
    from dbt.cli.main import dbtRunner

    with pytest.MonkeyPatch.context() as patch:
        for name, value in dbt_environment(dbt_folder).items():
            patch.setenv(name, value)
        assert dbtRunner().invoke(["--log-level-file", "none", "--quiet", "parse"]).success
    return json.loads((dbt_folder / "target" / "manifest.json").read_text())


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_source_file_declares_what_the_spec_declares(spec: SourceSpec):
    assert source_file(spec).read_text() == source_yaml(spec), (
        "run python tests/dbt/source_files.py"
    )


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_clean_table_is_staged(spec: SourceSpec):
    staged = {path.stem for path in (PROJECT / "models" / "staging" / spec.name).glob("*.sql")}
    assert staged == {f"stg_{spec.name}__{table}" for table in spec.tables}


def test_every_model_and_column_is_described_with_its_grain(manifest):
    for node in manifest["nodes"].values():
        if node["resource_type"] not in ("model", "snapshot"):
            continue
        assert "One row per" in node["description"], node["name"]
        for column in node["columns"].values():
            assert column["description"], f"{node['name']}.{column['name']}"


def test_the_marts_are_these_under_contract_and_read_by_someone(manifest):
    marts = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    assert {node["name"] for node in marts.values()} == MARTS
    assert all(node["config"]["contract"]["enforced"] for node in marts.values())
    exposed = {
        key
        for exposure in manifest["exposures"].values()
        for key in exposure["depends_on"]["nodes"]
    }
    assert set(marts) <= exposed


def test_every_column_that_a_model_selects_is_documented(dbt, manifest):
    dbt(
        "build",
        "--exclude",
        "resource_type:test",
        "resource_type:unit_test",
        "resource_type:snapshot",
    )
    built = dbt.rows("""
        select table_name, list(column_name order by column_name)
        from information_schema.columns
        where table_schema in ('staging', 'intermediate', 'marts')
        group by table_name
    """)
    described = {
        node["name"]: sorted(node["columns"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    assert dict(built) == described


def test_no_model_asks_which_warehouse_it_runs_on():
    texts = {
        path: path.read_text()
        for path in Path(PROJECT).rglob("*.sql")
        if "target" not in path.parts
    }
    assert len(texts) > 60
    assert [
        path for path, text in texts.items() if "target.type" in text or "target.name" in text
    ] == []
