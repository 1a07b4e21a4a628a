"""What `make airflow` is made of: its home, its processes, its mailbox; all of it together is in test_faults."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from cli import doctor
from cli.airflow import alone, channels, free_port
from orchestration.airflow_home import AirflowHome, parallelism
from orchestration.mailbox import HOOK, mailbox, page
from orchestration.standalone import Unpause, chosen_dags
from trendhouse.running import Locked, held_by
from trendhouse.sessions import Session, Sessions, end_sessions
from trendhouse.settings import Settings

# A task's process leaves its component's group as Airflow's do, and takes a while to end.
COMPONENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import os, time; os.setpgid(0, 0); time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def home(tmp_path) -> AirflowHome:
    return AirflowHome(tmp_path / "airflow")


@pytest.fixture
def component():
    process = subprocess.Popen(
        [sys.executable, "-c", COMPONENT], stdout=subprocess.PIPE, start_new_session=True
    )
    child = psutil.Process(int(process.stdout.readline()))
    yield process, child
    process.kill()
    process.wait()
    process.stdout.close()
    if child.is_running():
        child.kill()


def session_of(process: subprocess.Popen) -> Session:
    return Session(process.pid, psutil.Process(process.pid).create_time())


def test_the_password_is_made_once_and_readable_by_its_owner_alone(home):
    password = home.password()
    assert len(password) >= 12
    assert home.password() == password
    assert stat.S_IMODE(home.passwords.stat().st_mode) == 0o600


def test_what_the_operator_has_set_wins_over_what_is_provisioned(home, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "32")
    made = home.environment(8080)
    assert made["AIRFLOW__CORE__PARALLELISM"] == "32"
    assert made["AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS"] == "False"
    assert made["AIRFLOW__API__HOST"] == "127.0.0.1"
    monkeypatch.delenv("AIRFLOW__CORE__PARALLELISM")
    assert home.environment(8080)["AIRFLOW__CORE__PARALLELISM"] == str(parallelism())


def test_the_flow_is_let_run_and_the_warehouse_before_the_sources():
    dags = dict.fromkeys(["ingest_b", "selftest_single_api", "ingest_a", "build_warehouse"], True)
    assert chosen_dags(Unpause.flow, dags) == ["build_warehouse", "ingest_a", "ingest_b"]
    assert set(chosen_dags(Unpause.all, dags)) == set(dags)
    assert chosen_dags(Unpause.none, dags) == []


def test_a_taken_port_is_not_taken_again():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        taken = listening.getsockname()[1]
        assert free_port(taken) not in (0, taken)


def test_a_second_airflow_says_where_the_first_one_runs(home):
    with alone(home):
        home.state.write_text(json.dumps({"pid": 4711, "url": "http://127.0.0.1:8080"}))
        with pytest.raises(Locked, match=r"process 4711, at http://127\.0\.0\.1:8080"):
            alone(home).__enter__()
        assert held_by(home.lock)["pid"] == 4711
        found = {each.name: each.said for each in doctor.examine(Settings(home=home.root.parent))}
        assert found["airflow"].endswith("runs at http://127.0.0.1:8080")
    assert held_by(home.lock) is None


def test_what_a_killed_airflow_left_behind_is_ended_by_the_next(home, component):
    process, child = component
    home.root.mkdir()
    home.state.write_text(json.dumps({"sessions": {"scheduler": session_of(process)}}))
    with alone(home):
        assert process.wait(timeout=5) != 0
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_task_outside_the_group_of_its_component_ends_with_it(component):
    process, child = component
    began = time.monotonic()
    end_sessions([session_of(process)])
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert process.wait(timeout=5) != 0
    assert time.monotonic() - began < 10


def test_a_number_that_has_passed_on_to_others_is_left_alone(component):
    process, child = component
    end_sessions([Session(process.pid, session_of(process).began - 3600)])
    assert child.is_running() and process.poll() is None
    assert Sessions([Session(process.pid, 1.0)]).members() == []


def test_without_a_channel_alerts_are_kept_told_and_shown(home, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_SLACK_DEFAULT", raising=False)
    told = []
    message = {
        "text": "failure: ingest_x.land",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "failure: ingest_x.land"}},
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Rows*\n<b>7"}]},
            {"type": "section", "text": {"type": "mrkdwn", "text": "<http://127.0.0.1/log|Log>"}},
        ],
    }
    with mailbox(home.alerts, told.append) as box:
        assert box.url.endswith(HOOK)
        for _ in range(2):
            request = urllib.request.Request(box.url, json.dumps(message).encode())
            assert urllib.request.urlopen(request, timeout=10).read() == b"ok"
        shown = urllib.request.urlopen(box.url, timeout=10).read().decode()
    assert told == ["failure: ingest_x.land"] * 2
    assert shown.count("<article>") == 2 and shown == page(box.kept())
    assert "<b>Rows</b><br>&lt;b&gt;7" in shown
    assert '<a href="http://127.0.0.1/log">Log</a>' in shown


def test_with_a_channel_alerts_go_there_and_nowhere_else(home, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", '{"conn_type": "smtp"}')
    with channels(home) as page_of_alerts:
        assert page_of_alerts is None
