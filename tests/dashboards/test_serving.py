"""Start and end: what is kept between starts, who is refused, and that Ctrl-C leaves nobody behind."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile

import psutil
import pytest
import yaml

from cli import dashboards as dashboard_commands
from dashboards.server import DashboardsFailed
from tests.dashboards.api import Api
from trendhouse.errors import Exit
from trendhouse.settings import ROOT

PROGRAM = "from cli.main import main; main()"


def trendhouse(home, *arguments, **variables):
    """The command line over a home, as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "dashboards", *map(str, arguments)],
        env={
            **os.environ,
            "TRENDHOUSE_HOME": str(home),
            "TRENDHOUSE_WORLD": "sample",
            "PYTHONPATH": str(ROOT),
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process, seconds=60):
    """(exit code, what was said) of a process that ends by itself."""
    said, _ = process.communicate(timeout=seconds)
    return process.returncode, " ".join(said.split())


def test_a_second_one_over_the_same_world_is_refused(server, place):
    code, said = ended(trendhouse(place.root.parent))
    assert code == Exit.LOCKED
    assert server.url in said


def test_a_second_start_imports_nothing_again(server):
    before = Api(server.url, server.home.password).all("chart")
    server.end()
    assert not any(
        str(server.home.root) in " ".join(each.info["cmdline"] or [])
        or each.pid == server.process.pid
        for each in psutil.process_iter(["cmdline"])
    )
    server.start()
    after = Api(server.url, server.home.password).all("chart")
    assert {each["id"]: each["changed_on_utc"] for each in before} == {
        each["id"]: each["changed_on_utc"] for each in after
    }


def welcomed(process):
    """(address, password) that a start has printed."""
    while line := process.stdout.readline():
        if found := re.search(r"(http://\S+)\s+user admin\s+password (\S+)", line):
            return found.groups()
    raise AssertionError("it ended without a welcome")


def test_all_that_was_started_ends_with_a_killed_one_and_by_ctrl_c(server, place, tmp_path):
    world = tmp_path / "sample"
    shutil.copytree(place.published, world / "published")
    # A Superset that was filled before starts in seconds; its lock and state are another one's.
    shutil.copytree(server.home.root, world / "superset", ignore=shutil.ignore_patterns("server.*"))
    killed = trendhouse(tmp_path, "--port", 0)
    welcomed(killed)
    children = psutil.Process(killed.pid).children(recursive=True)
    assert children
    killed.kill()
    ended(killed)
    assert not psutil.wait_procs(children, timeout=10)[1]

    process = trendhouse(tmp_path, "--port", 0)
    url, password = welcomed(process)
    assert Api(url, password).all("dashboard")
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(signal.SIGINT)
    code, said = ended(process)
    assert (code, "Ending Superset" in said) == (0, True)
    assert not psutil.wait_procs(children, timeout=5)[1]
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{url}/health", timeout=2)


def test_without_a_publication_it_says_what_to_do(tmp_path):
    code, said = ended(trendhouse(tmp_path))
    assert code == Exit.USAGE
    assert "Nothing is published" in said and "make run" in said


def test_where_superset_is_not_installed_the_remedy_is_named(monkeypatch):
    from dashboards import server

    monkeypatch.setenv("TRENDHOUSE_VENV", "nowhere")
    with pytest.raises(DashboardsFailed, match="make dashboards"):
        server.executable()


def test_a_superset_that_ends_at_once_is_told_with_its_last_words(place, tmp_path):
    from dashboards.server import Server, SupersetHome

    home = SupersetHome(tmp_path / "superset")
    home.prepare()
    (home.root / "superset.db").mkdir()
    broken = Server(home, 9)
    began = time.monotonic()
    try:
        with pytest.raises(DashboardsFailed, match="ended with"):
            broken.start()
    finally:
        broken.end()
    assert time.monotonic() - began < 60


def test_a_bundle_with_its_tables_is_written(place, tmp_path):
    bundle, tables = tmp_path / "trendhouse.zip", tmp_path / "marts.duckdb"
    code, said = ended(trendhouse(place.root.parent, "--bundle", bundle, "--tables", tables))
    assert code == 0, said
    assert tables.stat().st_size > 0
    with zipfile.ZipFile(io.BytesIO(bundle.read_bytes())) as archive:
        database = yaml.safe_load(archive.read("trendhouse/databases/trendhouse.yaml"))
    assert database["sqlalchemy_uri"] == f"duckdb:///{tables}?access_mode=READ_ONLY"


def test_a_bundle_for_snowflake_names_the_account_and_no_secret(monkeypatch):
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "house-prod")
    monkeypatch.setenv("SNOWFLAKE_USER", "reader")
    monkeypatch.setenv("SNOWFLAKE_TOKEN", "not-to-be-seen")
    said = dashboard_commands.address(dashboard_commands.Warehouse.snowflake, None)
    assert said == (
        "snowflake://reader@house-prod/trendhouse?warehouse=trendhouse_reading&role=trendhouse_reader"
    )


def test_an_address_with_a_password_is_refused(tmp_path):
    file = tmp_path / "trendhouse.zip"
    secret = "snowflake://reader:" + "very-secret" + "@house-prod/trendhouse"
    code, said = ended(trendhouse(tmp_path, "--bundle", file, "--uri", secret))
    assert code == Exit.USAGE
    assert "holds a password" in said and "very-secret" not in said
    assert not file.exists()
