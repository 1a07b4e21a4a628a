"""GitHub's GraphQL API over a world: the subset in github.graphql, its errors and its points."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
    validate,
    visit,
)

from simulator.graphql_nodes import CommitNode, RepositoryNode
from simulator.http import Answer, RateLimits, json_answer
from simulator.instants import iso
from simulator.repositories import read_node_id
from simulator.world import World

SCHEMA = Path(__file__).with_name("github.graphql")
MAX_IDS = 100


def type_of(value: Any, info: Any, abstract: Any) -> str:
    if isinstance(value, Exception):
        raise value
    return "Commit" if isinstance(value, CommitNode) else "Repository"


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    """The subset schema, its interfaces able to tell their types."""
    built = build_schema(SCHEMA.read_text())
    for name in ("Node", "GitObject"):
        built.type_map[name].resolve_type = type_of
    return built


@lru_cache(maxsize=128)
def prepare(text: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
    """A parsed document, or why it is none."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, [error]
    return document, validate(schema(), document)


@lru_cache(maxsize=128)
def connections(text: str) -> int:
    """How many connections a document reads per node: GitHub counts a request for each."""
    document, _ = prepare(text)
    types, found = TypeInfo(schema()), []

    class Reader(Visitor):
        def enter_field(self, node: Any, *_: Any) -> None:
            named = get_named_type(types.get_type())
            if named is not None and named.name.endswith("Connection"):
                found.append(node.name.value)

    visit(document, TypeInfoVisitor(types, Reader()))
    return len(found)


def not_found(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"type": "NOT_FOUND"})


class Root:
    """The fields of Query."""

    def __init__(self, world: World, rate: dict[str, Any]) -> None:
        self.world = world
        self.rate = rate
        self.rate["nodeCount"] = 0

    def rateLimit(self, info: Any, **asked: Any) -> dict[str, Any]:
        return self.rate

    def node(self, info: Any, id: str) -> Any:
        return self.find(id)

    def nodes(self, info: Any, ids: list[str]) -> list[Any]:
        if len(ids) > MAX_IDS:
            raise GraphQLError(
                f"You may not provide more than {MAX_IDS} node ids; you provided {len(ids)}.",
                extensions={"type": "ARGUMENT_LIMIT"},
            )
        found = [self.find(id) for id in ids]
        self.rate["nodeCount"] += len(found)
        return found

    def find(self, id: str) -> RepositoryNode | GraphQLError:
        read = read_node_id(id)
        found = self.world.by_id(read[1]) if read and read[0] == "R" else None
        if found is None or found.state != "found" or found.repository is None:
            return not_found(f"Could not resolve to a node with the global id of '{id}'")
        return RepositoryNode(self.world, found.repository)

    def repository(
        self,
        info: Any,
        owner: str,
        name: str,
        followRenames: bool = True,
    ) -> RepositoryNode | GraphQLError:
        found = self.world.by_name(owner, name)
        allowed = ("found", "moved") if followRenames else ("found",)
        if found.state not in allowed or found.repository is None:
            return not_found(f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        return RepositoryNode(self.world, found.repository)


def shown(error: GraphQLError) -> dict[str, Any]:
    """An error in GitHub's form: `type` beside the message, not below `extensions`."""
    form: dict[str, Any] = {}
    if error.extensions and "type" in error.extensions:
        form["type"] = error.extensions["type"]
    if error.path is not None:
        form["path"] = error.path
    if error.locations:
        form["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    return {**form, "message": error.message}


class GitHubGraphql:
    """Executes documents and takes their points from the token's graphql quota."""

    def __init__(self, world: World, limits: RateLimits) -> None:
        self.world = world
        self.limits = limits

    def answer(self, token: str, body: bytes) -> tuple[Answer, int]:
        """The answer to a POST body and the points it costs.

        Parse and validation errors answer 200 with `errors`, as do spent points (RATE_LIMITED,
        free of charge); a body that is no JSON answers 400.
        """
        try:
            asked = orjson.loads(body)
            text, variables = asked["query"], asked.get("variables") or {}
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return json_answer({"message": "Problems parsing JSON"}, 400, resource="graphql"), 1
        document, errors = prepare(text)
        if errors or document is None:
            content = {"errors": [shown(error) for error in errors]}
            return json_answer(content, resource="graphql"), 1
        cost = self.cost(text, variables)
        if cost > self.limits.window(token, "graphql").remaining:
            message = "API rate limit exceeded for user ID 1."
            content = {"errors": [{"type": "RATE_LIMITED", "message": message}]}
            return json_answer(content, resource="graphql"), 0
        root = Root(self.world, self.rate(token, cost))
        result = execute_sync(
            schema(), document, root, variable_values=variables,
            operation_name=asked.get("operationName"),
        )  # fmt: skip
        content = {"data": result.data}
        if result.errors:
            content["errors"] = [shown(error) for error in result.errors]
        return json_answer(content, resource="graphql"), cost

    def cost(self, text: str, variables: dict[str, Any]) -> int:
        """GitHub's points: one request, and one per connection and node, by the hundred."""
        ids = [len(value) for value in variables.values() if isinstance(value, list)]
        requests = 1 + connections(text) * max(ids, default=1)
        return max(1, round(requests / 100))

    def rate(self, token: str, cost: int) -> dict[str, Any]:
        window = self.limits.window(token, "graphql")
        return {
            "cost": cost,
            "limit": window.limit,
            "remaining": max(0, window.remaining - cost),
            "resetAt": iso(self.limits.reset_at(window)),
            "used": window.used + cost,
        }
