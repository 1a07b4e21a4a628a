"""Projects (v2) of repositories by GraphQL: landed where they differ, buried where they are gone."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from ingestion.connectors.github_deletions import bury, missing_keys, raise_again
from ingestion.connectors.github_desk import Desk, instant
from ingestion.connectors.github_graphql import Asking, Incomplete, OutOfScope, ask
from ingestion.connectors.github_state import Repository
from ingestion.fetch import Refused, TooHeavy, Unanswered
from ingestion.records import Records
from ingestion.replies import Reply

log = logging.getLogger(__name__)

RECHECK = timedelta(days=7)


def may_have_projects(repository: Repository, now: datetime) -> bool:
    """Whether to ask for projects: it has some, it changed, or it was asked a week ago."""
    memory = repository.streams.get("projects")
    if not memory or memory["count"] or memory["updated"] != repository.counters.get("updatedAt"):
        return True
    return datetime.fromisoformat(memory["listed_at"]) < now - RECHECK


async def land_projects(desk: Desk, repositories: Sequence[Repository]) -> None:
    """Projects of the repositories that may have any; a list longer than a page is read to its end.

    A token without the scope `read:project` sees none: that is said once in the log.
    """
    now = desk.context.now()
    asked = [each for each in repositories if each.counters and may_have_projects(each, now)]
    try:
        async for answer in Asking(desk, "projects", asked).answers():
            repository = answer.repository
            if answer.node is None:
                continue
            try:
                projects = await Projects.of(desk, repository, answer.node.get("projectsV2"))
                await land_repository_projects(desk, repository, projects, answer.reply)
            except (TooHeavy, Incomplete, Unanswered, Refused) as error:
                said = f"{error}{f'; {answer.said}' if answer.errors else ''}"
                await desk.fail("projects", repository.id, said)
    except OutOfScope as error:
        log.warning("projects are left out: %s", error)


class Projects:
    """The projects of a repository that the token may see; `is_whole` if these are all there are."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.total: int | None = None

    @classmethod
    async def of(cls, desk: Desk, repository: Repository, connection: Any) -> Projects:
        """Read to the end of the connection. Raises Incomplete where a page of it is none."""
        made = cls()
        after = made.take(connection)
        while after is not None:
            variables = {"ids": [repository.node_id], "after": after}
            _, (node,), _ = await ask(desk, "projects", variables)
            after = made.take((node or {}).get("projectsV2"))
        return made

    def take(self, connection: Any) -> str | None:
        """Take a page's projects in; returns where the next page begins. Raises Incomplete."""
        if not isinstance(connection, dict) or not isinstance(connection.get("nodes"), list):
            raise Incomplete("GraphQL gives no list of projects")
        self.total = connection.get("totalCount")
        self.seen += [project for project in connection["nodes"] if project is not None]
        page = connection.get("pageInfo") or {}
        return page.get("endCursor") if page.get("hasNextPage") else None

    @property
    def is_whole(self) -> bool:
        return len(self.seen) == self.total and None not in self.ids

    @property
    def ids(self) -> list[str | None]:
        return [text_at(project, "id") for project in self.seen]

    @property
    def mark(self) -> str:
        """Stands for which projects there are and when each was edited last."""
        said = sorted(f"{text_at(each, 'id')} {text_at(each, 'updatedAt')}" for each in self.seen)
        return hashlib.blake2b("\n".join(said).encode(errors="replace"), digest_size=8).hexdigest()


def text_at(project: Any, name: str) -> str | None:
    found = project.get(name) if isinstance(project, dict) else None
    return found if isinstance(found, str) and found else None


async def land_repository_projects(
    desk: Desk, repository: Repository, projects: Projects, reply: Reply
) -> None:
    """Land a repository's projects if they differ from those landed last, and bury what is gone."""
    before = repository.streams.get("projects", {})
    if before.get("mark") != projects.mark:
        context = orjson.dumps({"repository_id": int(repository.id)}).decode()
        keys = [id and f"{repository.id}/{id}" for id in projects.ids]
        records = Records.of_values(projects.seen)
        await desk.land("projects", records, reply, repository.id, contexts=context, keys=keys)
        shown = {key for key in keys if key}
        await raise_again(desk, "projects", repository, shown, reply)
        if before and projects.is_whole:
            missing = await missing_keys(desk, "projects", repository, shown)
            evidence = f"missing from the repository's {projects.total} projects at {reply.url}"
            await bury(desk, "projects", repository, missing, reply, evidence)
    memory = {
        "count": len(projects.seen),
        "mark": projects.mark,
        "updated": repository.counters.get("updatedAt"),
        "listed_at": instant(reply.observed_at),
    }
    await repository.keep(desk, "projects", memory)
