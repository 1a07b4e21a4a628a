"""GraphQL by node ids in batches that shrink when upstream suffers: counters, and projects."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from ingestion.connectors.github_deletions import welcome
from ingestion.connectors.github_desk import Desk, instant
from ingestion.connectors.github_state import Repository
from ingestion.fetch import SLOW_SECONDS, Refused, TooHeavy, Unanswered
from ingestion.readings import reading
from ingestion.records import Records
from ingestion.replies import Reply

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
AT_ONCE = 4
PROJECTS_RECHECK = timedelta(days=7)


class Incomplete(Exception):
    """GraphQL answered without data; the message holds its errors."""


class OutOfScope(Exception):
    """The token lacks the scope for a query; the message names it."""


def document(name: str) -> str:
    return (FOLDER / f"github_{name}.graphql").read_text()


class Batches:
    """How many ids go into one request: halved when an answer is too heavy, doubled when all is well."""

    def __init__(self, size: int) -> None:
        self.most = size
        self.size = size
        self.good = 0

    def shrink(self) -> None:
        self.size, self.good = max(1, self.size // 2), 0

    def note(self, reply: Reply) -> None:
        if reply.seconds > SLOW_SECONDS:
            self.shrink()
            return
        self.good += 1
        if self.good >= 3:
            self.size, self.good = min(self.most, self.size * 2), 0


async def ask(desk: Desk, table: str, variables: dict[str, Any]) -> tuple[Reply, dict[str, Any]]:
    """One query; books its points. Raises Incomplete where there is no data."""
    content = {"query": document(desk.tables[table].query.document), "variables": variables}
    reply = await desk.client.post("graphql", content, name=table, may_shrink=True)
    if reply.status != 200 or not isinstance(reply.json, dict):
        raise Incomplete(f"{reply.url} answered {reply.status}")
    types = {error.get("type") for error in reply.json.get("errors", [])}
    if "INSUFFICIENT_SCOPES" in types:
        raise OutOfScope(str(reply.json["errors"][0].get("message")))
    data = reply.json.get("data")
    if not data or not isinstance(data.get("nodes"), list):
        said = [error.get("message") for error in reply.json.get("errors", [])]
        raise Incomplete("; ".join(map(str, said)) or "no data and no error")
    cost = (data.get("rateLimit") or {}).get("cost") or 1
    desk.context.book(table, 0, cost)
    return reply, reply.json


async def in_batches(
    desk: Desk, table: str, repositories: Sequence[Repository]
) -> AsyncIterator[tuple[list[Repository], Reply, dict[str, Any]]]:
    """Every answered batch with its repositories. A repository that fails alone becomes a failure."""
    waiting = deque(repositories)
    batches = Batches(desk.tables[table].query.batch)

    async def one(batch: list[Repository]) -> tuple[list[Repository], Reply, dict[str, Any]] | None:
        try:
            ids = [repository.node_id for repository in batch]
            return batch, *await ask(desk, table, {"ids": ids})
        except (TooHeavy, Incomplete, Unanswered, Refused) as error:
            if len(batch) == 1:
                await desk.fail(table, batch[0].id, error)
            else:
                log.info("%s: a batch of %s was too much: %s", table, len(batch), error)
                batches.shrink()
                batches.size = min(batches.size, max(1, len(batch) // 2))
                waiting.extendleft(reversed(batch))
            return None

    while waiting:
        tasks = []
        while waiting and len(tasks) < AT_ONCE:
            batch = [waiting.popleft() for _ in range(min(batches.size, len(waiting)))]
            tasks.append(asyncio.ensure_future(one(batch)))
        for answered in await asyncio.gather(*tasks):
            if answered is not None:
                batches.note(answered[1])
                yield answered


async def land_counters(desk: Desk, repositories: Sequence[Repository]) -> list[Repository]:
    """The daily snapshot; returns the repositories that GraphQL no longer finds.

    Every repository that was asked for, and is not said to be gone, is expected to have its row.
    """
    table, missing = "repository_counters", []
    async for batch, reply, content in in_batches(desk, table, repositories):
        lost = not_found(content)
        for place, (repository, node) in enumerate(
            zip(batch, content["data"]["nodes"], strict=True)
        ):
            if node is not None:
                await take(desk, repository, node, reply)
            elif place in lost:
                missing.append(repository)
            if place not in lost:
                await desk.emit(
                    reading(
                        table, repository.id, 1, "one row for each id that was asked for",
                        source_url=reply.url, observed_at=reply.observed_at,
                    )
                )  # fmt: skip
    return missing


async def take(desk: Desk, repository: Repository, node: dict[str, Any], reply: Reply) -> None:
    """Land a node; the databaseId read back is its key, its name the present alias."""
    id = str(node["databaseId"])
    records = Records.of_values([node])
    await desk.land("repository_counters", records, reply, id, keys=[id])
    if id == repository.id:
        repository.counters = node
        repository.is_seen = True
        await repository.meet(desk, node["nameWithOwner"], node["id"])
        await welcome(desk, repository, reply)


def not_found(content: dict[str, Any]) -> set[int]:
    """The places in `nodes` that are null because the node is gone."""
    return {
        error["path"][1]
        for error in content.get("errors", [])
        if error.get("type") == "NOT_FOUND" and len(error.get("path") or []) == 2
    }


def may_have_projects(repository: Repository, now: datetime) -> bool:
    """Whether to ask for projects: it has some, it changed, or it was asked a week ago."""
    memory = repository.streams.get("projects")
    if not memory or memory["count"] or memory["updated"] != repository.counters["updatedAt"]:
        return True
    return datetime.fromisoformat(memory["listed_at"]) < now - PROJECTS_RECHECK


async def land_projects(desk: Desk, repositories: Sequence[Repository]) -> None:
    """Projects of the repositories that may have any; a list longer than a page is read to its end.

    A token without the scope `read:project` sees none: that is said once in the log.
    """
    now = desk.context.now()
    asked = [each for each in repositories if each.counters and may_have_projects(each, now)]
    try:
        async for batch, reply, content in in_batches(desk, "projects", asked):
            for repository, node in zip(batch, content["data"]["nodes"], strict=True):
                if node is not None:
                    projects = await all_projects(desk, repository, node["projectsV2"])
                    await land_repository_projects(desk, repository, projects, reply)
    except OutOfScope as error:
        log.warning("projects are left out: %s", error)


async def all_projects(
    desk: Desk, repository: Repository, connection: dict[str, Any]
) -> list[dict[str, Any]]:
    """Every project of a repository; those that the token may not see are null and left out."""
    projects = list(connection["nodes"])
    while connection["pageInfo"]["hasNextPage"]:
        variables = {"ids": [repository.node_id], "after": connection["pageInfo"]["endCursor"]}
        _, more = await ask(desk, "projects", variables)
        connection = more["data"]["nodes"][0]["projectsV2"]
        projects += connection["nodes"]
    return [project for project in projects if project is not None]


async def land_repository_projects(
    desk: Desk, repository: Repository, projects: list[dict[str, Any]], reply: Reply
) -> None:
    """Land a repository's projects if they differ from those landed last."""
    edited = max((project["updatedAt"] for project in projects), default="")
    memory = {
        "count": len(projects),
        "edited": edited,
        "updated": repository.counters["updatedAt"],
        "listed_at": instant(reply.observed_at),
    }
    before = repository.streams.get("projects", {})
    if (before.get("count"), before.get("edited")) != (len(projects), edited):
        context = orjson.dumps({"repository_id": int(repository.id)}).decode()
        keys = [f"{repository.id}/{project['id']}" for project in projects]
        records = Records.of_values(projects)
        await desk.land("projects", records, reply, repository.id, contexts=context, keys=keys)
    await repository.keep(desk, "projects", memory)
