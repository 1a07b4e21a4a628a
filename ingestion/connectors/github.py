"""GitHub: the watchlist's repositories, counters by GraphQL in batches, lists by REST where they changed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence

from ingestion.connectors.github_answers import conditions_of, memory_of
from ingestion.connectors.github_costs import plan as plan  # the connector's other half
from ingestion.connectors.github_costs import remember_costs
from ingestion.connectors.github_deletions import examine
from ingestion.connectors.github_desk import Away, Desk, path_of
from ingestion.connectors.github_graphql import land_counters
from ingestion.connectors.github_pages import Pages
from ingestion.connectors.github_projects import land_projects
from ingestion.connectors.github_state import Repositories, Repository
from ingestion.connectors.github_visits import Visitor
from ingestion.connectors.github_watchlist import Watchlist
from ingestion.fetch import Client, Refused, TooHeavy, Unanswered
from ingestion.landing import Context, Item, Remember
from ingestion.limits import Gate, NoToken, OutOfTime, TokenPool
from ingestion.streaming import Emit, drain
from ingestion.watchlist import read_watchlist

log = logging.getLogger(__name__)

VISITS_AT_ONCE = 12


def land(context: Context) -> Iterator[Item]:
    """Everything that is new at GitHub, as `ingestion.connectors` says."""
    entries = read_watchlist(context.settings)

    async def produce(emit: Emit) -> None:
        settings = context.settings
        pool = TokenPool(
            settings.tokens,
            reserve=settings.quota_reserve,
            deadline=time.monotonic() + settings.deadline_seconds,
        )
        client = Client(
            context.spec.location.resolve(),
            pool,
            Gate(settings.concurrency),
            context.book,
            context.now,
            context.spec.location.patience(),
        )
        async with client:
            desk = Desk(context, client, emit)
            repositories = Repositories(context.state)
            watchlist = Watchlist(desk, repositories, entries)
            await Harvest(desk, repositories, watchlist).run()

    return drain(produce)


class Harvest:
    """One landing, in its order: who is watched, the counters of all, then visits where they changed."""

    def __init__(self, desk: Desk, repositories: Repositories, watchlist: Watchlist) -> None:
        self.desk = desk
        self.repositories = repositories
        self.watchlist = watchlist
        self.visitor = Visitor(desk, repositories, watchlist.answers)
        self.left = 0

    async def run(self) -> None:
        began = time.monotonic()
        before = set(self.repositories.by_id)
        try:
            await self.watchlist.resolve()
            await self.count(self.watchlist.tracked() + self.watchlist.left_behind())
            await self.count(await self.follow_names())
            await self.watchlist.settle()
            await self.catalogues()
            await self.visit(self.watchlist.tracked())
            newcomers = await self.follow_names()
            if newcomers:
                await self.count(newcomers)
                await self.watchlist.settle()
                await self.visit(newcomers)
        except (OutOfTime, NoToken) as error:
            self.desk.stopped = self.desk.stopped or str(error)
        if self.desk.stopped:
            left = f"; {self.left} repositories are left for the next run" if self.left else ""
            await self.desk.fail("*", "*", f"{self.desk.stopped}{left}")
        tracked = self.watchlist.tracked()
        await remember_costs(self.desk, tracked, before, time.monotonic() - began)

    async def count(self, repositories: Sequence[Repository]) -> None:
        """Today's counters; what GraphQL no longer finds is examined. Without a token neither is told."""
        if not self.desk.has_tokens:
            log.info("no token: GraphQL (counters, projects) is left out, as GitHub wants one")
            for repository in self.watchlist.left_behind():
                await examine(self.desk, self.repositories, repository)
            return
        for repository in await land_counters(self.desk, repositories):
            if repository.gone is None:
                try:
                    await examine(self.desk, self.repositories, repository)
                except (OutOfTime, NoToken):
                    raise
                except Exception as error:  # whatever it is, the others go on
                    await self.desk.fail("repositories", repository.id, error)
        await land_projects(self.desk, [each for each in repositories if each.is_seen])

    async def follow_names(self) -> list[Repository]:
        """Names whose repository is gone may lead to another one now: those that are new."""
        known = {repository.id for repository in self.watchlist.tracked()}
        for entry in self.watchlist.entries:
            found = self.watchlist.found.get(entry.key, [])
            if entry.kind == "github" and any(repository.gone for repository in found):
                await self.watchlist.resolve_entry(entry)
        return [each for each in self.watchlist.tracked() if each.id not in known]

    async def catalogues(self) -> None:
        """Lists that belong to no repository (the licenses)."""
        for name, table in self.desk.tables.items():
            if table.endpoint is None or "{" in table.endpoint.path:
                continue
            memory = self.desk.context.state.get("catalogues", {}).get(name, {})
            pages = Pages(self.desk, name, table.endpoint.path, dict(table.endpoint.params))
            try:
                async for reply, records, _ in pages.read(conditions_of(memory)):
                    keys = records.texts_at(path_of(table, table.key[0]))
                    await self.desk.land(name, records, reply, "all", keys=keys)
            except (Unanswered, Refused, TooHeavy, Away) as error:
                await self.desk.fail(name, "all", error)
                continue
            kept = memory_of(pages.first, None, memory)
            await self.desk.emit(Remember(("catalogues", name), kept))

    async def visit(self, repositories: Sequence[Repository]) -> None:
        """Visit what is not away, the longest unvisited first, a few at a time."""
        waiting = [repository for repository in repositories if repository.gone is None]
        if not self.desk.has_tokens:
            waiting = list(repositories)
        waiting.sort(key=lambda repository: repository.landed_at)
        places = asyncio.Semaphore(VISITS_AT_ONCE)

        async def one(repository: Repository) -> None:
            async with places:
                if self.desk.stopped or not await self.visitor.visit(repository):
                    self.left += 1

        await asyncio.gather(*(one(repository) for repository in waiting))
