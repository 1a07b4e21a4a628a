"""DuckDB's file when somebody else holds it, and when it is no database."""

from __future__ import annotations

import os
import subprocess
import sys

import duckdb
import pytest

from trendhouse.running import Locked
from trendhouse.state import StateBroken
from warehouse import file as warehouse_file
from warehouse.file import opened, require_free

HOLD = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table numbers as select range as n from range(200000)")
    return path


def test_who_holds_the_file_is_named_with_a_remedy(file, monkeypatch):
    monkeypatch.setattr(warehouse_file, "PATIENCE_SECONDS", 0.0)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Locked, match=f"Process {holder.pid} .*`kill {holder.pid}`"):
        require_free(file)
    holder.kill()
    holder.communicate()
    require_free(file)


def test_half_a_file_is_told_as_broken(file):
    os.truncate(file, file.stat().st_size // 2)
    with (
        pytest.raises(StateBroken, match=r"is broken .*`trendhouse repair`"),
        opened(file) as connection,
    ):
        connection.execute("select sum(n) from numbers")


def test_a_file_that_is_there_and_free_is_read(file):
    with opened(file) as connection:
        assert connection.execute("select count(*) from numbers").fetchall() == [(200000,)]
