"""What GitHub does not give: each kind of answer has its meaning, and none fails on every run for ever."""

import logging

import pytest

from ingestion.connectors import github_answers
from tests.ingestion.github_world import DAY_1, DAY_2, DAY_3, GitHubWorld
from tests.ingestion.odd_github import (
    BLOCK,
    OddGitHub,
    OddRepository,
    commit,
    issue,
    project,
    said,
    serving,
)

WEEK_LATER = "2026-11-10T06:00:00Z"


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """Two repositories, the first to be made odd; the second must never suffer from it."""
    plain = OddRepository(2, {"issues": [issue(21)], "commits": [commit("b")]})
    with serving(OddGitHub(OddRepository(1), plain)) as github:
        world = GitHubWorld(tmp_path, github, monkeypatch.setenv)
        world.watch(*(each.name for each in github.repositories))
        yield world


def first_of(world) -> OddRepository:
    return world.upstream.repositories[0]


def add(world, count: int) -> list[OddRepository]:
    """More repositories to be made odd, watched with the others."""
    made = [OddRepository(10 + number) for number in range(count)]
    world.upstream.repositories += made
    world.watch(*(each.name for each in world.upstream.repositories))
    return made


def tombstones(world) -> list[tuple[str, str, bool]]:
    records = [row["record"] for row in world.rows("tombstones")]
    return [(each["object_type"], each["object_key"], each["is_deleted"]) for each in records]


def test_a_repository_that_is_away_is_no_failure_and_leaves_its_evidence(odd):
    answers = [(403, BLOCK), (451, {"block": {"reason": "dmca"}}), (404, {}), (410, {})]
    made = add(odd, len(answers))
    assert odd.land(DAY_1).failures == []
    for each, (status, body) in zip(made, answers, strict=True):
        each.answers["all"], each.graphql = said(status, **body), "gone"
    assert [odd.land(day).failures for day in (DAY_2, DAY_3)] == [[], []]
    assert tombstones(odd) == [("repositories", str(each.id), True) for each in made]
    evidence = [row["record"]["evidence"] for row in odd.rows("tombstones")]
    for text, (status, _) in zip(evidence, answers, strict=True):
        assert f"answered {status}" in text


def test_a_list_that_speaks_of_the_repository_sends_to_it(odd):
    odd.land(DAY_1)
    first_of(odd).answers["all"], first_of(odd).pushed_at = (
        said(403, **BLOCK),
        "2026-11-02T00:00:00Z",
    )
    assert odd.land(DAY_2).failures == []
    assert tombstones(odd) == [("repositories", "1", True)]


def test_a_blocked_name_that_was_never_seen_is_no_failure(odd):
    first_of(odd).answers["all"], first_of(odd).graphql = said(403, **BLOCK), "gone"
    assert odd.land(DAY_1).failures == []
    assert {row["partition_name"] for row in odd.rows("issues")} == {"2"}


def test_what_is_not_given_below_a_repository_fails_on_no_run(odd):
    too_large = "The history or contributor list is too large to list contributors via the API."
    answers = {
        "contributors": said(403, message=too_large),
        "commits": said(409, message="Git Repository is empty."),
        "issues": said(410, message="Issues are disabled for this repo"),
        "languages": (204, b""),
        "topics": said(404, message="Not Found"),
        "forks": said(422, message="Validation failed"),
        "tags": (451, b"Unavailable for legal reasons"),
    }
    made = add(odd, len(answers))
    for each, (name, answer) in zip(made, answers.items(), strict=True):
        each.answers[name] = answer
    assert [odd.land(day).failures for day in (DAY_1, DAY_2, WEEK_LATER)] == [[], [], []]
    assert tombstones(odd) == []
    assert {row["partition_name"] for row in odd.rows("repositories")} >= {str(e.id) for e in made}


def test_a_refusal_that_the_table_does_not_know_is_named_each_time(odd):
    first_of(odd).answers["forks"] = said(403, message="Resource not accessible by this token")
    for day in (DAY_1, DAY_2):
        (failure,) = odd.land(day).failures
        assert (failure.table, failure.partition_name) == ("forks", "1")
        assert "not accessible" in failure.error


def test_a_list_that_upstream_ends_early_is_landed_as_far_as_it_goes(odd, monkeypatch):
    first_of(odd).lists["issues"] = [issue(number) for number in range(100, 350)]
    answer = odd.upstream.answer

    def limited(path, query):
        if path.endswith("/issues") and int(query.get("page", 1)) > 2:
            return *said(422, message="Pagination is limited for this resource"), {}
        return answer(path, query)

    monkeypatch.setattr(odd.upstream, "answer", limited)
    assert [odd.land(day).failures for day in (DAY_1, DAY_2)] == [[], []]
    assert len({key for partition, key in odd.keys("issues") if partition == "1"}) == 200
    assert tombstones(odd) == []


