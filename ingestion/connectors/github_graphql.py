"""GraphQL by node ids in batches that shrink when upstream suffers, and the daily counters by it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingestion.connectors.github_deletions import welcome
from ingestion.connectors.github_desk import Desk
from ingestion.connectors.github_state import NoRepository, Repository, identity_of
from ingestion.fetch import SLOW_SECONDS, Refused, TooHeavy, Unanswered
from ingestion.readings import reading
from ingestion.records import Records
from ingestion.refusals import Meaning, meaning_of_error
from ingestion.replies import Reply, errors_of

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
AT_ONCE = 4
NAMES = ("databaseId", "nameWithOwner", "id")

Node = dict[str, Any]
Errors = dict[int, list[Mapping[str, Any]]]
"""Errors of an answer by the place of the node that they are about."""


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


async def ask(
    desk: Desk, table: str, variables: dict[str, Any]
) -> tuple[Reply, list[Node | None], Errors]:
    """One query: the node of each id, or None, and what is amiss; books its points.

    Raises Incomplete where there is no data, OutOfScope where the token lacks a scope.
    """
    content = {"query": document(desk.tables[table].query.document), "variables": variables}
    reply = await desk.client.post("graphql", content, name=table, may_shrink=True)
    if reply.status != 200 or not isinstance(reply.json, dict):
        raise Incomplete(f"{reply.url} answered {reply.status}")
    errors: Errors = {}
    for error in errors_of(reply.json):
        if error.get("type") == "INSUFFICIENT_SCOPES":
            raise OutOfScope(str(error.get("message")))
        path = error.get("path")
        if isinstance(path, list) and len(path) > 1 and isinstance(path[1], int):
            errors.setdefault(path[1], []).append(error)
    data = reply.json.get("data")
    nodes = data.get("nodes") if isinstance(data, dict) else None
    if not isinstance(nodes, list) or len(nodes) != len(variables["ids"]):
        said = [error.get("message") for error in errors_of(reply.json)]
        raise Incomplete("; ".join(map(str, said)) or "no data and no error")
    limit = data.get("rateLimit")
    cost = limit.get("cost") if isinstance(limit, dict) else None
    desk.context.book(table, 0, cost if isinstance(cost, int) else 1)
    # A node that is no repository is empty: none of the query's fields is its own.
    return reply, [node if isinstance(node, dict) and node else None for node in nodes], errors


@dataclass
class Answer:
    """What was said of one repository: its node, None if it is gone, and the errors of parts of it."""

    repository: Repository
    reply: Reply
    node: Node | None
    errors: Sequence[Mapping[str, Any]] = ()

    @property
    def is_gone(self) -> bool:
        """Whether the node itself, not something in it, is not found."""
        return any(
            meaning_of_error(error) is Meaning.AWAY and len(error["path"]) == 2
            for error in self.errors
        )

    @property
    def said(self) -> str:
        return "; ".join(
            f"{error.get('type', 'error')}: {error.get('message')}" for error in self.errors
        )


class Asking:
    """One query for many repositories. What fails in a batch is asked for alone, then it is a failure."""

    def __init__(self, desk: Desk, table: str, repositories: Sequence[Repository]) -> None:
        self.desk = desk
        self.table = table
        self.waiting = deque(repositories)
        self.alone: deque[Repository] = deque()
        self.batches = Batches(desk.tables[table].query.batch)

    async def answers(self) -> AsyncIterator[Answer]:
        """What is said of every repository that is answered, gone ones among them."""
        while self.waiting or self.alone:
            tasks = []
            while len(tasks) < AT_ONCE and (self.waiting or self.alone):
                if self.waiting:
                    size = min(self.batches.size, len(self.waiting))
                    batch = [self.waiting.popleft() for _ in range(size)]
                    tasks.append(asyncio.ensure_future(self.ask(batch)))
                else:
                    tasks.append(asyncio.ensure_future(self.ask([self.alone.popleft()], True)))
            for answers in await asyncio.gather(*tasks):
                for answer in answers:
                    yield answer

    async def ask(self, batch: list[Repository], is_last: bool = False) -> list[Answer]:
        ids = [repository.node_id for repository in batch]
        try:
            reply, nodes, errors = await ask(self.desk, self.table, {"ids": ids})
        except (TooHeavy, Incomplete, Unanswered, Refused) as error:
            if len(batch) == 1:
                await self.desk.fail(self.table, batch[0].id, error)
            else:
                log.info("%s: a batch of %s was too much: %s", self.table, len(batch), error)
                self.batches.shrink()
                self.batches.size = min(self.batches.size, max(1, len(batch) // 2))
                self.waiting.extendleft(reversed(batch))
            return []
        self.batches.note(reply)
        found = []
        for place, (repository, node) in enumerate(zip(batch, nodes, strict=True)):
            answer = Answer(repository, reply, node, errors.get(place, ()))
            if node is not None or answer.is_gone:
                found.append(answer)
            elif is_last:
                said = answer.said or "the node is null and no error says why"
                await self.desk.fail(self.table, repository.id, f"GraphQL gives no node: {said}")
            else:
                self.alone.append(repository)
        return found


async def land_counters(desk: Desk, repositories: Sequence[Repository]) -> list[Repository]:
    """The daily snapshot; returns the repositories that GraphQL no longer finds.

    Every repository whose node is given is expected to have its row. Of one that fails the counters by
    REST stand in, and the failure names it.
    """
    table, missing = "repository_counters", []
    async for answer in Asking(desk, table, repositories).answers():
        repository, reply, node = answer.repository, answer.reply, answer.node
        if node is None:
            missing.append(repository)
            continue
        if answer.errors:
            log.warning("%s: GraphQL left a part out: %s", repository.name, answer.said)
        try:
            is_same = await take(desk, repository, node, reply)
        except NoRepository as error:
            await desk.land_odd(table, node, reply, str(error))
            await desk.fail(table, repository.id, error)
            continue
        if not is_same:
            missing.append(repository)
            continue
        await desk.emit(
            reading(
                table, repository.id, 1, "one row for each node that was given",
                source_url=reply.url, observed_at=reply.observed_at,
            )
        )  # fmt: skip
    return missing


async def take(desk: Desk, repository: Repository, node: Node, reply: Reply) -> bool:
    """Land a node; the databaseId read back is its key, its name the present alias.

    Whether it is the repository's own: a node id can lead to another one. Raises NoRepository.
    """
    id, name, node_id = identity_of(node, *NAMES)
    records = Records.of_values([node])
    await desk.land("repository_counters", records, reply, id, keys=[id])
    if id != repository.id:
        return False
    repository.counters = node
    repository.is_seen = True
    await repository.meet(desk, name, node_id)
    await welcome(desk, repository, reply)
    return True
