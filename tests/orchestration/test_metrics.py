"""`trendhouse metrics`: each figure against another reading of the same files, and worlds that are broken."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingestion.budget import Cost
from ingestion.landing import Landing
from ingestion.limits import Quota, told
from orchestration.landings import keep
from orchestration.metrics import World, registry
from trendhouse.declared.sources import landed_specs
from trendhouse.settings import Settings
from warehouse.publish import publish

NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)


class Scrape:
    """One reading of /metrics: a figure by its name and labels, and what types were declared."""

    def __init__(self, text: str) -> None:
        self.families = {each.name: each for each in text_string_to_metric_families(text)}
        self.figures = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def of(self, name: str, **labels: str) -> float | None:
        return self.figures.get((f"trendhouse_{name}", frozenset(labels.items())))

    def all(self, name: str) -> dict[tuple[str, ...], float]:
        """Every figure of a name by its labels' values, the labels in order of their names."""
        return {
            tuple(value for _, value in sorted(labels)): figure
            for (each, labels), figure in self.figures.items()
            if each == f"trendhouse_{name}"
        }


@pytest.fixture
def scrape(house):
    from prometheus_client import generate_latest

    made = registry(lambda: Settings(home=house.place.root.parent, world="sample"))
    return lambda: Scrape(generate_latest(made).decode())


def record(house, run_id: str, command: str, exit_code: int | None, steps=(), seconds=10.0):
    """Write a run record as `trendhouse.running` does; steps are (name, state, seconds, rows)."""
    house.place.runs.mkdir(exist_ok=True)
    content = {
        "run_id": run_id,
        "command": command,
        "started_at": datetime.strptime(run_id[:16], "%Y%m%dT%H%M%SZ")
        .replace(tzinfo=UTC)
        .isoformat(),
        "seconds": None if exit_code is None else seconds,
        "exit_code": exit_code,
        "error": None,
        "failures": [],
        "steps": [
            {"name": name, "state": state, "detail": "", "seconds": took, "rows": rows}
            for name, state, took, rows in steps
        ],
    }
    (house.place.runs / f"{run_id}.json").write_text(json.dumps(content))


def clean_file(house, source: str, table: str, times: list[datetime]) -> None:
    folder = house.place.lake.clean_table(source, table)
    folder.mkdir(parents=True)
    values = ", ".join(f"(timestamp '{each:%Y-%m-%d %H:%M:%S}')" for each in times)
    duckdb.sql(
        f"copy (from (values {values}) as t(observed_at)) to '{folder / 'part.parquet'}' (format parquet)"
    )
    (folder / "_manifest.json").write_text(json.dumps({"files": ["part.parquet"]}))


def test_runs_and_steps_are_those_on_record(house, scrape):
    record(
        house,
        "20261102T060000Z",
        "run",
        3,
        [("land github", "partial", 4.5, 12), ("build", "done", 7.25, 90)],
    )
    record(house, "20261102T070000Z", "land gharchive", 1)
    record(house, "20261102T080000Z", "land gharchive", 0, seconds=3.5)
    record(house, "20261102T090000Z", "run", None)
    seen = scrape()
    assert seen.all("runs_total") == {("land", "0"): 1, ("land", "1"): 1, ("run", "3"): 1}
    assert seen.of("run_last_exit_code", command="run") == 3
    assert seen.of("run_last_duration_seconds", command="land") == 3.5
    began = datetime(2026, 11, 2, 8, tzinfo=UTC).timestamp()
    assert seen.of("run_last_start_timestamp_seconds", command="land") == began
    assert seen.all("step_last_duration_seconds") == {
        ("github", "land"): 4.5,
        ("gharchive", "land"): 3.5,
        ("", "build"): 7.25,
    }
    assert seen.of("step_last_rows", step="land", source="github") == 12
    states = {labels: value for labels, value in seen.all("step_last_state").items() if value}
    assert set(states) == {
        ("github", "partial", "land"),
        ("gharchive", "done", "land"),
        ("", "done", "build"),
    }
    ended = began + 3.5
    assert seen.of("step_last_success_timestamp_seconds", step="land", source="gharchive") == ended


def test_a_record_that_ends_between_two_scrapes_is_taken_in(house, scrape):
    record(house, "20261102T060000Z", "build", None)
    assert scrape().all("runs_total") == {}
    record(house, "20261102T060000Z", "build", 1)
    assert scrape().all("runs_total") == {("build", "1"): 1}
    assert scrape().all("runs_total") == {("build", "1"): 1}


