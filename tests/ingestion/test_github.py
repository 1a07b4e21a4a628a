"""The watched repositories land completely, cheaply again, and tell what became of those that left."""

from __future__ import annotations

import logging
import random
import time

import pytest

from simulator.running import serve
from tests.ingestion.github_world import DAY_1, DAY_2, DAY_3, GitHubWorld, id_of, name_of

STREAMS = (
    "repositories", "releases", "tags", "languages", "topics", "issues", "pull_requests", "commits",
    "forks", "contributors", "contributor_weeks",
)  # fmt: skip


@pytest.fixture(scope="module")
def simulator():
    with serve(now=DAY_1, core_limit=100_000) as running:
        yield running


@pytest.fixture
def world(tmp_path, simulator, monkeypatch):
    simulator.faults(rate=0.0)
    made = GitHubWorld(tmp_path, simulator, monkeypatch.setenv)
    made.watch(name_of(0, DAY_1), name_of(4, DAY_1))
    return made


def test_every_stream_of_a_watched_repository_lands(world):
    landing = world.land()
    assert landing.failures == []
    assert set(STREAMS) <= {table for table, count in landing.rows.items() if count}
    for table in STREAMS:
        assert {partition for partition, _ in world.keys(table)} == {id_of(0), id_of(4)}


def test_rows_say_where_and_when_they_are_from(world):
    world.land()
    row = world.rows("releases")[0]
    assert "/releases?" in row["source_url"]
    assert f"{row['observed_at']:%Y-%m-%dT%H:%M}" == DAY_1[:16]
    assert row["context"] == {"repository_id": int(row["partition_name"])}
    assert float(row["load_id"]) > 1_700_000_000


def test_what_landed_is_what_upstream_counts(world):
    world.land()
    expected = {
        (row["record"]["stream_name"], row["partition_name"]): row["record"]["expected_count"]
        for row in world.rows("readings")
    }
    for table in ("releases", "tags", "issues", "pull_requests", "commits", "forks"):
        for repository in (id_of(0), id_of(4)):
            held = {key for partition, key in world.keys(table) if partition == repository}
            assert expected[table, repository] == len(held), table


def test_the_same_day_again_asks_for_counters_only(world):
    world.land()
    again = world.land()
    assert {name for name, cost in again.costs.items() if cost.requests} <= {
        "repository_counters", "projects", "licenses",
    }  # fmt: skip
    assert set(again.rows) <= {"repository_counters", "readings"}


def test_a_day_later_issues_are_asked_from_their_cursor_with_an_overlap(world):
    world.land()
    newest = max(row["cursor_value"] for row in world.rows("issues"))
    before = world.keys("issues")
    world.land(DAY_3)
    later = [row for row in world.rows("issues") if "since=" in row["source_url"]]
    assert later
    asked = {row["source_url"].split("since=")[1][:13] for row in later}
    assert min(asked) < newest[:13]
    assert before <= world.keys("issues")


def test_without_a_token_conditional_requests_save_unchanged_lists(world):
    world.watch(name_of(4, DAY_1))
    world.land(token="", deadline_seconds=30)
    counts = world.upstream.requests()
    world.land(token="", deadline_seconds=30)
    not_modified = {
        row["path"] for row in world.upstream.requests()["requests"] if row["status"] == 304
    }
    assert "/repos/{owner}/{repo}/languages" in not_modified
    assert counts["total"] > 0


def test_a_renamed_repository_keeps_its_id(world):
    world.watch(name_of(5, DAY_1))
    world.land(DAY_1)
    world.land(DAY_2)
    names = [row["record"]["full_name"] for row in world.rows("repositories")]
    assert names == [name_of(5, DAY_1), name_of(5, DAY_2)] and len(set(names)) == 2
    assert {row["partition_name"] for row in world.rows("repositories")} == {id_of(5)}


