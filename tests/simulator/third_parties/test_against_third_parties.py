"""Client and simulator have one author, so both answer to GitHub's own descriptions here."""

import ast
import re
from pathlib import Path

import orjson
import pytest
from graphql import build_schema, parse, print_ast, validate
from public_graphql import departures, replayed
from served_world import ask

ROOT = Path(__file__).parents[3]
SUBSET = ROOT / "simulator" / "github.graphql"

AGREED = """
query ($ids: [ID!]!) {
  rateLimit { cost remaining resetAt limit }
  nodes(ids: $ids) {
    ... on Repository {
      id databaseId nameWithOwner stargazerCount forkCount diskUsage
      watchers { totalCount }
      issues { totalCount }
      openIssues: issues(states: OPEN) { totalCount }
      pullRequests { totalCount }
      openPullRequests: pullRequests(states: [OPEN]) { totalCount }
      releases { totalCount }
      refs(refPrefix: "refs/tags/") { totalCount }
      defaultBranchRef { name target { ... on Commit { history { totalCount } } } }
      pushedAt updatedAt createdAt isArchived isFork isDisabled
      primaryLanguage { name }
      licenseInfo { spdxId key }
      projectsV2(first: 10) {
        totalCount
        nodes { id number title shortDescription closed createdAt updatedAt closedAt url }
      }
    }
  }
}
"""
"""What the sources read of a repository; the documents below ingestion/ are tested beside it."""


