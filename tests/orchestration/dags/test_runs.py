"""Every ingest and maintenance DAG runs for real, on a small part of the sample world."""

from __future__ import annotations

from datetime import timedelta

import pyarrow.parquet as pq
import pytest

from simulator.running import serve
from trendhouse.declared.sources import landed_specs
from trendhouse.settings import ROOT, Place, Settings
from trendhouse.worlds import SAMPLE_NOW, sample_variables

SOURCES = [spec.name for spec in landed_specs()]
DAYS = {"2025-03-03", "2025-03-04"}
HISTORY = {"since": "2025-03-03", "until": "2025-03-04"}
RUNS = {
    **{name: ("sources.py", f"ingest_{name}", {}) for name in SOURCES},
    "history": ("maintenance.py", "backfill_source", {"source": "github_ranking", **HISTORY}),
    "repeated": ("maintenance.py", "backfill_source", {"source": "github_ranking", **HISTORY}),
    "no_history": ("maintenance.py", "backfill_source", {"source": "github", **HISTORY}),
    "no_days": ("maintenance.py", "backfill_source", {"source": "gharchive"}),
    "compact": ("maintenance.py", "compact_lake", {}),
    "retain": ("maintenance.py", "retain_lake", {}),
    "fresh": ("maintenance.py", "check_freshness", {}),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The folder of a small sample world, and the environment that finds it and its simulator."""
    folder = tmp_path_factory.mktemp("world")
    rows = (ROOT / "simulator" / "watchlist.csv").read_text().splitlines()
    kept = [row for row in rows if ",github," in row][:2]
    kept += [row for row in rows if ",endoflife," in row][:2]
    (folder / "watchlist.csv").write_text("\n".join([rows[0], *kept]) + "\n")
    with serve(now=SAMPLE_NOW.isoformat()) as simulator:
        yield (
            folder,
            {
                **sample_variables(simulator.base_url, Settings(home=folder)),
                "TRENDHOUSE_HOME": str(folder),
                "TRENDHOUSE_WORLD": "sample",
                "TRENDHOUSE_NOW": SAMPLE_NOW.isoformat(),
                "TRENDHOUSE_WATCHLIST": str(folder / "watchlist.csv"),
                "TRENDHOUSE_GHARCHIVE_HOURS": "2",
                "TRENDHOUSE_RANKING_DAYS": "2",
                "TRENDHOUSE_SPARK_MEMORY": "1g",
                "TRENDHOUSE_GITHUB_PATIENCE": "0.005",
                "TRENDHOUSE_RAW_RETENTION_DAYS": "1",
            },
        )


@pytest.fixture(scope="module")
def ended(airflow_home, world):
    """What became of each run, by its name in RUNS; one after the other, in this order."""
    _, variables = world
    return dict(zip(RUNS, airflow_home.test_all(*RUNS.values(), **variables), strict=True))


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_lands_and_becomes_clean(ended, source):
    run = ended[source]
    assert run.tasks == dict.fromkeys(("land", "deduplicate", "check_clean"), "success"), run.said
    assert run.assets == [f"trendhouse://clean/{source}"]
    landed, cleaned = run.results["land"], run.results["deduplicate"]
    assert (landed["source"], landed["state"], landed["failures"]) == (source, "done", [])
    assert 0 < landed["rows"] <= cleaned["rows"]


def test_every_task_leaves_a_record_and_a_log(ended, world):
    place = Place(world[0] / "sample")
    for run in ended.values():
        for result in run.results.values():
            assert (place.runs / f"{result['run_id']}.json").exists()
            assert (place.logs / f"{result['run_id']}.log").exists()


def days_of_clean_rankings(world) -> list[str]:
    files = Place(world[0] / "sample").lake.clean_files("github_ranking", "rankings")
    return [f"{day}" for file in files for day in pq.read_table(file)["ranking_date"].to_pylist()]


def test_a_back_fill_by_hand_lands_its_days_and_no_other(ended, world):
    assert ended["history"].state == "success", ended["history"].said
    assert ended["history"].results["land"]["rows"] > 0
    assert ended["history"].assets == ["trendhouse://clean/github_ranking"]
    days = set(days_of_clean_rankings(world))
    assert {day for day in days if day < "2026"} == DAYS


def test_a_back_fill_that_is_repeated_changes_nothing(ended):
    again = ended["repeated"].results["deduplicate"]["summary"]
    assert ended["repeated"].state == "success"
    assert " 0 kept, " in again or again.startswith("0 in, ")


def test_a_source_without_history_is_skipped_and_says_why(ended):
    run = ended["no_history"]
    assert set(run.tasks.values()) == {"skipped"}
    assert (run.results, run.assets) == ({}, [])
    assert "`github` cannot be back-filled" in run.said


def test_a_back_fill_without_days_fails_at_once(ended):
    assert ended["no_days"].tasks["land"] == "failed"
    assert "Give the first day" in ended["no_days"].said


def test_compaction_goes_through_every_source(ended):
    run = ended["compact"]
    assert run.state == "success", run.said
    assert sorted(result["source"] for result in run.results.values()) == sorted(SOURCES)
    assert any(not each["summary"].startswith("0 files") for each in run.results.values())


def test_retention_goes_through_every_source_and_keeps_what_is_young(ended):
    run = ended["retain"]
    assert run.state == "success", run.said
    assert {each["summary"] for each in run.results.values()} == {"0 files removed"}
    assert sorted(result["source"] for result in run.results.values()) == sorted(SOURCES)


def test_fresh_sources_are_told_with_age_and_limit(ended):
    assert ended["fresh"].state == "success", ended["fresh"].said
    said = ended["fresh"].results["check_freshness"]["summary"]
    for spec in landed_specs():
        assert f"{spec.name} 0.0 of {spec.freshness_hours} hours" in said


def test_a_stale_source_fails_the_check_and_is_named_with_age_and_limit(ended, airflow_home, world):
    assert ended["fresh"].state == "success"
    later = (SAMPLE_NOW + timedelta(days=3)).isoformat()
    variables = {**world[1], "TRENDHOUSE_NOW": later}
    run = airflow_home.test("maintenance.py", "check_freshness", **variables)
    assert run.tasks == {"check_freshness": "failed"}
    assert "gharchive: nothing new for 72 hours, its limit is 6" in run.said
    assert run.said.count("github_ranking: nothing new for 72 hours, its limit is 48") >= 1
