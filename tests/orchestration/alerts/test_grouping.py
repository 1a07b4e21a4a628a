"""What becomes a message: an outage is told in a handful, its repeats with their number, and its end."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from orchestration.alerts import Alert, Cause, grouping, send
from orchestration.alerts.alert import State
from orchestration.alerts.grouping import Grouping
from orchestration.alerts.wording import title
from trendhouse.settings import ROOT

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAILURE = Alert(
    Cause.FAILURE, "OSError: refused", dag_id="ingest_github", task_id="land", run_id="r1", at=NOON,
    is_end=True,
)  # fmt: skip
SUCCESS = Alert(Cause.SUCCESS, "The run succeeded.", dag_id="ingest_github", run_id="r2", at=NOON)


class Clock:
    """A gate, and what it lets through minute by minute."""

    def __init__(self, path, limit=20):
        self.grouping = Grouping(path, "slack", HOUR, limit)
        self.told: list[Alert] = []

    def at(self, minutes: float, alert: Alert, **changed: object) -> list[str]:
        """The titles of the messages that an alert leads to, so many minutes after noon."""
        now = NOON + timedelta(minutes=minutes)
        admitted = self.grouping.admit(replace(alert, at=now, **changed), now)
        for message in admitted:
            self.grouping.settle(message, now, is_delivered=True)
        self.told += admitted
        return [title(message) for message in admitted]


@pytest.fixture
def clock(tmp_path) -> Clock:
    return Clock(tmp_path / "alerts.json")


def test_the_first_is_told_at_once_and_repeats_are_told_as_one(clock):
    assert clock.at(0, FAILURE) == ["failure: ingest_github.land"]
    assert [clock.at(minute, FAILURE) for minute in range(1, 60)] == [[]] * 59
    assert clock.at(60, FAILURE) == ["60 x failure: ingest_github.land"]
    assert (clock.told[-1].state, clock.told[-1].since) == (State.REPEATED, NOON)
    assert clock.at(61, FAILURE) == []


def test_three_hundred_failures_of_one_outage_are_a_handful_of_messages_with_their_number(clock):
    for number in range(300):
        clock.at(number / 10, FAILURE, run_id=f"r{number}", task_id=f"task_{number % 7}")
    assert [title(each) for each in clock.told] == ["failure: ingest_github.task_0"]
    assert clock.at(45, SUCCESS, run_id="r300") == ["recovered from failure: ingest_github"]
    end = clock.told[-1]
    assert end.what == "The run succeeded. Before it: 300 x failure."
    assert (end.count, end.since, end.state) == (300, NOON, State.RECOVERED)


def test_one_message_for_many_names_the_tasks_that_failed(clock):
    clock.at(0, FAILURE)
    for number in range(30):
        clock.at(1, FAILURE, task_id=f"model_{number % 10}" if number % 3 else "model_0")
    assert clock.at(61, FAILURE) == ["31 x failure: ingest_github.land"]
    assert clock.told[-1].details == (
        "model_0: 12 x",
        *(f"model_{number}: 2 x" for number in range(1, 8)),
        "and 3 tasks more",
    )


def test_what_was_only_counted_is_told_when_anything_else_happens(clock):
    clock.at(0, FAILURE)
    clock.at(1, FAILURE)
    other = replace(SUCCESS, dag_id="compact_lake")
    assert clock.at(59, other) == ["success: compact_lake"]
    assert clock.at(61, other) == ["failure: ingest_github.land"]
    assert (clock.told[-1].state, clock.told[-1].count) == (State.REPEATED, 1)
    assert clock.at(200, other) == []


def test_different_causes_and_places_are_told_apart(clock):
    assert clock.at(0, FAILURE)
    assert clock.at(0, FAILURE, dag_id="ingest_endoflife") == ["failure: ingest_endoflife.land"]
    assert clock.at(0, FAILURE, cause=Cause.DRIFT) == ["schema drift: ingest_github.land"]
    assert clock.at(0, FAILURE, cause=Cause.STALE, source="gharchive")
    assert clock.at(1, FAILURE, source="github") == []


def test_an_outage_of_everything_stays_under_the_limit_and_nothing_is_lost(tmp_path):
    clock = Clock(tmp_path / "alerts.json", limit=5)
    for number in range(40):
        clock.at(number / 10, FAILURE, dag_id=f"dag_{number}")
    assert len(clock.told) == 5
    assert clock.told[-1].details == ("This is message 5 within 1:00:00: more are held back.",)
    told_later = [clock.at(70 + 61 * turn, SUCCESS, dag_id=f"calm_{turn}") for turn in range(9)]
    assert all(len(titles) <= 5 for titles in told_later)
    assert {each.dag_id for each in clock.told} >= {f"dag_{number}" for number in range(40)}
    memory = json.loads((tmp_path / "alerts.json").read_text())
    assert memory["slack"]["held_back"] >= 35


def test_a_retry_that_helped_is_told_as_over(clock):
    assert clock.at(0, FAILURE, cause=Cause.RETRY, attempt="1/3", is_end=False)
    assert clock.at(5, SUCCESS, run_id="r1") == ["recovered from up for retry: ingest_github"]
    assert clock.at(6, FAILURE) == ["failure: ingest_github.land"]


def test_one_message_ends_all_troubles_of_a_dag(clock):
    for cause in (Cause.RETRY, Cause.FAILURE, Cause.DEADLINE):
        clock.at(0, FAILURE, cause=cause, is_end=cause is Cause.FAILURE)
    assert clock.at(9, SUCCESS) == ["recovered from failure: ingest_github"]
    assert clock.told[-1].what == (
        "The run succeeded. Before it: 1 x up for retry, 1 x failure, 1 x deadline missed."
    )


@pytest.mark.parametrize("cause", [Cause.PARTIAL, Cause.QUOTA, Cause.DRIFT, Cause.COMPLETENESS])
def test_what_a_run_tells_of_itself_is_over_only_with_the_next(clock, cause):
    assert clock.at(0, FAILURE, cause=cause, is_end=False)
    assert clock.at(1, SUCCESS, run_id="r1") == ["success: ingest_github"]
    assert clock.at(90, SUCCESS, run_id="r2") == [f"recovered from {cause}: ingest_github"]


def test_a_run_that_is_mended_and_succeeds_after_all_is_over(clock):
    clock.at(0, FAILURE, cause=Cause.STALE)
    assert clock.at(9, SUCCESS, run_id="r1") == ["recovered from source stale: ingest_github"]


def test_successes_are_told_once_a_day(clock):
    assert clock.at(0, SUCCESS) == ["success: ingest_github"]
    assert [clock.at(60 * hour, SUCCESS, run_id=f"r{hour}") for hour in range(1, 24)] == [[]] * 23
    assert clock.at(60 * 24, SUCCESS) == ["24 x success: ingest_github"]


def test_a_run_s_failure_is_told_only_if_no_task_has_told_its_own(clock):
    of_run = replace(FAILURE, task_id="", what="The run failed.")
    clock.at(0, FAILURE, cause=Cause.EXPECTATIONS)
    assert clock.at(1, of_run) == []
    assert clock.at(2, of_run, run_id="r2") == ["failure: ingest_github"]


def test_a_quota_that_was_spent_does_not_hide_that_the_run_was_killed_later(clock):
    clock.at(0, FAILURE, cause=Cause.QUOTA, is_end=False)
    assert clock.at(1, FAILURE, task_id="") == ["failure: ingest_github"]


def test_the_self_test_is_told_every_time(clock):
    for minute in range(30):
        assert clock.at(minute, FAILURE, is_grouped=False) == ["failure: ingest_github.land"]
    assert clock.at(31, FAILURE) == ["failure: ingest_github.land"], "it left nothing open"


def test_what_could_not_be_delivered_is_due_again_after_a_minute(clock):
    (first,) = clock.grouping.admit(FAILURE, NOON)
    clock.grouping.settle(first, NOON, is_delivered=False)
    assert clock.at(0.5, FAILURE) == []
    assert clock.at(1, FAILURE) == ["3 x failure: ingest_github.land"]


def test_an_end_that_could_not_be_told_is_told_by_the_next_success(clock):
    clock.at(0, FAILURE)
    (end,) = clock.grouping.admit(SUCCESS, NOON + HOUR)
    clock.grouping.settle(end, NOON + HOUR, is_delivered=False)
    assert clock.at(70, SUCCESS, run_id="r3") == ["recovered from failure: ingest_github"]
    assert clock.told[-1].what == "The run succeeded. Before it: 1 x failure."
    assert clock.at(80, SUCCESS, run_id="r4") == ["success: ingest_github"]


def test_the_memory_stays_small(clock, monkeypatch):
    monkeypatch.setattr(grouping, "MOST_GROUPS", 20)
    for number in range(30):
        clock.at(number * 60, FAILURE, dag_id=f"dag_{number}")
    groups = json.loads(clock.grouping.path.read_text())["slack"]["groups"]
    assert [group["dag_id"] for group in groups.values()] == [f"dag_{n}" for n in range(10, 30)]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"slack": {"groups": {"x": 3}}}'])
def test_a_memory_that_was_broken_is_begun_anew(clock, content):
    clock.grouping.path.write_text(content)
    assert clock.at(0, FAILURE) == ["failure: ingest_github.land"]
    assert clock.at(1, FAILURE) == []


SENDING = """
from orchestration.alerts import Alert, Cause, send
import sys
for number in range(40):
    send(Alert(Cause.FAILURE, "OSError: refused", dag_id="ingest_github", task_id="land",
               run_id=f"{sys.argv[1]}_{number}", is_end=True))