def test_a_task_of_airflow_counts_as_the_step_that_it_runs(house, scrape):
    steps = [("land github", "partial", 2.5, 0)]
    record(house, "20261102T060000Z", "airflow land github", 1, steps)
    record(house, "20261102T070000Z", "airflow check_clean github", 4)
    seen = scrape()
    assert seen.all("runs_total") == {("check_clean", "4"): 1, ("land", "1"): 1}
    assert seen.of("step_last_state", step="land", source="github", state="failed") == 1
    assert seen.of("step_last_duration_seconds", step="land", source="github") == 2.5
    assert seen.all("step_last_success_timestamp_seconds") == {}
    assert seen.of("publication_refused") == 1


def test_a_refusal_holds_until_what_was_refused_goes_well(house, scrape):
    record(house, "20261102T060000Z", "publish", 4)
    assert scrape().of("publication_refused") == 1
    record(house, "20261102T070000Z", "publish", 0)
    record(house, "20261102T080000Z", "check_clean github", 4)
    assert scrape().of("publication_refused") == 1
    record(house, "20261102T090000Z", "check_clean github", 0)
    assert scrape().of("publication_refused") == 0


def test_landings_are_summed_and_quotas_told(house, scrape):
    told.clear()
    told["core"] = Quota(5000, 4321, 1_800_000_000.0)
    for requests in (30, 12):
        keep(
            house.place,
            Landing(
                "github",
                NOW,
                rows={"issues": 100, "forks": requests},
                costs={"issues": Cost(requests, 5, 2048)},
                seconds=requests / 2,
            ),
            NOW,
        )
    told.clear()
    seen = scrape()
    assert seen.all("landed_rows_total") == {("github", "issues"): 200, ("github", "forks"): 42}
    assert seen.of("landing_requests_total", source="github") == 42
    assert seen.of("landing_points_total", source="github") == 10
    assert seen.of("landing_received_bytes_total", source="github") == 4096
    assert seen.of("landing_last_requests", source="github") == 12
    assert seen.of("landing_last_duration_seconds", source="github") == 6
    assert seen.of("quota_remaining", source="github", resource="core") == 4321
    assert seen.of("quota_limit", source="github", resource="core") == 5000
    at = seen.of("quota_reset_timestamp_seconds", source="github", resource="core")
    assert at == 1_800_000_000


def test_freshness_is_the_age_of_the_newest_row_by_the_worlds_clock(house, scrape):
    times = [NOW - timedelta(hours=7), NOW - timedelta(hours=30)]
    clean_file(house, "gharchive", "events", times)
    keep(house.place, Landing("gharchive", NOW), NOW - timedelta(hours=2))
    seen = scrape()
    assert seen.all("source_age_seconds") == {("gharchive",): 7 * 3600}
    assert seen.all("source_newest_timestamp_seconds") == {("gharchive",): times[0].timestamp()}
    assert seen.all("source_confirmed_age_seconds") == {("gharchive",): 2 * 3600}
    promised = {(spec.name,): spec.freshness_hours * 3600 for spec in landed_specs()}
    assert seen.all("source_age_limit_seconds") == promised


def test_completeness_quarantine_and_drift_are_what_readers_see(house, scrape):
    house.reading("issues", "7", expected=1000, landed=990, floor=0.99)
    house.reading("issues", "8", expected=500, landed=300, action="flag")
    house.reading(
        "issues", "8", expected=500, landed=10, action="flag", day=NOW.date() - timedelta(1)
    )
    house.sql(
        "insert into marts.quarantine select 'gharchive', 'events', 'not JSON ' || i, '{', 'l1', "
        "timestamp '2026-11-02' from range(12) t(i)",
        "insert into marts.drift select 'github', 'issues', 'p' || i, 'unknown', 1, "
        "timestamp '2026-11-02', '1', 1 from range(3) t(i)",
    )
    publish(house.place)
    seen = scrape()
    issues = {"source": "github", "stream": "issues"}
    assert seen.of("capture_ratio", **issues) == 0.6
    assert seen.of("expected_records", **issues) == 1500
    assert seen.of("landed_records", **issues) == 1290
    assert seen.of("partitions_below_floor", **issues) == 1
    assert seen.of("capture_floor_ratio", **issues) == 0.99
    assert seen.all("quarantine_rows") == {("gharchive", "events"): 12}
    assert seen.all("drift_fields") == {("github",): 3}
    state = json.loads((house.place.published / "CURRENT.json").read_text())
    files = {
        name: [str(house.place.published / part["file"]) for part in mart["partitions"].values()]
        for name, mart in state["marts"].items()
    }
    counted = {
        (name,): duckdb.sql(f"select count(*) from read_parquet({paths})").fetchall()[0][0]
        for name, paths in files.items()
    }
    assert seen.all("published_rows") == counted
    assert seen.of("published_version") == state["version"]
    house.sql("insert into marts.drift values ('github', 'forks', 'q', 'unknown', 1, null, '1', 1)")
    publish(house.place)
    assert scrape().all("drift_fields") == {("github",): 4}


