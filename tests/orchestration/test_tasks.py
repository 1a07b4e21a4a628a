"""How a task ends: what it hands on, what it tells, what is tried again and what is not."""

from __future__ import annotations

import json
import threading
import time

import pytest

from expectations.check import ExpectationsFailed
from ingestion.window import Window
from orchestration import alerts, steps, tasks
from orchestration.steps import Outcome
from trendhouse.running import DiskFull, Locked, locked, locks_of
from trendhouse.settings import load_settings
from warehouse import freshness
from warehouse.freshness import Age, SourcesStale
from warehouse.publish import PublicationBlocked

sdk = pytest.importorskip("airflow.sdk.exceptions", reason="Airflow is not installed")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("TRENDHOUSE_WORLD", "sample")
    monkeypatch.setenv("TRENDHOUSE_LOCK_WAIT_SECONDS", "0.3")
    monkeypatch.delenv("GITHUB_TOKENS", raising=False)
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    return load_settings().place


@pytest.fixture
def told(monkeypatch):
    """The alerts that were sent."""
    sent = []
    monkeypatch.setattr(alerts, "send", sent.append)
    return sent


def ends(monkeypatch, step: str, outcome: Outcome | Exception):
    """Let a step end like this."""

    def act(*sources, settings, progress, **arguments):
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(steps, step, act)


def record(place) -> dict:
    (path,) = place.runs.glob("*.json")
    return json.loads(path.read_text())


def test_what_was_done_is_handed_on_as_plain_values(place, told, monkeypatch):
    ends(monkeypatch, "land", Outcome("12 rows", rows=12))
    summary = tasks.run_step("land", "github")
    assert json.loads(json.dumps(summary)) == summary
    assert (summary["state"], summary["rows"], summary["failures"]) == ("done", 12, [])
    assert told == []
    kept = record(place)
    assert (kept["command"], kept["exit_code"]) == ("airflow land github", 0)
    assert kept["steps"][0]["rows"] == 12


def test_a_partial_landing_succeeds_names_what_failed_and_is_told(place, told, monkeypatch):
    failures = [f"github: issues {number}: 500" for number in range(30)]
    ends(monkeypatch, "land", Outcome("12 rows", rows=12, failures=failures))
    summary = tasks.run_step("land", "github")
    assert (summary["state"], summary["failure_count"]) == ("partial", 30)
    assert summary["failures"] == failures[: tasks.SHOWN]
    assert [alert.cause for alert in told] == [alerts.Cause.PARTIAL]
    assert told[0].source == "github"
    assert record(place)["exit_code"] == 3


def test_a_step_that_is_done_stays_done_where_telling_fails(place, monkeypatch, caplog):
    ends(monkeypatch, "land", Outcome("12 rows", rows=12))
    monkeypatch.setattr(alerts, "alerts_of", lambda found, source: 1 / 0)
    assert tasks.run_step("land", "github")["rows"] == 12
    assert "could not be told" in caplog.text


def test_a_landing_that_came_to_nothing_is_tried_again(place, told, monkeypatch):
    ends(monkeypatch, "land", Outcome("0 rows", failures=["github: * *: ConnectionError"]))
    with pytest.raises(tasks.StepFailed, match="ConnectionError"):
        tasks.run_step("land", "github")
    assert told == []


def test_a_crash_of_our_own_is_a_failure(place, told, monkeypatch):
    ends(monkeypatch, "land", Outcome("9 rows", rows=9, crashes=["github: * *: KeyError: 'id'"]))
    with pytest.raises(tasks.StepFailed, match="KeyError"):
        tasks.run_step("land", "github")
    assert record(place)["exit_code"] == 1


@pytest.mark.parametrize(
    ("step", "source", "error"),
    [
        ("check_clean", "github", ExpectationsFailed("github.issues: id is null")),
        ("publish", None, PublicationBlocked("Publication refused")),
        ("check_freshness", None, SourcesStale("gharchive: nothing new for 9 hours")),
    ],
)
def test_a_refusal_is_not_tried_again(place, told, monkeypatch, step, source, error):
    ends(monkeypatch, step, error)
    with pytest.raises(sdk.AirflowFailException, match=str(error)) as raised:
        tasks.run_step(step, source)
    assert raised.value.__cause__ is error
    assert told == [], "the failure's callback tells it, once"


