"""What the self-test does beside Airflow: the list that it asks for, and the file that it writes."""

from __future__ import annotations

from datetime import date

import pytest

from orchestration.selftest import SelftestFailed, address, export, fetch
from simulator.running import serve
from trendhouse.settings import load_settings

DAY = date(2026, 3, 31)


def test_the_simulator_serves_the_list_that_the_self_test_asks_for(monkeypatch):
    with serve() as server:
        monkeypatch.setenv("TRENDHOUSE_GITHUB_URL", f"{server.base_url}/")
        records = fetch(address(load_settings()))
        assert "mit" in {record["key"] for record in records}
        with pytest.raises(SelftestFailed, match="does not answer with a list of objects"):
            fetch(f"{server.base_url}/rate_limit")


def test_the_address_can_be_set(monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_SELFTEST_URL", "http://127.0.0.1:1/list")
    assert address(load_settings()) == "http://127.0.0.1:1/list"
    with pytest.raises(OSError, match="refused"):
        fetch(address(load_settings()))


def test_the_same_day_again_replaces_the_file(tmp_path):
    export([{"a": 1}, {"a": 2}], tmp_path, DAY)
    path = export([{"a": 3, "b": None}, {"b": {"c": "ü"}}], tmp_path, DAY)
    assert path == tmp_path / "success" / "data_20260331.csv"
    assert path.read_bytes().decode() == 'a,b\r\n3,\r\n,"{""c"": ""\\u00fc""}"\r\n'
    assert [each.name for each in path.parent.iterdir()] == ["data_20260331.csv"]