def test_statistics_that_are_computed_for_ever_fail_on_no_run_and_are_asked_ever_less(
    odd, monkeypatch
):
    monkeypatch.setattr(github_answers, "COMPUTED_SECONDS", 2.0)
    first_of(odd).answers["stats/contributors"] = said(202)
    asked = []
    days = [f"2026-11-{day:02}T06:00:00Z" for day in range(2, 6)]
    for day in days:
        assert odd.land(day).failures == []
        asked.append(sum("case1/stats" in path for path in odd.upstream.asked))
    assert asked[0] > 1 and asked[1:] == [1, 1, 0]
    first_of(odd).answers["stats/contributors"] = (200, b'[{"author":{"id":5},"weeks":[]}]')
    odd.land("2026-11-12T06:00:00Z")
    assert ("1", "1/5") in odd.keys("contributor_weeks")


def test_a_node_that_graphql_cannot_give_is_named_and_rest_stands_in(odd):
    first_of(odd).graphql = "error"
    for day in (DAY_1, DAY_2):
        (failure,) = odd.land(day).failures
        assert (failure.table, failure.partition_name) == ("repository_counters", "1")
        assert "Something went wrong" in failure.error
        assert "graphql 1" in odd.upstream.asked
    rows = odd.rows("repositories")
    days = {f"{row['observed_at']:%d}" for row in rows if row["partition_name"] == "1"}
    assert days == {"02", "03"}
    assert {row["record"]["stargazers_count"] for row in rows} == {7}
    expected = {
        row["partition_name"] for row in odd.rows("readings")
        if row["record"]["stream_name"] == "repository_counters"
    }  # fmt: skip
    assert expected == {"2"}


def test_a_node_of_another_shape_harms_nobody_else(odd):
    nodes = [{"databaseId": None}, {"nameWithOwner": "\ud800"}, {"databaseId": 2**70}, {"id": 5}]
    nodes += [{"issues": []}, {"latestIssues": {"nodes": [None]}}]
    made = add(odd, len(nodes))
    for each, node in zip(made, nodes, strict=True):
        each.node = node
    failures = odd.land(DAY_1).failures
    assert [failure.partition_name for failure in failures] == ["10", "11", "12"]
    landed = {row["partition_name"] for row in odd.rows("repository_counters")}
    assert landed == {"1", "2", "13", "14", "15", "all"}
    assert ("2", "21") in odd.keys("issues")


def test_a_part_that_graphql_leaves_out_is_said(odd, caplog):
    caplog.set_level(logging.WARNING)
    first_of(odd).node = {"defaultBranchRef": {"target": None}}
    path = ["defaultBranchRef", "target", "history"]
    first_of(odd).errors = [{"path": path, "message": "This may be the result of a timeout."}]
    first_of(odd).lists["commits"] = [commit("a")]
    assert odd.land(DAY_1).failures == []
    assert ("1", f"1/{'a' * 40}") in odd.keys("commits")
    assert "GraphQL left a part out" in caplog.text and "result of a timeout" in caplog.text


def test_projects_of_another_shape_harm_nobody_else(odd):
    connections = [None, {"nodes": None}, {"nodes": [3, None]}, 7]
    for each, connection in zip(add(odd, len(connections)), connections, strict=True):
        each.connection = connection
    odd.upstream.repositories[1].projects = [project("PVT_1")]
    failures = odd.land(DAY_1).failures
    assert [failure.partition_name for failure in failures] == ["10", "11", "13"]
    assert ("2", "2/PVT_1") in odd.keys("projects")


def test_a_commit_of_a_tag_that_fails_leaves_the_other_tags_alone(odd, monkeypatch):
    monkeypatch.setattr("ingestion.fetch.ATTEMPTS", 2)
    tags = [{"name": name, "commit": {"sha": name * 40}} for name in ("c", "d")]
    first_of(odd).lists["tags"] = tags
    first_of(odd).answers[f"commits/{'c' * 40}"] = said(500)
    first_of(odd).answers[f"commits/{'d' * 40}"] = said(200, **commit("d"))
    (failure,) = odd.land(DAY_1).failures
    assert failure.table == "tagged_commits" and "c" * 40 in failure.error
    assert odd.keys("tagged_commits") == {("1", f"1/{'d' * 40}")}
    first_of(odd).answers[f"commits/{'c' * 40}"] = said(200, **commit("c"))
    assert odd.land(DAY_2).failures == []
    assert ("1", f"1/{'c' * 40}") in odd.keys("tagged_commits")