def test_a_publication_names_the_run_that_made_it(place, told, monkeypatch):
    given = {}
    monkeypatch.setattr(steps, "publish", lambda **named: given.update(named) or Outcome("done"))
    summary = tasks.run_step("publish")
    assert given["run_id"] == summary["run_id"] == record(place)["run_id"]


def test_a_full_disk_is_tried_again(place, told, monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_MIN_FREE_GB", "1e9")
    with pytest.raises(DiskFull):
        tasks.run_step("land", "github")


@pytest.mark.parametrize(("held", "is_held_up"), [("source-github", True), ("clean", False)])
def test_a_task_waits_for_its_own_locks_alone_and_not_for_ever(
    place, told, monkeypatch, held, is_held_up
):
    ends(monkeypatch, "land", Outcome("1 row", rows=1))
    place.locks.mkdir(parents=True)
    with locked(place.locks / f"{held}.lock", "trendhouse land", wait=False):
        if is_held_up:
            with pytest.raises(Locked, match=r"Waited for 0\.\d"):
                tasks.run_step("land", "github")
        else:
            assert tasks.run_step("land", "github")["rows"] == 1


def test_a_task_goes_on_once_the_holder_is_done(place, told, monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_LOCK_WAIT_SECONDS", "30")
    ends(monkeypatch, "land", Outcome("1 row", rows=1))
    place.locks.mkdir(parents=True)
    (name,) = locks_of("land", ["github"])
    is_held = threading.Event()

    def hold() -> None:
        with locked(place.locks / f"{name}.lock", "trendhouse land", wait=False):
            is_held.set()
            time.sleep(0.5)

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(10)
    assert tasks.run_step("land", "github")["rows"] == 1
    holder.join()


def test_days_are_both_included():
    from datetime import UTC, datetime

    assert tasks.days("2026-10-05", "2026-10-06") == Window(
        datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 7, tzinfo=UTC)
    )


@pytest.mark.parametrize("days", [("2026-10-06", "2026-10-05"), (None, "2026-10-05"), ("", None)])
def test_days_that_are_none_end_the_task(days):
    with pytest.raises(sdk.AirflowFailException):
        tasks.days(*days)


def test_a_stale_source_is_named_with_its_age_and_its_limit(place, monkeypatch):
    from datetime import timedelta

    now = load_settings().clock()
    found = [
        Age("gharchive", now - timedelta(hours=9), 9.0, 6),
        Age("github", now, 0.0, 24),
    ]
    monkeypatch.setattr(freshness, "ages", lambda place, now: found)
    with pytest.raises(SourcesStale) as stale:
        steps.check_freshness(load_settings())
    assert str(stale.value).startswith("gharchive: nothing new for 9 hours, its limit is 6 ")
    assert "github:" not in str(stale.value)
    (alert,) = alerts.alerts_of(stale.value)
    assert alert.cause is alerts.Cause.STALE
    said = " ".join([alert.what, *alert.details])
    assert "gharchive" in said and "9 hours" in said and "limit is 6" in said


def test_tables_without_rows_have_no_age(tmp_path):
    result = tmp_path / "sources.json"
    times = {
        "a.b.github.issues": "2026-11-02T06:00:00+00:00",
        "a.b.github.tags": "0001-01-01T00:00:00+00:00",
    }
    entries = [{"unique_id": name, "max_loaded_at": time} for name, time in times.items()]
    entries.append({"unique_id": "a.b.github.forks", "error": "no such table"})
    result.write_text(json.dumps({"results": entries}))
    assert list(freshness.times_of(result)) == ["a.b.github.issues"]


def test_a_live_world_without_tokens_takes_those_of_the_connection(place, told, monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_WORLD", "live")
    monkeypatch.setenv(
        "AIRFLOW_CONN_GITHUB_DEFAULT", '{"conn_type": "http", "password": "one,two"}'
    )
    with tasks.credentials() as settings:
        assert settings.tokens == ["one", "two"]
    assert load_settings().tokens == []
