"""The simulated GitHub over HTTP: pages, conditional requests, moves, quotas, GraphQL."""

from __future__ import annotations

import json

import pytest
from simulator_client import get, walk

from simulator.http import Paging
from simulator.running import RunningSimulator, serve
from simulator.world import World

WORLD = World()
LUMREN = "fenrenhub/lumren"
COUNTERS = """
query ($ids: [ID!]!) {
  rateLimit { cost limit remaining resetAt }
  nodes(ids: $ids) {
    ... on Repository {
      databaseId nameWithOwner stargazerCount forkCount
      watchers { totalCount } releases { totalCount }
      issues { totalCount } open: issues(states: OPEN) { totalCount }
      pullRequests { totalCount } openPulls: pullRequests(states: OPEN) { totalCount }
      tags: refs(refPrefix: "refs/tags/") { totalCount }
      defaultBranchRef { target { ... on Commit { history { totalCount } } } }
    }
  }
}
"""


def graphql(upstream: RunningSimulator, query: str, token: str | None = "t", **variables):
    body = json.dumps({"query": query, "variables": variables}).encode()
    return get(f"{upstream.base_url}/graphql", token, body)


def scenario(case: str) -> dict:
    return WORLD.scenarios()[case][0]


@pytest.mark.parametrize("per_page", [7, 100])
@pytest.mark.parametrize("name", ["issues?state=all", "pulls?state=all", "commits?", "forks?",
                                  "tags?", "releases?", "contributors?anon=1"])  # fmt: skip
def test_paging_covers_every_item_exactly_once(upstream, name, per_page):
    url = f"{upstream.base_url}/repos/{LUMREN}/{name}&per_page={per_page}"
    items = walk(url)
    keys = [json.dumps(item, sort_keys=True) for item in items]
    assert len(keys) == len(set(keys)) > per_page % 100
    link = get(f"{upstream.base_url}/repos/{LUMREN}/{name}&per_page=1").headers["link"]
    assert f'page={len(items)}>; rel="last"' in link


def test_totals_of_graphql_are_the_lengths_of_the_lists(upstream):
    repositories = [WORLD.repositories[index] for index in (0, 2, 5)]
    answer = graphql(upstream, COUNTERS, ids=[r.node_id for r in repositories]).json
    assert "errors" not in answer
    for node, repository in zip(answer["data"]["nodes"], repositories, strict=True):
        base = f"{upstream.base_url}/repositories/{repository.id}"
        items = walk(f"{base}/issues?state=all&per_page=100")
        issues = [item for item in items if "pull_request" not in item]
        pulls = walk(f"{base}/pulls?state=all&per_page=100")
        assert node["databaseId"] == repository.id
        assert node["issues"]["totalCount"] == len(issues)
        assert node["open"]["totalCount"] == sum(i["state"] == "open" for i in issues)
        assert node["pullRequests"]["totalCount"] == len(pulls) == len(items) - len(issues)
        assert node["openPulls"]["totalCount"] == sum(p["state"] == "open" for p in pulls)
        assert node["releases"]["totalCount"] == len(walk(f"{base}/releases?per_page=100"))
        assert node["tags"]["totalCount"] == len(walk(f"{base}/tags?per_page=100"))
        assert node["forkCount"] == len(walk(f"{base}/forks?per_page=100"))
        history = node["defaultBranchRef"]["target"]["history"]["totalCount"]
        assert history == len(walk(f"{base}/commits?per_page=100"))
        full = get(base).json
        assert full["stargazers_count"] == node["stargazerCount"]
        assert full["subscribers_count"] == node["watchers"]["totalCount"]
        assert full["open_issues_count"] == sum(i["state"] == "open" for i in items)


