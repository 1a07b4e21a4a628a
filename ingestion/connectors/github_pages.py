"""The pages of one list: in order, later ones fetched ahead, smaller where upstream suffers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ingestion.connectors.github_desk import Desk, require_there
from ingestion.fetch import SLOW_SECONDS, TooHeavy, Unanswered
from ingestion.records import Records
from ingestion.refusals import Meaning, meaning_of
from ingestion.replies import Reply

AHEAD = 6
# Pages that all lists together may hold ahead; beyond it each fetches only its next one.
AHEAD_TOGETHER = 32
SMALLEST = 10
NO_LIST = "the page is no list"

log = logging.getLogger(__name__)


class Pages:
    """Reads a list page by page; `first` is the answer to the first request, whatever its status.

    `is_whole` is false once upstream has not shown all of it: a page that is no list, or the end of what
    it gives out. An address to go on from that leads nowhere any more is left for the beginning.
    """

    def __init__(self, desk: Desk, name: str, target: str, params: dict[str, Any]) -> None:
        self.desk = desk
        self.name = name
        self.target = target
        self.params = params
        self.own = self.most = int(params.get("per_page", 100))
        self.first: Reply | None = None
        self.is_whole = True
        self.is_resumed = False

    @property
    def per_page(self) -> int:
        """The present page size of this list: its own, or that of all repositories if that is smaller."""
        return min(self.own, self.desk.per_page.get(self.name, self.most))

    def shrink(self) -> None:
        """Ask for less of this list; of all repositories' once another one of them suffered, too."""
        self.own = max(SMALLEST, self.per_page // 2)
        suffering = self.desk.suffering.setdefault(self.name, set())
        if suffering - {self.target}:
            self.desk.per_page[self.name] = self.own
        suffering.add(self.target)
        log.info("%s: %s items a page from now on", self.target, self.per_page)

    def note(self, reply: Reply) -> None:
        if reply.seconds > SLOW_SECONDS:
            self.shrink()
        elif self.per_page < self.most and reply.seconds < SLOW_SECONDS / 20:
            self.own = min(self.most, self.own + 1)
            shared = self.desk.per_page.get(self.name, self.most)
            self.desk.per_page[self.name] = min(self.most, shared + 1)

    async def read(
        self, conditions: dict[str, str], resume: str | None = None, *, in_turn: bool = False
    ) -> AsyncIterator[tuple[Reply, Records, str | None]]:
        """(answer, records, address of the next page or None) for each page, in order.

        Nothing is yielded if the first answer is not 200. With `in_turn` no page is fetched before
        the one before it has been taken, so that the reader can stop.
        """
        size = self.per_page // 10 * 10 or SMALLEST
        reply = await self.begin(conditions, resume, size)
        self.first = reply
        if reply.status != 200:
            return
        numbers = self.numbers_after(reply)
        if numbers and not in_turn:
            yield reply, self.records_of(reply), reply.links["next"]
            async for page in self.ahead(reply.links["next"], numbers):
                yield page
            return
        while reply is not None:
            following = reply.links.get("next")
            yield reply, self.records_of(reply), following
            reply = await self.page(following) if following else None

    async def begin(self, conditions: dict[str, str], resume: str | None, size: int) -> Reply:
        if resume is not None:
            reply = await self.desk.client.get(resume, name=self.name)
            self.is_resumed = reply.status == 200
            if self.is_resumed:
                return reply
        params = {**self.params, "per_page": size}
        try:
            reply = await self.desk.client.get(
                self.target,
                params,
                name=self.name,
                conditions=conditions,
                may_shrink=size > SMALLEST,
            )
        except TooHeavy:
            self.shrink()
            return await self.begin({}, None, max(SMALLEST, size // 2))
        require_there(reply)
        return reply

    async def page(self, url: str) -> Reply | None:
        """A later page; None where upstream gives out no more of the list. Raises Unanswered."""
        return self.later(await self.desk.client.get(url, name=self.name))

    def later(self, reply: Reply) -> Reply | None:
        """A page that must be there, for the one before it said so, unless upstream draws a line."""
        require_there(reply)
        if meaning_of(reply) is Meaning.NEVER:
            log.info("%s answered %s: the list is read to here", reply.url, reply.status)
            self.is_whole = False
            return None
        if reply.status != 200:
            raise Unanswered(
                f"{reply.url} answered {reply.status}, though the page before leads there"
            )
        self.note(reply)
        return reply

    def records_of(self, reply: Reply) -> Records:
        """The items of a page; what is no list is one record that says so."""
        if reply.is_array:
            return reply.records
        log.warning("%s: %s", reply.url, NO_LIST)
        self.is_whole = False
        return Records(reply.records.texts, [NO_LIST])

    def numbers_after(self, reply: Reply) -> range:
        """The numbers of the later pages, if the list is numbered and says which is its last."""
        following, last = (query_of(reply.links.get(name)) for name in ("next", "last"))
        by_cursor = not {"after", "before"}.isdisjoint(following)
        if by_cursor or "page" not in following or "page" not in last:
            return range(0)
        return range(int(following["page"]), int(last["page"]) + 1)

    async def ahead(
        self, pattern: str, numbers: range
    ) -> AsyncIterator[tuple[Reply, Records, str | None]]:
        """Numbered pages, AHEAD of them under way; the last one's own `next` is followed."""
        tasks: list[asyncio.Task[list[Reply]]] = []
        waiting = iter(numbers)
        try:
            for number in numbers:
                while self.may_add(tasks) and (next_number := next(waiting, None)) is not None:
                    tasks.append(asyncio.create_task(self.numbered(pattern, next_number)))
                    self.desk.pages_ahead += 1
                replies = await tasks[0]
                tasks.pop(0)
                self.desk.pages_ahead -= 1
                following = numbered(pattern, number + 1) if number != numbers[-1] else None
                for reply in replies:
                    yield reply, self.records_of(reply), following
                if not replies:
                    return
            reply = replies[-1]
            while following := reply.links.get("next"):
                if (reply := await self.page(following)) is None:
                    return
                yield reply, self.records_of(reply), reply.links.get("next")
        finally:
            self.desk.pages_ahead -= len(tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def may_add(self, tasks: list[asyncio.Task[list[Reply]]]) -> bool:
        """Whether another page may be fetched ahead; the next one always may."""
        return not tasks or (len(tasks) < AHEAD and self.desk.pages_ahead < AHEAD_TOGETHER)

    async def numbered(self, pattern: str, number: int) -> list[Reply]:
        """Page `number`; as two halves (and so on) where the whole is too much for upstream."""
        size = int(query_of(pattern).get("per_page", self.most))
        try:
            url = numbered(pattern, number)
            can_split = size % 2 == 0 and size // 2 >= SMALLEST
            reply = await self.desk.client.get(url, name=self.name, may_shrink=can_split)
        except TooHeavy:
            self.shrink()
            half = with_query(pattern, per_page=size // 2)
            first = await self.numbered(half, 2 * number - 1)
            return [*first, *await self.numbered(half, 2 * number)]
        found = self.later(reply)
        return [] if found is None else [found]


def query_of(url: str | None) -> dict[str, str]:
    return {key: values[-1] for key, values in parse_qs(urlsplit(url or "").query).items()}


def with_query(url: str, **changes: int) -> str:
    """The address with parameters of its query replaced, the others as they are, byte for byte."""
    head, _, query = url.partition("?")
    texts = {key: str(value) for key, value in changes.items()}
    parts = [part for part in query.split("&") if part and part.partition("=")[0] not in texts]
    return f"{head}?{'&'.join([*parts, *(f'{key}={value}' for key, value in texts.items())])}"


def numbered(pattern: str, number: int) -> str:
    return with_query(pattern, page=number)