def test_a_deleted_repository_leaves_one_tombstone_with_evidence(world):
    world.watch(name_of(11, DAY_1))
    world.land(DAY_1)
    world.land(DAY_2)
    landing = world.land(DAY_3)
    (row,) = world.rows("tombstones")
    assert row["record"]["object_key"] == id_of(11) and row["record"]["is_deleted"] is True
    assert "answered 404" in row["record"]["evidence"]
    assert landing.failures == []


def test_a_name_taken_by_another_repository_never_merges_the_two(world):
    name = name_of(17, "2024-07-01T00:00:00Z")
    world.watch(name)
    world.land("2024-07-01T00:00:00Z")
    world.land("2025-03-01T00:00:00Z")
    assert name_of(18, "2025-03-01T00:00:00Z") == name
    (tombstone,) = world.rows("tombstones")
    assert tombstone["record"]["object_key"] == id_of(17)
    assert world.keys("repositories") == {(id_of(17), id_of(17)), (id_of(18), id_of(18))}
    assert {partition for partition, _ in world.keys("issues")} == {id_of(17), id_of(18)}


def test_a_blocked_repository_is_no_failure(world):
    world.watch(name_of(23, "2026-06-01T00:00:00Z"))
    world.land("2026-06-01T00:00:00Z")
    landing = world.land(DAY_1)
    (row,) = world.rows("tombstones")
    assert "451 (blocked)" in row["record"]["evidence"]
    assert landing.failures == []


def test_deleted_issues_become_tombstones(world):
    before, after = "2025-03-01T00:00:00Z", "2025-05-01T00:00:00Z"
    world.watch(name_of(2, before))
    world.land(before)
    known = {key for _, key in world.keys("issues")}
    world.land(after)
    path = f"repos/{name_of(2, after)}/issues?state=all&per_page=100"
    alive = {str(item["id"]) for item in world.fetch(path)}
    assert len(alive) < 100
    assert known - alive
    assert {row["record"]["object_key"] for row in world.rows("tombstones")} == known - alive
    assert {row["record"]["object_type"] for row in world.rows("tombstones")} == {"issues"}


def test_an_unknown_name_fails_alone(world):
    world.watch("nobody/nothing", name_of(4, DAY_1))
    landing = world.land()
    assert [failure.partition_name for failure in landing.failures] == ["nobody/nothing"]
    assert landing.is_partial and landing.rows["issues"] > 0


def test_an_incomplete_search_is_asked_again(world):
    world.watch(search=("stars:>100 sort:stars",))
    world.upstream.faults(rate=1.0, kinds=["incomplete"])
    assert world.land(deadline_seconds=60).failures == []
    shown = world.upstream.requests()["faults"]["incomplete"]
    world.upstream.faults(rate=0.0)
    total = world.fetch("search/repositories?q=stars:%3E100&per_page=1")["total_count"]
    assert shown >= 3
    assert len(world.rows("watchlist")) == total


def test_a_search_that_stays_incomplete_leaves_nobody_behind(world, monkeypatch):
    world.watch(search=("stars:>100 sort:stars",))
    world.land()
    before = world.rows("watchlist")
    monkeypatch.setattr("ingestion.connectors.github_watchlist.SEARCH_ATTEMPTS", 2)
    world.upstream.faults(rate=1.0, kinds=["incomplete"])
    landing = world.land()
    assert "said 2 times that its results are incomplete" in str(landing.failures[0])
    assert world.rows("watchlist") == before
    assert {row["partition_name"] for row in world.rows("repository_counters")} == {
        str(row["context"]["repository_id"]) for row in before
    }


def test_a_search_is_read_to_its_end(world):
    world.watch(search=("stars:>0 sort:stars",))
    world.upstream.move_to(DAY_1)
    total = world.fetch("search/repositories?q=stars:%3E0+sort:stars&per_page=1")["total_count"]
    assert total > 100
    world.land(deadline_seconds=3, token="a-token-of-its-own")
    ranks = [row["record"]["list_rank"] for row in world.rows("watchlist")]
    assert sorted(ranks) == list(range(1, min(total, 1000) + 1))