def test_sizes_are_those_of_the_files(house, scrape):
    clean_file(house, "gharchive", "events", [NOW])
    raw = house.place.lake.raw_table("github", "issues") / "2026" / "11" / "02"
    raw.mkdir(parents=True)
    (raw / "1.parquet").write_bytes(b"x" * 1000)
    (raw / "2.parquet").write_bytes(b"x" * 234)
    publish(house.place)
    seen = scrape()
    assert seen.of("lake_size_bytes", layer="raw", source="github") == 1234
    assert seen.of("lake_files", layer="raw", source="github") == 2
    file = house.place.lake.clean / "gharchive" / "events" / "part.parquet"
    assert seen.of("lake_size_bytes", layer="clean", source="gharchive") == file.stat().st_size
    assert seen.of("warehouse_size_bytes") == house.place.warehouse.stat().st_size
    du = subprocess.run(
        ["find", house.place.published, "-name", "*.parquet", "-printf", "%s\n"],
        capture_output=True,
        text=True,
    ).stdout
    assert seen.of("published_size_bytes") == sum(map(int, du.split()))


def test_a_world_that_is_not_there_is_down_and_nothing_crashes(tmp_path):
    from prometheus_client import generate_latest

    made = registry(lambda: Settings(home=tmp_path / "nowhere", world="live"))
    assert Scrape(generate_latest(made).decode()).figures == {("trendhouse_up", frozenset()): 0.0}


def test_a_broken_part_is_named_and_the_others_are_told(house, scrape):
    record(house, "20261102T060000Z", "run", 0)
    publish(house.place)
    assert scrape().of("up") == 1
    house.place.landings.mkdir()
    (house.place.landings / "github.json").write_text("{")
    (house.place.published / "CURRENT.json").write_text('{"version": 9, "published_at": 1}')
    seen = scrape()
    assert seen.of("up") == 0
    broken = {part for (part,), well in seen.all("scrape_part_success").items() if not well}
    assert broken == {"landings", "quotas", "freshness", "published"}
    assert seen.of("runs_total", command="run", exit_code="0") == 1


def test_names_follow_the_conventions_and_labels_are_bounded(house, scrape):
    record(house, "20261102T060000Z", "run", 0, [("build", "done", 1.0, 1)])
    house.reading("issues", "7", expected=10, landed=10)
    keep(house.place, Landing("github", NOW, rows={"issues": 1}), NOW)
    publish(house.place)
    seen = scrape()
    for name, family in seen.families.items():
        assert re.fullmatch(r"trendhouse_[a-z][a-z0-9_]*", name)
        assert not re.search(r"_(ms|milliseconds|minutes|hours|kb|mb|percent)(_|$)", name)
        names = {sample.name for sample in family.samples}
        assert all(each.endswith("_total") == (family.type == "counter") for each in names)
    labels = {label for _, pairs in seen.figures for label, _ in pairs}
    assert labels <= {
        *("source", "stream", "step", "state", "command", "exit_code"),
        *("resource", "layer", "mart", "part"),
    }


def test_the_command_prints_them_once_or_serves_them_on_loopback(house):
    publish(house.place)
    tool = Path(sys.executable).with_name("trendhouse")
    variables = {
        "TRENDHOUSE_HOME": str(house.place.root.parent),
        "TRENDHOUSE_WORLD": "sample",
        "PATH": "/usr/bin:/bin",
    }
    once = subprocess.run(
        [tool, "metrics", "--once"], env=variables, capture_output=True, text=True, check=True
    )
    assert Scrape(once.stdout).of("up") == 1
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [tool, "metrics", "--port", str(port)], env=variables, stdout=subprocess.PIPE, text=True
    )
    try:
        assert f"http://127.0.0.1:{port}/metrics" in server.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            assert Scrape(answer.read().decode()).of("published_version") == 1
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()


def test_two_scrapes_at_once_see_the_same_world(house):
    from concurrent.futures import ThreadPoolExecutor

    for number in range(20):
        record(house, f"20261102T0600{number:02d}Z", "build", 0)
    world = World(lambda: Settings(home=house.place.root.parent, world="sample"))

    def count(_: int) -> float:
        families = {each.name: each for each in world.collect()}
        return families["trendhouse_runs"].samples[0].value

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(count, range(16))) == {20}
