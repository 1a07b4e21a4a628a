"""A bare `dbt build` works wherever one stands in the activated environment, and nothing is deprecated."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dbt.conftest import ROOT, Dbt, day

DBT = Path(sys.executable).parent / "dbt"


@pytest.fixture
def home(dbt: Dbt, tmp_path) -> Dbt:
    dbt.clean.deduplicate({"github.topics": [{"repository_id": 1, "topic_name": "sql"}]})
    return dbt


def run(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    result = subprocess.run(
        [DBT, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_a_bare_build_works_from_the_root_on_a_new_warehouse(home):
    said = run(ROOT, {}, "build", "--show-all-deprecations")

    assert home.mart("topics")[0][:2] == ("1", "sql")
    assert "ERROR=0" in said and "WARN=0" in said
    assert "eprecat" not in said, said
    versions = home.rows("select source_name, table_name, version from operations.clean_versions")
    assert versions == [("github", "topics", 1)]


def test_a_bare_build_works_from_the_project_folder(home):
    unset = {"DBT_PROJECT_DIR": "", "DBT_PROFILES_DIR": ""}
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    result = subprocess.run(
        [DBT, "build"], cwd=ROOT / "dbt_project", env=environment, capture_output=True
    )

    assert result.returncode == 0, result.stdout.decode()
    assert home.mart("topics")[0][:2] == ("1", "sql")


def test_freshness_says_how_old_a_source_is(dbt):
    dbt.clean.deduplicate({"endoflife.release_dates": [release_date()]})
    dbt("run", "--select", "stg_endoflife__release_dates")

    result = subprocess.run(
        [DBT, "source", "freshness", "--select", "source:endoflife.release_dates"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "ERROR STALE freshness of endoflife.release_dates" in result.stdout, result.stdout


def release_date() -> dict:
    stated = {"product": "python", "version": "3.12.0", "released_on": day("2023-10-02")}
    return {**stated, "file_format": "nested"}