def test_a_fifth_of_the_answers_going_wrong_changes_no_key(world, tmp_path, monkeypatch, simulator):
    names = [name_of(index, DAY_1) for index in (2, 4, 6)]
    world.watch(*names)
    world.land()
    disturbed = GitHubWorld(tmp_path / "disturbed", simulator, monkeypatch.setenv)
    disturbed.watchlist.parent.mkdir()
    disturbed.watch(*names)
    simulator.faults(rate=0.2, seed=5)
    landing = disturbed.land(token="another-token")
    assert landing.failures == []
    assert sum(simulator.requests()["faults"].values()) > 5
    for table in (*STREAMS, "tagged_commits", "repository_licenses"):
        assert disturbed.keys(table) == world.keys(table), table


def test_a_spent_quota_ends_the_run_partial_and_the_next_one_goes_on(tmp_path, monkeypatch):
    with serve(now=DAY_1, core_limit=40, window_seconds=3600) as small:
        world = GitHubWorld(tmp_path, small, monkeypatch.setenv)
        world.watch(name_of(0, DAY_1), name_of(4, DAY_1), name_of(6, DAY_1))
        first = world.land(token="one", deadline_seconds=20)
        assert first.is_partial and "quota" in str(first.failures[-1])
        used = small.control("quota")["tokens"]["one"]["core"]["used"]
        assert used <= 40 * 0.9
        landed = world.keys("issues") | world.keys("commits")
        for number in range(8):
            landing = world.land(token=f"later-{number}", deadline_seconds=20)
            if not landing.is_partial:
                break
        assert not landing.is_partial
        assert landed <= world.keys("issues") | world.keys("commits")
        assert {partition for partition, _ in world.keys("contributors")} == {
            id_of(0), id_of(4), id_of(6),
        }  # fmt: skip


def test_two_tokens_share_the_work(tmp_path, monkeypatch):
    with serve(now=DAY_1, core_limit=45, window_seconds=3600) as small:
        world = GitHubWorld(tmp_path, small, monkeypatch.setenv)
        world.watch(*(name_of(index, DAY_1) for index in (2, 4, 6, 8)))
        monkeypatch.setenv("GITHUB_TOKENS", "red,green,blue,white,black")
        world.land(deadline_seconds=20)
        used = {
            token: resources["core"]["used"]
            for token, resources in small.control("quota")["tokens"].items()
        }
        assert sum(count > 0 for count in used.values()) >= 2
        assert max(used.values()) <= 45 * 0.9


def test_kills_at_random_moments_lose_nothing(world, tmp_path, monkeypatch, simulator):
    names = [name_of(index, DAY_1) for index in (0, 1, 2, 4, 6)]
    world.watch(*names)
    world.land()
    killed = GitHubWorld(tmp_path / "killed", simulator, monkeypatch.setenv)
    killed.watchlist.parent.mkdir()
    killed.watch(*names)
    moments, kills, longest = random.Random(7), 0, 3.0
    for _ in range(20):
        process = killed.start()
        time.sleep(moments.uniform(0.3, 1.0) * longest)
        if process.poll() is None:
            kills += 1
        else:  # a quick machine was done before; be earlier
            longest *= 0.8
        process.kill()
        process.wait()
        if kills == 4:
            break
    assert kills == 4
    assert killed.land().failures == []
    for table in (*STREAMS, "tagged_commits", "repository_counters"):
        assert killed.keys(table) == world.keys(table), table


def test_the_plan_is_near_to_what_a_later_day_costs(world):
    world.watch(search=("stars:>100 sort:stars",))
    world.land(DAY_1)
    world.land(DAY_2)
    planned = world.plan(DAY_3)
    landing = world.land(DAY_3)
    assert landing.planned.requests == planned.requests
    assert landing.requests / 3 <= planned.requests <= landing.requests * 3
    assert planned.points and landing.points


def test_a_token_is_never_logged(world, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    world.upstream.faults(rate=0.3, seed=1)
    landing = world.land(token="ghp_neverseenneverseenneverseen")
    said, heard = capfd.readouterr()
    assert "ghp_neverseen" not in caplog.text + said + heard + str(landing.as_dict())
