"""One run at a time, what it leaves behind, and what it never writes down."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from orchestration.display import Line
from trendhouse.redaction import Redaction
from trendhouse.running import (
    DiskFull,
    Locked,
    all_locks,
    check_disk,
    guarded,
    holders,
    locks_of,
)
from trendhouse.settings import Settings

HOLD = """
import sys, time
from trendhouse.running import guarded
from trendhouse.settings import load_settings
locks = sys.argv[2:] or None
with guarded(load_settings(), "run", locks=locks):
    print("held", flush=True)
    time.sleep(float(sys.argv[1]))
"""
TOKEN = "ghp_" + "a1B2" * 9


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_TOKENS", raising=False)
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    return Settings(home=tmp_path, world="sample")


@pytest.fixture
def holder(settings):
    """Starts another process that holds locks (all of the world's) for so many seconds."""
    processes = []

    def hold(seconds: float, *locks: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(seconds), *locks],
            env={**os.environ, "TRENDHOUSE_HOME": str(settings.home), "TRENDHOUSE_WORLD": "sample"},
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in processes:
        process.kill()
        process.communicate()


def record_of(settings: Settings) -> dict:
    (path,) = settings.place.runs.glob("*.json")
    return json.loads(path.read_text())


def log_of(settings: Settings) -> str:
    (path,) = settings.place.logs.glob("*.log")
    return path.read_text()


def test_a_second_run_is_told_who_holds_the_lock(settings, holder):
    process = holder(60)
    with pytest.raises(Locked) as refusal, guarded(settings, "run"):
        pass
    assert str(process.pid) in str(refusal.value)
    assert os.uname().nodename in str(refusal.value)
    assert "--wait" in str(refusal.value)


def test_a_second_run_that_waits_gets_its_turn(settings, holder, capfd):
    holder(1.5)
    began = time.monotonic()
    with guarded(settings, "run", wait=True):
        waited = time.monotonic() - began
    assert waited > 0.5
    assert "Waiting: Another run works in this world" in capfd.readouterr().err


def test_a_killed_run_leaves_no_lock(settings, holder):
    process = holder(60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert holders(settings.place) == []
    with guarded(settings, "run") as record:
        assert record.run_id


def test_who_holds_the_lock_can_be_asked(settings, holder):
    assert holders(settings.place) == []
    process = holder(60)
    (who,) = holders(settings.place)
    assert who["pid"] == process.pid


def test_a_run_that_waits_so_long_is_told_who_held_it_up(settings, holder, capfd):
    process = holder(60)
    with (
        pytest.raises(Locked, match=rf"process {process.pid} .* Waited for 0\.\d+ s"),
        guarded(settings, "land", wait=0.4),
    ):
        pass
    assert "Waiting: " in capfd.readouterr().err


def test_two_sources_land_beside_each_other(settings, holder):
    holder(60, *locks_of("land", ["gharchive"]))
    with guarded(settings, "land", locks=locks_of("land", ["github"])) as record:
        assert record.run_id
    with pytest.raises(Locked), guarded(settings, "run"):
        pass


@pytest.mark.parametrize(
    ("one", "other", "is_possible"),
    [
        (("land", ["github"]), ("land", ["github"]), False),
        (("land", ["github"]), ("deduplicate", ["github"]), False),
        (("land", ["github"]), ("deduplicate", ["gharchive"]), True),
        (("deduplicate", ["github"]), ("deduplicate", ["gharchive"]), False),
        (("deduplicate", ["github"]), ("build", []), False),
        (("land", ["github"]), ("build", []), True),
        (("check_clean", ["github"]), ("deduplicate", ["github"]), False),
        (("check_clean", ["github"]), ("deduplicate", ["gharchive"]), True),
        (("check_clean", ["github"]), ("check_marts", []), False),
        (("deduplicate", ["github"]), ("publish", []), True),
        (("build", []), ("publish", []), False),
        (("compact", ["github"]), ("land", ["github"]), False),
    ],
)
def test_steps_run_beside_each_other_where_they_share_nothing(one, other, is_possible):
    assert set(locks_of(*one)).isdisjoint(locks_of(*other)) is is_possible


def test_every_lock_of_a_step_is_one_of_the_world_s():
    steps = ("land", "deduplicate", "check_clean", "build", "check_marts", "publish", "compact")
    for step in (*steps, "retain", "backup", "restore"):
        assert set(locks_of(step, ["github"])) <= set(all_locks()), step


def test_runs_beside_each_other_have_ids_of_their_own(settings, holder):
    for source in ("gharchive", "github", "endoflife"):
        holder(60, *locks_of("land", [source]))
    assert len(list(settings.place.runs.glob("*.json"))) == 3
    assert len(holders(settings.place)) == 3


def test_worlds_do_not_lock_each_other(settings, holder):
    holder(60)
    with guarded(Settings(home=settings.home, world="recorded"), "run") as record:
        assert record.command == "run"


def test_a_full_disk_stops_a_run_before_it_begins(settings):
    settings.min_free_gb = 1e9
    with pytest.raises(DiskFull, match="a run needs 1e"), guarded(settings, "run"):
        pytest.fail("the run began")
    assert holders(settings.place) == []


def test_enough_disk_lets_a_run_begin(tmp_path):
    assert check_disk(tmp_path, 0.0) is None


def test_a_run_leaves_a_record_of_its_steps_and_its_exit(settings):
    line = Line("land github", "done", "12 rows", 12, 0.0, 1.5)
    report = SimpleNamespace(
        broken=[], failures=["github: a page is missing"], refused=None, exit_code=3
    )
    with guarded(settings, "run") as record:
        record.keep({"land github": line}, report)
    kept = record_of(settings)
    assert kept["steps"] == [
        {"name": "land github", "state": "done", "detail": "12 rows", "rows": 12, "seconds": 1.5}
    ]
    assert kept["failures"] == ["github: a page is missing"]
    assert (kept["exit_code"], kept["error"]) == (3, None)
    assert kept["seconds"] >= 0


def test_a_run_under_way_has_a_record_without_an_exit(settings):
    with guarded(settings, "run"):
        assert record_of(settings)["exit_code"] is None


def test_an_error_is_logged_recorded_and_raised_on(settings):
    with pytest.raises(ZeroDivisionError), guarded(settings, "land"):
        1 / 0  # noqa: B018
    kept = record_of(settings)
    assert kept["exit_code"] == 1
    assert kept["error"] == "ZeroDivisionError: division by zero"
    assert "Traceback" in log_of(settings)


def test_the_log_of_a_run_has_its_id_and_what_was_logged(settings):
    with guarded(settings, "run") as record:
        logging.getLogger("ingestion").info("landed %d rows", 7)
    assert "INFO ingestion: landed 7 rows" in log_of(settings)
    assert (settings.place.logs / f"{record.run_id}.log").exists()


def test_after_a_run_nothing_more_goes_into_its_log(settings):
    with guarded(settings, "run"):
        pass
    logging.getLogger("ingestion").warning("late")
    assert "late" not in log_of(settings)


def test_runs_of_one_second_have_ids_of_their_own(settings):
    ids = []
    for _ in range(3):
        with guarded(settings, "run") as record:
            ids.append(record.run_id)
    assert len(set(ids)) == 3


def test_a_token_is_neither_logged_nor_recorded(settings, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "an-unusual-form-of-token")
    settings = Settings(home=settings.home, world="sample")
    with pytest.raises(RuntimeError), guarded(settings, "run"):
        logging.info("asked with %s", {"Authorization": "token an-unusual-form-of-token"})
        raise RuntimeError(f"rejected: an-unusual-form-of-token, {TOKEN}")
    written = log_of(settings) + json.dumps(record_of(settings))
    assert "an-unusual-form-of-token" not in written
    assert TOKEN not in written
    assert written.count("[redacted]") >= 3


@pytest.mark.parametrize(
    "said",
    [
        f"header {TOKEN}",
        "github_pat_" + "x1" * 15,
        "{'Authorization': 'Bearer abcdefgh12345678'}",
        "authorization: token abcdefgh12345678",
        "https://someone:abcdefgh12345678@example.org/x",  # pragma: allowlist secret
        "https://abcdefgh12345678@example.org/x",
        "s3://bucket/x?region=a&X-Amz-Signature=abcdefgh12345678",
        "https://example.org/x?access_token=abcdefgh12345678&page=2",
    ],
)
def test_whatever_looks_like_a_token_is_masked(said):
    masked = Redaction([]).text(said)
    assert "[redacted]" in masked
    assert "abcdefgh12345678" not in masked
    assert "x1x1" not in masked
    assert TOKEN not in masked


def test_ordinary_words_are_not_masked():
    said = "the live world needs a token: set GITHUB_TOKEN; see https://example.org/a:b and a@b"
    assert Redaction([]).text(said) == said


def test_a_run_and_what_it_starts_stand_back_for_servers(settings):
    code = (
        "import os, subprocess, sys\n"
        "from trendhouse.running import guarded\n"
        "from trendhouse.settings import load_settings\n"
        "with guarded(load_settings(), 'run'):\n"
        "    subprocess.run([sys.executable, '-c', 'import os; print(os.nice(0))'], check=True)\n"
    )
    asked = os.nice(0)
    for niceness, expected in (("0", asked), ("19", 19)):
        given = {"TRENDHOUSE_HOME": str(settings.home), "TRENDHOUSE_NICENESS": niceness}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **given},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        assert int(done.stdout) == expected
