"""The watchlist's repositories, searches and owners, resolved to database ids."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import orjson

from ingestion.connectors.github_desk import Desk
from ingestion.connectors.github_state import NoRepository, Repositories, Repository
from ingestion.landing import Remember
from ingestion.limits import NoToken, OutOfTime
from ingestion.records import Records
from ingestion.refusals import Meaning, meaning_of
from ingestion.replies import Reply
from ingestion.watchlist import Entry

log = logging.getLogger(__name__)

OURS = ("github", "owner", "search")
# A search that ran out of time upstream is asked for so often, with so long a pause between; seconds.
SEARCH_ATTEMPTS = 4
SEARCH_PAUSE = 5.0


class Watchlist:
    """Resolves entries; `answers` keeps full records met on the way, so that none is asked twice."""

    def __init__(self, desk: Desk, repositories: Repositories, entries: list[Entry]) -> None:
        self.desk = desk
        self.repositories = repositories
        self.entries = [entry for entry in entries if entry.kind in OURS]
        state = desk.context.state
        self.names: dict[str, str] = dict(state.get("names", {}))
        self.kept: dict[str, dict[str, Any]] = dict(state.get("watch", {}))
        self.found: dict[str, list[Repository]] = {}
        self.answers: dict[str, Reply] = {}

    async def resolve(self) -> None:
        """Find the repositories of every enabled entry, named ones first; an entry fails alone."""
        for kind in OURS:
            for entry in self.entries:
                if entry.kind == kind and entry.is_enabled:
                    await self.resolve_entry(entry)

    async def resolve_entry(self, entry: Entry) -> None:
        resolvers = {"github": self.named, "owner": self.owned, "search": self.searched}
        try:
            self.found[entry.key] = await resolvers[entry.kind](entry)
        except (OutOfTime, NoToken):
            raise
        except Exception as error:  # whatever it is, the other entries go on
            await self.desk.fail("watchlist", entry.target, error)
            kept = self.kept.get(entry.key, {}).get("ids", [])
            known = [self.repositories.by_id.get(id) for id in kept]
            self.found[entry.key] = [repository for repository in known if repository]

    async def named(self, entry: Entry) -> list[Repository]:
        """The repository of a name; a name once resolved is tied to its id until that is gone."""
        known = self.repositories.by_id.get(self.names.get(entry.target.lower(), ""))
        if known is not None and known.gone is None:
            return [known]
        reply = await self.desk.client.get(f"repos/{entry.target}", name="watchlist")
        if reply.status == 200:
            found = await self.repositories.find(self.desk, reply.json)
            self.names[entry.target.lower()] = found.id
            self.answers[found.id] = reply
            await self.desk.emit(Remember(("names", entry.target.lower()), found.id))
            return [found]
        if known is not None:
            return [known]
        if meaning_of(reply) is Meaning.AWAY:
            log.info("%s is blocked (%s)", entry.target, reply.status)
            return []
        raise LookupError(f"{reply.url} answered {reply.status}; correct the entry or disable it")

    async def owned(self, entry: Entry) -> list[Repository]:
        params = {"per_page": 100}
        return await self.listed(f"users/{entry.target}/repos", params, "core", items_of)

    async def searched(self, entry: Entry) -> list[Repository]:
        """Everything a search gives, in its order; GitHub shows the first 1,000.

        Raises LookupError if a page stays incomplete: those left out would seem to have left.
        """
        params = {"q": entry.target, "per_page": 100}
        return await self.listed(
            "search/repositories", params, "search", lambda page: items_of(page, "items")
        )

    async def listed(
        self, target: str, params: dict[str, Any], resource: str, items: Any
    ) -> list[Repository]:
        found: dict[str, Repository] = {}
        url, asked = target, params
        while url is not None:
            reply = await self.whole_page(url, asked, resource)
            for record in items(reply.json):
                try:
                    repository = await self.repositories.find(self.desk, record)
                except NoRepository as error:
                    await self.desk.land_odd("repositories", record, reply, str(error))
                    continue
                found.setdefault(repository.id, repository)
            url, asked = reply.links.get("next"), None
        return list(found.values())

    async def whole_page(self, target: str, params: dict[str, Any] | None, resource: str) -> Reply:
        """A page that upstream does not call incomplete (it does where a search took too long)."""
        client = self.desk.client
        for attempt in range(SEARCH_ATTEMPTS):
            if attempt:
                await client.sleep_before_deadline(SEARCH_PAUSE * client.patience)
            reply = await client.get(target, params, name="watchlist", resource=resource)
            if reply.status != 200:
                raise LookupError(f"{reply.url} answered {reply.status}")
            if not (isinstance(reply.json, dict) and reply.json.get("incomplete_results")):
                return reply
            log.info("%s: incomplete results", reply.url)
        raise LookupError(
            f"{reply.url} said {SEARCH_ATTEMPTS} times that its results are incomplete"
        )

    async def settle(self) -> None:
        """Land the entries whose answer changed, and those that nobody asks for any more."""
        present = {entry.key: entry for entry in self.entries}
        for key, entry in present.items():
            repositories = self.found.get(key, [])
            if entry.is_enabled or key in self.kept:
                await self.land_entry(entry, repositories)
        for key in [key for key in self.kept if key not in present]:
            kept = self.kept[key]
            entry = Entry(kept["product_name"], kept["kind"], kept["target"], False)
            await self.land_entry(entry, [])

    async def land_entry(self, entry: Entry, repositories: list[Repository]) -> None:
        """One row per repository; those that left a search or a disabled entry say so."""
        now = {repository.id for repository in repositories}
        before = self.kept.get(entry.key, {}).get("ids", [])
        known = self.repositories.by_id
        left = [known[id] for id in before if id not in now and id in known]
        rows = [
            (entry_record(entry, repository, rank if entry.kind == "search" else None), repository)
            for rank, repository in enumerate(repositories, start=1)
        ]
        gone = Entry(entry.product_name, entry.kind, entry.target, False)
        rows += [(entry_record(gone, repository, None), repository) for repository in left]
        contexts = [context_of(repository) for _, repository in rows]
        records = [record for record, _ in rows]
        digest = hashlib.blake2b(orjson.dumps([records, contexts]), digest_size=8).hexdigest()
        kept = {
            "product_name": entry.product_name, "kind": entry.kind, "target": entry.target,
            "ids": [repository.id for repository in repositories], "digest": digest,
        }  # fmt: skip
        if self.kept.get(entry.key, {}).get("digest") == digest:
            return
        client = self.desk.client
        reply = Reply(200, client.address(entry.target), {}, b"", self.desk.context.now())
        keys = [f"{entry.key}/{repository.id}" for _, repository in rows]
        said = Records.of_values(records)
        await self.desk.land("watchlist", said, reply, "all", contexts=contexts, keys=keys)
        await self.desk.emit(Remember(("watch", entry.key), kept if entry.is_enabled else None))

    def left_behind(self) -> list[Repository]:
        """What a search or an owner showed last time and no longer shows: it may be gone."""
        tracked = {repository.id for repository in self.tracked()}
        before = {id for kept in self.kept.values() for id in kept["ids"]} - tracked
        known = self.repositories.by_id
        return [known[id] for id in sorted(before) if id in known and known[id].gone is None]

    def tracked(self) -> list[Repository]:
        """The repositories of all enabled entries, those named in the list first."""
        unique: dict[str, Repository] = {}
        for kind in OURS:
            for entry in self.entries:
                if entry.kind == kind:
                    for repository in self.found.get(entry.key, []):
                        unique.setdefault(repository.id, repository)
        return list(unique.values())


def items_of(page: Any, name: str | None = None) -> list[Any]:
    """The items of a page, under a name or as a whole. Raises LookupError where it has none."""
    found = page.get(name) if name and isinstance(page, dict) else page
    if not isinstance(found, list):
        raise LookupError(f"the answer has no list{f' `{name}`' if name else ''}")
    return found


def entry_record(entry: Entry, repository: Repository, rank: int | None) -> dict[str, Any]:
    is_named = entry.kind == "github"
    return {
        "product_name": entry.product_name if is_named else repository.name,
        "kind": entry.kind,
        "target": entry.target,
        "enabled": entry.is_enabled,
        "list_rank": rank,
    }


def context_of(repository: Repository) -> str:
    return orjson.dumps(
        {
            "repository_id": int(repository.id),
            "repository_name": repository.name,
            "node_id": repository.node_id,
        }
    ).decode()