"""


def test_two_processes_that_fail_at_once_send_one_message_and_count_every_failure(
    slack, mailbox, home
):
    processes = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", SENDING, str(each)], cwd=ROOT)
        for each in range(2)
    ]
    assert [process.wait(timeout=240) for process in processes] == [0] * 2
    assert len(slack.bodies) == len(mailbox.mails) == 1
    assert send(replace(SUCCESS, at=datetime.now(UTC))) == ["slack", "mail"]
    assert [body["text"] for body in slack.bodies] == [
        "failure: ingest_github.land",
        "recovered from failure: ingest_github",
    ]
    assert "Before it: 80 x failure." in slack.bodies[1]["blocks"][1]["text"]["text"]
    assert "<p>The run succeeded. Before it: 80 x failure.</p>" in mailbox.bodies[1]
    memory = json.loads((home / "alerts.json").read_text())
    assert [memory[name]["delivered"] for name in ("slack", "mail")] == [2, 2]


def test_on_a_full_disk_people_are_told_all_the_same(slack, home):
    home.parent.joinpath("sample").write_text("no folder")
    assert send(FAILURE) == ["slack"]


def test_messages_come_in_the_order_of_what_happened(clock):
    for minute in range(0, 300, 7):
        clock.at(minute, FAILURE)
    assert all(one.at < other.at for one, other in pairwise(clock.told))