def test_since_gives_what_was_updated_then_or_later(upstream):
    base = f"{upstream.base_url}/repos/{LUMREN}/issues?state=all&sort=updated&per_page=100"
    everything = walk(f"{base}&direction=asc")
    dates = [item["updated_at"] for item in everything]
    assert dates == sorted(dates)
    since = dates[len(dates) // 2]
    assert walk(f"{base}&direction=asc&since={since}") == [
        item for item in everything if item["updated_at"] >= since
    ]
    assert get(f"{base}&since=yesterday").status == 422


def test_commits_are_bounded_by_the_committers_date(upstream):
    base = f"{upstream.base_url}/repos/{LUMREN}/commits?per_page=100"
    everything = walk(base)
    dates = [item["commit"]["committer"]["date"] for item in everything]
    since, until = dates[200], dates[50]
    asked = walk(f"{base}&since={since}&until={until}")
    assert [item["sha"] for item in asked] == [i["sha"] for i in everything[50:201]]


def test_a_conditional_request_costs_nothing(upstream):
    url = f"{upstream.base_url}/repos/{LUMREN}/issues?state=all"
    first = get(url, "thrifty")
    again = get(url, "thrifty", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["x-ratelimit-used"] == first.headers["x-ratelimit-used"] == "1"
    whole = get(f"{upstream.base_url}/repos/{LUMREN}", "thrifty")
    dated = get(f"{upstream.base_url}/repos/{LUMREN}", "thrifty",
                if_modified_since=whole.headers["last-modified"])  # fmt: skip
    assert dated.status == 304
    assert dated.headers["x-ratelimit-used"] == "2"


def test_statistics_are_computed_first(upstream):
    url = f"{upstream.base_url}/repos/{LUMREN}/stats/contributors"
    assert get(url).status == 202
    rows = get(url).json
    commits = walk(f"{upstream.base_url}/repos/{LUMREN}/commits?per_page=100")
    counted = [c for c in commits if len(c["parents"]) < 2 and c["author"]]
    assert sum(row["total"] for row in rows) == len(counted)
    assert all(row["total"] == sum(week["c"] for week in row["weeks"]) for row in rows)


@pytest.mark.parametrize("case", ["renamed", "transferred"])
def test_an_old_name_leads_to_the_permanent_address(upstream, case):
    moved = scenario(case)
    url = f"{upstream.base_url}/repos/{moved['names'][0]}/issues?state=all"
    reply = get(url)
    assert reply.status == 301
    target = f"{upstream.base_url}/repositories/{moved['id']}/issues?state=all"
    assert reply.headers["location"] == reply.json["url"] == target
    assert (
        get(f"{upstream.base_url}/repositories/{moved['id']}").json["full_name"]
        == (moved["names"][1])
    )


def test_a_deleted_repository_is_gone_from_both_apis(upstream):
    gone = next(s for s in WORLD.scenarios()["deleted"] if s["at"] < "2026-11")
    assert get(f"{upstream.base_url}/repositories/{gone['id']}").status == 404
    node = next(r.node_id for r in WORLD.repositories if r.id == gone["id"])
    answer = graphql(upstream, COUNTERS, ids=[WORLD.repositories[0].node_id, node]).json
    assert answer["data"]["nodes"][1] is None
    assert answer["data"]["nodes"][0]["databaseId"] == WORLD.repositories[0].id
    assert answer["errors"][0]["type"] == "NOT_FOUND"
    assert answer["errors"][0]["path"] == ["nodes", 1]


def test_a_recreated_name_has_a_new_id(upstream):
    for case in WORLD.scenarios()["recreated"]:
        shown = get(f"{upstream.base_url}/repos/{case['names'][0]}").json
        assert shown["id"] == case["id"] != case["former_id"]


def test_a_blocked_repository_answers_451(upstream):
    reply = get(f"{upstream.base_url}/repos/{scenario('blocked')['names'][0]}")
    assert reply.status == 451
    assert reply.json["block"]["reason"] == "dmca"


def test_a_deleted_issue_answers_410(upstream):
    repository = next(
        r for r in WORLD.alive() if len(WORLD.items(r.index)) < r.items.count(WORLD.now)
    )
    numbers = {item.number for item in WORLD.items(repository.index)}
    hole = min(set(range(1, max(numbers))) - numbers)
    base = f"{upstream.base_url}/repositories/{repository.id}/issues"
    assert get(f"{base}/{hole}").status == 410
    assert get(f"{base}/{min(numbers)}").status == 200


def test_search_ranks_and_counts(upstream):
    url = f"{upstream.base_url}/search/repositories?q=stars:%3E1000&sort=stars&per_page=50"
    first = get(url)
    counts = [item["stargazers_count"] for item in first.json["items"]]
    assert counts == sorted(counts, reverse=True)
    assert min(counts) > 1000
    assert first.headers["x-ratelimit-resource"] == "search"
    alive = [r for r in WORLD.alive() if r.stars(WORLD.now) > 1000]
    assert first.json["total_count"] == len(alive)
    assert get(f"{upstream.base_url}/search/repositories?q=").status == 422
    assert get(f"{url}&page=21").status == 422


def test_an_owner_lists_what_it_holds(upstream):
    login = LUMREN.split("/")[0]
    names = {r["full_name"] for r in walk(f"{upstream.base_url}/users/{login}/repos?per_page=2")}
    assert LUMREN in names
    assert names == {r.alias(WORLD.now).full_name for r in WORLD.owned_by(login)}
    assert get(f"{upstream.base_url}/users/nobody-here/repos").status == 404


def test_graphql_needs_a_token_and_takes_a_hundred_ids(upstream):
    assert graphql(upstream, "{ rateLimit { cost } }", token=None).status == 401
    assert graphql(upstream, "{ rateLimit { cost } }", token="revoked").status == 401
    answer = graphql(upstream, COUNTERS, ids=["R_x"] * 101).json
    assert answer["errors"][0]["type"] == "ARGUMENT_LIMIT"
    wrong = graphql(upstream, "{ stars }").json
    assert "Cannot query field" in wrong["errors"][0]["message"]


def test_projects_page_and_want_a_bound(upstream):
    asked = """query ($id: ID!, $after: String) { node(id: $id) { ... on Repository {
      projectsV2(first: 1, after: $after) { totalCount nodes { number fullDatabaseId }
      pageInfo { hasNextPage endCursor } } } } }"""
    node = WORLD.repositories[0].node_id
    first = graphql(upstream, asked, id=node).json["data"]["node"]["projectsV2"]
    assert first["totalCount"] == 2
    cursor = first["pageInfo"]["endCursor"]
    second = graphql(upstream, asked, id=node, after=cursor).json["data"]["node"]["projectsV2"]
    assert [p["number"] for p in first["nodes"] + second["nodes"]] == [1, 2]
    unbound = "query ($id: ID!) { node(id: $id) { ... on Repository { projectsV2 { nodes { number } } } } }"
    assert graphql(upstream, unbound, id=node).json["errors"][0]["type"] == (
        "MISSING_PAGINATION_BOUNDARIES"
    )


def test_quotas_are_kept_per_token_and_resource():
    with serve(core_limit=3, search_limit=1, graphql_limit=2, window_seconds=120) as upstream:
        url = f"{upstream.base_url}/repos/{LUMREN}/topics"
        assert [get(url, "a").status for _ in range(4)] == [200, 200, 200, 403]
        refused = get(url, "a")
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert "rate limit exceeded" in refused.json["message"]
        assert get(url, "b").status == 200
        search = f"{upstream.base_url}/search/repositories?q=stars:1..9999999"
        assert [get(search, "a").status for _ in range(2)] == [200, 403]
        assert graphql(upstream, "{ rateLimit { remaining } }", "a").json["data"]["rateLimit"] == {
            "remaining": 1
        }
        assert graphql(upstream, COUNTERS, "a", ids=["R_x"]).status == 200
        spent = graphql(upstream, "{ rateLimit { cost } }", "a")
        assert spent.json["errors"][0]["type"] == "RATE_LIMITED"
        assert "etag" not in spent.headers
        shown = upstream.control("quota")["tokens"]["a"]
        assert shown["core"]["used"] == 3
        assert get(f"{upstream.base_url}/rate_limit", "a").json["resources"] == shown
        assert get(url, None).headers["x-ratelimit-limit"] == "60"


def test_pages_are_clamped_as_github_does():
    assert Paging.read({"per_page": "1000", "page": "0"}) == Paging(1, 100)
    assert Paging.read({"per_page": "x"}) == Paging(1, 30)
