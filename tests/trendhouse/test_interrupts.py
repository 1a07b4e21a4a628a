"""Ctrl-C, SIGTERM and SIGKILL: a command ends at once, says so, and nothing that it started outlives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ingestion.pipeline import stopping
from trendhouse.settings import ROOT

TRENDHOUSE = Path(sys.executable).parent / "trendhouse"
DLT = TRENDHOUSE.with_name("dlt")
PATIENCE_SECONDS = 60

# Does not take Ctrl-C for an answer: what it has to clean up takes long.
STUBBORN = """
import time
from trendhouse.terminable import interruptible
with interruptible(lambda: print("told", flush=True)):
    try:
        print("at work", flush=True)
        time.sleep(60)
    finally:
        time.sleep(60)
"""
# A command that is killed while its child, and in a session of its own also a grandchild, are at work.
PARENT = """
import subprocess, sys, time
from trendhouse.child import guarded_command
grandchild = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
process = subprocess.Popen(
    guarded_command([sys.executable, "-c", grandchild]), stdin=subprocess.PIPE, start_new_session=True
)
time.sleep(60)
"""


def wait_until(holds) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [
        ((TRENDHOUSE, "land"), signal.SIGINT, 130),
        ((TRENDHOUSE, "run"), signal.SIGTERM, 143),
        ((DLT, "pipeline", "github", "run"), signal.SIGINT, 130),
    ],
)
def test_a_command_that_is_told_to_end_says_so_in_a_line_and_a_record(
    tmp_path, command, number, code
):
    process = subprocess.Popen(
        command,
        env={**os.environ, "TRENDHOUSE_HOME": str(tmp_path), "TRENDHOUSE_WORLD": "sample"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    records = tmp_path / "sample" / "runs"
    wait_until(lambda: process.poll() is not None or any(records.glob("*.json")))
    time.sleep(1)
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == code, said
    assert f"Ended by {number.name}. What was finished stays" in said
    assert "Traceback" not in said
    (record,) = (json.loads(path.read_text()) for path in records.glob("*.json"))
    assert (record["exit_code"], record["error"]) == (code, f"interrupted by {number.name}")
    assert psutil.wait_procs(started, timeout=10)[1] == []


def test_the_second_signal_ends_a_command_on_the_spot():
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "told\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
    process.stdout.close()


def test_what_a_killed_command_started_ends_with_it():
    process = subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT)
    parent = psutil.Process(process.pid)
    wait_until(lambda: len(parent.children(recursive=True)) == 3)
    started = parent.children(recursive=True)
    process.kill()
    process.wait()
    assert psutil.wait_procs(started, timeout=10)[1] == []


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_a_pipeline_that_is_told_to_end_is_no_failure_of_its_source(ending):
    with pytest.raises(ending), stopping():
        try:
            raise ending
        except ending as error:
            raise RuntimeError("the step failed") from error


def test_a_source_that_fails_by_itself_stays_a_failure():
    with pytest.raises(RuntimeError, match="the step failed"), stopping():
        raise RuntimeError("the step failed") from ValueError("upstream")
