"""What a newcomer does: clone, `make run`, and `make run` again, with nothing but what git carries."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from trendhouse.settings import Place
from warehouse.published import connect

ROOT = Path(__file__).parents[1]
OURS = ("TRENDHOUSE_", "DBT_", "GITHUB_TOKEN", "VIRTUAL_ENV")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone of what is committed."""
    folder = tmp_path_factory.mktemp("newcomer") / "trendhouse"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    return folder


def make(clone: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    done = subprocess.run(
        ["make", *arguments], cwd=clone, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def marts(clone: Path) -> dict[str, int]:
    connection = connect(Place(clone / ".trendhouse" / "sample"))
    names = connection.execute("select view_name from duckdb_views() where not internal").fetchall()
    return {
        name: connection.execute(f'select count(*) from "{name}"').fetchone()[0]
        for (name,) in names
    }


def test_a_newcomer_has_a_warehouse_and_a_second_run_adds_nothing(clone):
    assert "Published marts" in make(clone, "run")
    first = marts(clone)
    assert first["repositories"] > 100 and first["repositories_daily"] > first["repositories"]
    assert "Published marts" in make(clone, "run")
    assert marts(clone) == first
    built = subprocess.run(
        [". .venv/bin/activate && cd dbt_project && dbt build --select products"],
        shell=True,
        cwd=clone,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert (
        subprocess.run(
            ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True
        ).stdout
        == ""
    )
