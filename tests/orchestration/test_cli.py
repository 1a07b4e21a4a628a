"""The command line: what people read when something is absent, wrong or contradictory."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from orchestration.cli import app


@pytest.fixture
def trendhouse(tmp_path, monkeypatch):
    """Runs the command in a home of its own; the result has exit_code, output and exception."""
    monkeypatch.setenv("TRENDHOUSE_HOME", str(tmp_path))
    monkeypatch.delenv("TRENDHOUSE_WORLD", raising=False)
    monkeypatch.setenv("TRENDHOUSE_MIN_FREE_GB", "0")
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_without_a_backup_restore_says_how_to_make_one(trendhouse):
    said = trendhouse("restore")
    assert said.exit_code == 0
    assert "No backup yet. `trendhouse backup` makes one." in said.output
