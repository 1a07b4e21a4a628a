"""One visit to a repository: all its streams, each failing alone, and the commits of its lone tags."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable

from ingestion.connectors.github_answers import (
    conditions_of,
    land_answer,
    land_records,
    memory_of,
)
from ingestion.connectors.github_deletions import examine, welcome
from ingestion.connectors.github_desk import Away, Desk, instant, require_there
from ingestion.connectors.github_guards import guard as guard_of
from ingestion.connectors.github_guards import stands_still
from ingestion.connectors.github_lists import List, Listing
from ingestion.connectors.github_state import NoRepository, Repositories, Repository, identity_of
from ingestion.fetch import Refused, TooHeavy, Unanswered
from ingestion.landing import Remember
from ingestion.limits import NoToken, OutOfTime
from ingestion.replies import Reply

log = logging.getLogger(__name__)

# Commits of tags that one visit reads at most; the rest is read by the next ones.
TAGGED_AT_ONCE = 500
TAGGED_TOGETHER = 20
FIRST, LAST = "repositories", "tagged_commits"
# What tells which tags have no release.
KEPT_PATHS = {"releases": ("tag_name", "draft"), "tags": ("name", "commit.sha")}


class Visitor:
    """Visits repositories; `answers` holds records that resolving the watchlist has already brought."""

    def __init__(self, desk: Desk, repositories: Repositories, answers: dict[str, Reply]) -> None:
        self.desk = desk
        self.repositories = repositories
        self.answers = answers
        self.below = [
            name
            for name, table in desk.tables.items()
            if table.endpoint and "{repository_name}/" in table.endpoint.path and name != LAST
        ]

    async def visit(self, repository: Repository) -> bool:
        """Land every stream of a repository; whether all of it is done.

        A stream that fails is reported and leaves the others alone; the deadline stops all.
        """
        there = await self.tell(repository, FIRST, self.land_repository(repository))
        if not there:
            return repository.gone is not None
        done = dict(
            zip(
                self.below,
                await asyncio.gather(
                    *(
                        self.tell(repository, name, self.land(repository, name))
                        for name in self.below
                    )
                ),
                strict=True,
            )
        )
        done[LAST] = await self.tell(repository, LAST, self.land_tagged(repository))
        if not all(done.values()):
            return False
        repository.landed_at = instant(self.desk.context.now())
        await self.desk.emit(Remember((*repository.path, "landed_at"), repository.landed_at))
        return True

    async def tell(self, repository: Repository, name: str, work: Awaitable[bool]) -> bool:
        """Do the work of one stream; an error becomes a failure of that stream."""
        if self.desk.stopped:
            asyncio.ensure_future(work).cancel()
            return False
        try:
            return await work
        except Away as error:
            log.info("%s of %s: %s", name, repository.name, error)
            return await self.tell(repository, FIRST, self.is_there(repository))
        except (OutOfTime, NoToken) as error:
            self.desk.stopped = self.desk.stopped or str(error)
        except (Unanswered, Refused, TooHeavy, NoRepository) as error:
            await self.desk.fail(name, repository.id, error)
        except Exception as error:
            log.exception("%s of %s broke off", name, repository.name)
            await self.desk.fail(name, repository.id, error)
        return False

    async def is_there(self, repository: Repository) -> bool:
        """Ask for the repository itself, whose list or part spoke of it as blocked."""
        return (await examine(self.desk, self.repositories, repository)).status == 200

    async def land_repository(self, repository: Repository) -> bool:
        """The repository itself; False if it is away. A name that leads to another id is not ours."""
        desk, memory = self.desk, repository.streams.get(FIRST, {})
        guard = guard_of(FIRST, repository.counters)
        reply = self.answers.pop(repository.id, None)
        if reply is None:
            if stands_still(memory, guard, desk.context.now()):
                return True
            path = desk.tables[FIRST].endpoint.path.format(repository_name=repository.name)
            # Where GraphQL fails, these counters stand in for its own: then no 304.
            stands_in = repository.counters is None and desk.has_tokens
            conditions = {} if stands_in else conditions_of(memory)
            reply = await desk.client.get(path, name=FIRST, conditions=conditions)
        is_another = reply.status == 200 and identity_of(reply.json)[0] != repository.id
        if reply.status not in (200, 304) or is_another:
            reply = await examine(desk, self.repositories, repository)
            if reply.status != 200:
                return False
        if reply.status == 200:
            await repository.meet(desk, *identity_of(reply.json)[1:])
            await land_records(desk, FIRST, repository, reply.records, reply)
        await welcome(desk, repository, reply)
        await repository.keep(desk, FIRST, memory_of(reply, guard, memory))
        return True

    async def land(self, repository: Repository, name: str) -> bool:
        table, guard = self.desk.tables[name], guard_of(name, repository.counters)
        if table.endpoint.paging == "link":
            kept_paths = KEPT_PATHS.get(name, ())
            listing = await List(self.desk, name, repository, kept_paths).land()
            if listing is not None and kept_paths:
                await self.note_tags(repository, name, listing)
        elif not stands_still(repository.streams.get(name, {}), guard, self.desk.context.now()):
            await land_answer(self.desk, name, repository, guard)
        return True

    async def note_tags(self, repository: Repository, name: str, listing: Listing) -> None:
        """Keep what tells which tags have no release: marks of the names, and their commits.

        A draft is no release. Of a release that is gone only the tags themselves tell whether its tag is, too.
        """
        memory = dict(repository.streams.get(LAST, {}))
        kept = [listing.kept.get(path, []) for path in KEPT_PATHS[name]]
        if name == "releases":
            named = zip(*kept, strict=True)
            marks = {short(tag) for tag, is_draft in named if tag and is_draft != "True"}
            memory["has_lost"] = bool(chunks(memory.get("released", "")) - marks)
            memory["released"] = "".join(sorted(marks))
        else:
            names, commits = kept
            pairs = zip(names, commits, strict=True)
            memory["tags"] = {short(name): sha for name, sha in pairs if name and sha}
        await repository.keep(self.desk, LAST, memory)

    async def land_tagged(self, repository: Repository) -> bool:
        """Commits that tags without a release name: each is read once, ever.

        What is left to read stays in the state as `tags`; what was read as short marks in `done`.
        """
        if repository.streams.get(LAST, {}).get("has_lost"):
            await self.read_tags_again(repository)
        memory = repository.streams.get(LAST, {})
        if not memory.get("tags"):
            return True
        released, done = chunks(memory.get("released", "")), chunks(memory.get("done", ""))
        lone = (sha for name, sha in memory["tags"].items() if name not in released)
        waiting = [sha for sha in dict.fromkeys(lone) if short(sha) not in done]
        left = waiting[TAGGED_AT_ONCE:]
        failed: list[str] = []
        for start in range(0, min(len(waiting), TAGGED_AT_ONCE), TAGGED_TOGETHER):
            together = waiting[start : min(start + TAGGED_TOGETHER, TAGGED_AT_ONCE)]
            read = await asyncio.gather(*(self.land_commit(repository, sha) for sha in together))
            failed += [sha for sha, is_read in zip(together, read, strict=True) if not is_read]
            done |= {short(sha) for sha in together} - {*map(short, failed)}
            kept = {**memory, "done": "".join(sorted(done))}
            await repository.keep(self.desk, LAST, kept)
        left += failed
        memory = {"released": memory.get("released", ""), "done": "".join(sorted(done))}
        if left:
            memory["tags"] = {short(sha): sha for sha in left}
        await repository.keep(self.desk, LAST, memory)
        return not failed

    async def read_tags_again(self, repository: Repository) -> None:
        """Read the list of tags although nothing of it has changed."""
        unread = dict(repository.streams.get("tags", {}))
        for known in ("guard", "etag", "modified"):
            unread.pop(known, None)
        await repository.keep(self.desk, "tags", unread)
        await self.land(repository, "tags")
        await repository.keep(self.desk, LAST, {**repository.streams[LAST], "has_lost": False})

    async def land_commit(self, repository: Repository, sha: str) -> bool:
        """Land one commit; whether it was answered. One that is not fails alone."""
        path = self.desk.tables[LAST].endpoint.path.format(repository_name=repository.name, sha=sha)
        try:
            reply = await self.desk.client.get(path, name=LAST)
        except (Unanswered, Refused) as error:
            await self.desk.fail(LAST, repository.id, error)
            return False
        require_there(reply)
        if reply.status == 200:
            await land_records(self.desk, LAST, repository, reply.records, reply)
        return True


def short(text: str) -> str:
    """Eight characters that stand for a name or a commit in the state."""
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def chunks(marks: str) -> set[str]:
    return {marks[start : start + 8] for start in range(0, len(marks), 8)}
