"""The real Prometheus and Alertmanager, with what is shipped, over a real Airflow: seen, and told."""

from __future__ import annotations

import re
import urllib.request
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import yaml

from deploy.grafana.__main__ import BOARDS
from tests.deploy import stack
from tests.deploy.metric_names import MADE, mapped, names_in, recorded
from tests.deploy.statsd_bridge import Bridge
from tests.house import House
from warehouse.publish import publish

ABSENT = stack.missing()
pytestmark = pytest.mark.skipif(
    bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)} (bin/programs installs them)"
)

DAGS = """
from datetime import UTC, datetime

from airflow.sdk import dag, task


ALWAYS = {"start_date": datetime(2026, 1, 1, tzinfo=UTC), "is_paused_upon_creation": False}


@dag(schedule="* * * * *", catchup=False, **ALWAYS)
def ingest_works():
    @task
    def land():
        return 1

    land()


@dag(schedule="@once", **ALWAYS)
def ingest_breaks():
    @task
    def land():
        raise RuntimeError("on purpose")

    land()


ingest_works()
ingest_breaks()
"""
# What the machine that tests may really suffer from.
OF_THE_HOST = {"DiskFilling", "HostRestarted", "MemoryShort"}
EXPECTED = {"DagFailing", "CaptureRateLow", "SourceStale"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A world whose published issues are below a floor that only flags; its sources never landed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRENDHOUSE_NOW", "2026-11-02T06:00:00Z")
        house = House(tmp_path_factory.mktemp("home") / "sample")
        house.reading("issues", "7", expected=1000, landed=900, action="flag")
        publish(house.place)
    return house.place


@pytest.fixture(scope="module")
def watched(tmp_path_factory, world):
    """Everything at work, the DAGs run through, their end seen by Prometheus."""
    folder = tmp_path_factory.mktemp("stack")
    (folder / "dags").mkdir()
    (folder / "dags" / "watched.py").write_text(DAGS)
    with (
        Bridge(stack.DEPLOY / "statsd" / "mapping.yml") as bridge,
        stack.scheduling(folder / "airflow", folder / "dags", bridge.statsd_port),
        stack.exporting(folder, world.root.parent) as metrics,
        stack.serving(folder, world.root.parent) as serving,
        stack.Sink() as sink,
    ):
        heartbeat = "airflow_scheduler_heartbeats_total"
        stack.wait_for("the scheduler", lambda: heartbeat in bridge.metrics.text())
        stack.wait_for("an answer", lambda: text_of(serving))
        urllib.request.urlopen(f"http://{serving}/api/v1/products", timeout=30).close()
        addresses = {
            "airflow": f"127.0.0.1:{bridge.port}",
            "trendhouse": metrics,
            "serving": serving,
        }
        with stack.watching(folder, sink, addresses) as prometheus:
            for state in ("success", "failed"):
                ended = f'airflow_dag_run_duration_seconds_count{{state="{state}"}} > 0'
                stack.wait_for(f"a DAG's {state}", lambda ended=ended: prometheus.query(ended))
            yield SimpleNamespace(
                prometheus=prometheus, sink=sink, metrics=metrics, serving=serving
            )


def text_of(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
        return answer.read().decode()


def test_a_dag_that_ran_is_seen_with_its_tasks(watched):
    def ended(dag_id: str) -> dict[str, float]:
        found = watched.prometheus.query(f'airflow_task_finishes_total{{dag_id="{dag_id}"}} > 0')
        return {each["metric"]["state"]: float(each["value"][1]) for each in found}

    assert set(ended("ingest_works")) == {"success"}
    assert ended("ingest_breaks") == {"failed": 1}
    idle = 'airflow_pool_open_slots{pool_name="default_pool"} == 128'
    stack.wait_for("an idle pool", lambda: watched.prometheus.query(idle))
    took = watched.prometheus.query('airflow_task_duration_seconds_sum{dag_id="ingest_works"}')
    assert 0 < float(took[0]["value"][1]) < 60


def test_no_series_is_of_a_single_run(watched):
    labels = {
        name for each in watched.prometheus.query('{job="airflow"}') for name in each["metric"]
    }
    assert labels & {"run_id", "dagrun_id", "job_id", "hostname"} == set()


def test_every_target_answers(watched):
    def answering() -> set[str]:
        return {each["metric"]["job"] for each in watched.prometheus.query("up == 1")}

    wanted = {"airflow", "trendhouse", "serving", "node", "prometheus", "alertmanager"}
    assert stack.wait_for("every target", lambda: answering() == wanted)
    assert watched.prometheus.query("up == 0") == []


def test_the_projects_own_metrics_arrive(watched):
    asked = 'trendhouse_capture_ratio{stream="issues"}'
    (rate,) = stack.wait_for("the first scrape", lambda: watched.prometheus.query(asked))
    assert float(rate["value"][1]) == 0.9
    assert watched.prometheus.query("trendhouse_up")[0]["value"][1] == "1"


def test_a_failing_dag_is_told_in_slack_with_when_why_and_what_to_do(watched):
    told = stack.wait_for("the message", lambda: watched.sink.told("DAG failing: ingest_breaks"))
    assert told["title"] == "🟠 DAG failing: ingest_breaks"
    assert "1 run(s) of it failed within the last hour." in told["text"]
    assert "*State* OK → ALARM" in told["text"]
    assert "`airflow dags list-runs ingest_breaks`" in told["text"]
    assert re.search(r"<http://[^|>]+\|See the figures>", told["text"])
    times = re.search(r"\*Time\* (\S+ \S+) KST \((\S+ \S+) UTC\)", told["text"])
    seoul, utc = (datetime.strptime(each, "%Y-%m-%d %H:%M:%S") for each in times.groups())
    assert seoul - utc == timedelta(hours=9)
    assert abs(utc.replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_floor_that_is_missed_is_told_with_source_and_stream(watched):
    told = stack.wait_for(
        "the message", lambda: watched.sink.told("capture rate low: github.issues")
    )
    assert "90% was kept in the worst partition" in told["text"]


def test_nothing_else_fires(watched):
    def firing() -> set[str]:
        return watched.prometheus.firing() - OF_THE_HOST

    assert stack.wait_for("these alerts and no other", lambda: firing() == EXPECTED)


def test_every_expression_asks_for_metrics_that_there_are_and_is_understood(watched):
    boards = [expression for board in BOARDS for expression in board.expressions]
    rules = [
        rule["expr"]
        for path in (stack.DEPLOY / "prometheus" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]
    seen = watched.prometheus.names()
    texts = text_of(watched.metrics) + text_of(watched.serving)
    declared = set(re.findall(r"^# TYPE (\S+)", texts, re.MULTILINE))
    there = seen | declared | mapped() | recorded() | MADE
    for expression in (*boards, *rules):
        watched.prometheus.query(expression)
        assert names_in(expression) - there == set(), expression
    named = set().union(*map(names_in, (*boards, *rules)))
    assert len(named) > 60
    # Some gauges come twice a minute; a deadline is not missed here.
    sent = named & mapped() - {"airflow_deadlines_missed_total"}
    stack.wait_for("all that Airflow sends", lambda: sent <= watched.prometheus.names())


def test_every_rule_can_be_evaluated_on_what_there_is(watched):
    groups = watched.prometheus.ask("rules")["groups"]
    health = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    assert len(health) >= 20
    assert set(health.values()) == {"ok"}


def test_what_recovers_is_told_as_well(watched, world):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRENDHOUSE_NOW", "2026-11-02T06:00:00Z")
        house = House.__new__(House)
        house.place = world
        house.sql("update marts.completeness set capture_rate = 1, is_below_floor = false")
        publish(world)
    told = stack.wait_for(
        "the recovery", lambda: watched.sink.told("recovered from capture rate low")
    )
    assert "*State* ALARM → OK" in told["text"]
    assert "What to do" not in told["text"]