def read_documents():
    """The sources' GraphQL documents by place: files, and constants in modules."""
    for path in sorted((ROOT / "ingestion").rglob("*.graphql")):
        yield path.name, path.read_text()
    for path in sorted((ROOT / "ingestion").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and re.match(r"\s*query\s*\w*\s*(\([^)]*\)\s*)?\{", text):
                yield f"{path.name}:{node.lineno}", text


DOCUMENTS = dict(read_documents())
QUERIES = {"agreed": AGREED, **DOCUMENTS}

REPOSITORY_ENDPOINTS = [
    ("", ""),
    ("/releases", "per_page=5"),
    ("/tags", "per_page=5"),
    ("/languages", ""),
    ("/topics", ""),
    ("/license", ""),
    ("/issues", "state=all&sort=updated&direction=asc&per_page=20"),
    ("/pulls", "state=all&sort=updated&direction=desc&per_page=20"),
    ("/commits", "per_page=20"),
    ("/forks", "sort=newest&per_page=5"),
    ("/contributors", "anon=1&per_page=20"),
    ("/stats/contributors", ""),
]
OTHER_ENDPOINTS = [
    (
        "/search/repositories",
        "/search/repositories?q=stars:%3E10&sort=stars&order=desc&per_page=20",
    ),
    ("/licenses", "/licenses?per_page=5"),
    ("/rate_limit", "/rate_limit"),
]


# REST against GitHub's OpenAPI description


def test_the_validator_accepts_what_github_really_answered(github, recorded):
    checked = 0
    for answer in recorded:
        is_repository = re.fullmatch(r"/repos/[\w.-]+/[\w.-]+", answer.path)
        if is_repository and answer.status == 200 and answer.date_order.year >= 2024:
            assert github.complaints("/repos/{owner}/{repo}", 200, answer.body) == []
            checked += 1
    assert checked > 10


@pytest.mark.parametrize("damage", [{"id": "1"}, {"created_at": "yesterday"}, {"owner": {}}])
def test_the_validator_refuses_a_damaged_answer(github, recorded, damage):
    whole = next(answer for answer in recorded if answer.id == "hub4j-0358")
    body = orjson.dumps(orjson.loads(whole.body) | damage)
    assert github.complaints("/repos/{owner}/{repo}", 200, body)


@pytest.mark.parametrize(("below", "query"), REPOSITORY_ENDPOINTS)
def test_what_the_world_says_of_a_repository_fits(github, world, names, below, query):
    answered = 0
    for name in names:
        url = f"{world.base_url}/repos/{name}{below}?{query}"
        for _page in range(3):
            answer = ask(url)
            if answer.status == 202 or (below == "/license" and answer.status == 404):
                break
            assert answer.status in (200, 204), url
            if answer.status == 200:
                template = "/repos/{owner}/{repo}" + below
                assert github.complaints(template, 200, answer.body) == []
                answered += 1
            url = answer.links.get("next")
            if url is None:
                break
    assert answered or below == "/stats/contributors"


def test_statistics_fit_once_they_are_computed(github, world, names):
    for name in names[:3]:
        url = f"{world.base_url}/repos/{name}/stats/contributors"
        answer = next((found for found in map(ask, [url] * 5) if found.status == 200), None)
        assert answer is not None, "five times 202"
        assert github.complaints("/repos/{owner}/{repo}/stats/contributors", 200, answer.body) == []


@pytest.mark.parametrize(("template", "path"), OTHER_ENDPOINTS)
def test_what_the_world_says_besides_fits(github, world, template, path):
    answer = ask(f"{world.base_url}{path}")
    assert answer.status == 200
    assert github.complaints(template, 200, answer.body) == []


def test_the_repositories_of_an_owner_fit(github, world, names):
    for owner in {name.split("/")[0] for name in names}:
        answer = ask(f"{world.base_url}/users/{owner}/repos?per_page=10")
        assert answer.status == 200
        assert github.complaints("/users/{username}/repos", 200, answer.body) == []


def test_a_single_commit_fits(github, world, names):
    name = names[0]
    (commit,) = orjson.loads(ask(f"{world.base_url}/repos/{name}/commits?per_page=1").body)
    answer = ask(f"{world.base_url}/repos/{name}/commits/{commit['sha']}")
    assert answer.status == 200
    assert github.complaints("/repos/{owner}/{repo}/commits/{ref}", 200, answer.body) == []


# GraphQL against GitHub's public schema


def test_the_worlds_schema_is_a_part_of_githubs(public_schema):
    ours = build_schema(SUBSET.read_text())
    assert list(departures(ours, public_schema)) == []
    assert len(ours.query_type.fields) > 1


def test_a_departure_from_githubs_schema_is_noticed(public_schema):
    ours = build_schema(
        """type Query { rateLimit: Int, moon: String, nodes(ids: [ID!]): [Node]! }
        interface Node { id: ID! }"""
    )
    found = list(departures(ours, public_schema))
    assert "Query.rateLimit: Int, GitHub has RateLimit" in found
    assert "Query.moon is unknown to GitHub" in found
    assert "Query.nodes(ids:) is [ID!], GitHub has [ID!]!" in found


def test_the_sources_have_documents():
    assert DOCUMENTS


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_of_the_sources_is_valid_at_github(public_schema, query):
    assert validate(public_schema, parse(QUERIES[query])) == []


def fill(document, ids):
    """Values for the variables of a document: the ids for its list, 10 for numbers."""
    (operation,) = parse(document).definitions
    kinds = {
        variable.variable.name.value: print_ast(variable.type)
        for variable in operation.variable_definitions
    }
    return {
        name: {"[ID!]!": ids, "Int!": 10, "Int": 10, "String": None}[kind]
        for name, kind in kinds.items()
    }


@pytest.mark.parametrize("query", QUERIES)
def test_the_worlds_answer_fits_githubs_schema(public_schema, world, names, query):
    ids = [orjson.loads(ask(f"{world.base_url}/repos/{name}").body)["node_id"] for name in names]
    document, variables = QUERIES[query], fill(QUERIES[query], [*ids, "R_kgDOnobody"])
    body = orjson.dumps({"query": document, "variables": variables})
    answer = orjson.loads(ask(f"{world.base_url}/graphql", body).body)
    (error,) = answer["errors"]
    assert (error["type"], error["path"]) == ("NOT_FOUND", ["nodes", len(ids)])
    again = replayed(public_schema, document, variables, answer["data"])
    assert again.errors is None
    assert again.data == answer["data"]
    assert [node and node["id"] for node in answer["data"]["nodes"]] == [*ids, None]


def test_an_answer_that_departs_from_githubs_schema_is_noticed(public_schema):
    document = "query { rateLimit { cost resetAt } }"
    right = {"rateLimit": {"cost": 1, "resetAt": "2026-11-02T06:00:00Z"}}
    assert replayed(public_schema, document, {}, right).errors is None
    for wrong in ({"cost": None}, {"cost": "many"}, {"resetAt": "tomorrow"}):
        damaged = {"rateLimit": right["rateLimit"] | wrong}
        assert replayed(public_schema, document, {}, damaged).errors
