"""Lists below a repository: from their cursor with an overlap, in full when counts disagree."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from ingestion.connectors.github_answers import (
    conditions_of,
    cursors_of,
    keys_of,
    land_records,
    memory_of,
)
from ingestion.connectors.github_comparison import bury_absent, count_by_link
from ingestion.connectors.github_deletions import buried, raise_again
from ingestion.connectors.github_desk import Desk, instant, path_of
from ingestion.connectors.github_guards import expected as expected_count
from ingestion.connectors.github_guards import guard as guard_of
from ingestion.connectors.github_guards import is_due_in_full, stands_still
from ingestion.connectors.github_known import known_keys
from ingestion.connectors.github_pages import Pages
from ingestion.connectors.github_state import Memory, Repository
from ingestion.instants import earlier, read_instant
from ingestion.readings import reading
from ingestion.records import Records
from ingestion.replies import Reply

log = logging.getLogger(__name__)

# A long list that is cut off goes on from here instead of from its beginning.
RESUME_PAGES = 10
# How far back a reading begins when upstream holds more than the usual overlap has shown.
WIDE = timedelta(days=30)
BORN = ("created_at", "committed_at")


@dataclass
class Listing:
    """One reading of a list: which keys it showed, how far it went, and from which answer.

    `held_before` counts what an earlier, interrupted part of the same reading has landed. `head` is the
    first item shown, `follows` whether an item names the head that was known as what it came after.
    """

    is_full: bool
    held_before: int = 0
    reply: Reply | None = None
    keys: set[str] = field(default_factory=set)
    record_count: int = 0
    new_count: int = 0
    is_whole: bool = True
    head: str | None = None
    follows: bool = False
    newest: str | None = None
    kept: dict[str, list[str | None]] = field(default_factory=dict)


@dataclass
class List:
    """One stream (`paging: link`) of one repository; `kept_paths` are what is wanted of its records after."""

    desk: Desk
    name: str
    repository: Repository
    kept_paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.table = self.desk.tables[self.name]
        self.endpoint = self.table.endpoint
        self.memory = self.repository.streams.get(self.name, {})
        self.guard = guard_of(self.name, self.repository.counters)
        self.expected = expected_count(self.name, self.repository.counters)
        self.target = self.endpoint.path.format(repository_name=self.repository.name)

    async def land(self) -> Listing | None:
        """Land what is new; None if the list need not be asked for or has not changed.

        Upstream's own count decides what a cheap reading cannot see: fewer than are held means
        deletions, more means that something slipped by; the reading is widened until they agree.
        """
        now = self.desk.context.now()
        is_due = is_due_in_full(self.memory, self.table.floor, now)
        if stands_still(self.memory, self.guard, now) and not is_due:
            return None
        is_first = not self.memory.get("listed_at")
        listing = await self.list(None if is_first or is_due else self.overlap)
        if listing.reply.status == 304:
            await self.repository.keep(
                self.desk, self.name, memory_of(listing.reply, self.guard, self.memory)
            )
            return None
        for wider in (WIDE, None) if self.endpoint.since else (None,):
            if listing.is_full or (await self.agrees(listing) and await self.continues(listing)):
                break
            listing = await self.list(wider)
        await self.conclude(listing)
        return listing

    async def agrees(self, listing: Listing) -> bool:
        """Whether upstream's count differs from what is held by no more than at the last full reading.

        A first answer counts by age; only if that disagrees are the landed keys themselves counted.
        """
        if self.expected is None or listing.reply.status != 200:
            return True
        tolerated = 0 if self.is_blocking else self.expected // 100
        gap = self.memory.get("gap", 0)
        if abs(self.expected - self.held(listing) - gap) <= tolerated:
            return True
        known = await known_keys(self.desk, self.name, self.repository)
        alive = known - set(buried(self.desk, self.name, self.repository).values())
        listing.new_count = len(listing.keys | alive) - self.memory.get("held", 0)
        return abs(self.expected - self.held(listing) - gap) <= tolerated

    async def continues(self, listing: Listing) -> bool:
        """Whether what was known is a part of what is there, where items name what they came after.

        A rewritten history can have as many items as the old one. The newest item that was known is still
        there if it is shown, if an item came after it, or if it is still the newest.
        """
        if not self.endpoint.parents or self.expected is None or listing.reply.status != 200:
            return True
        known = self.memory.get("head")
        if listing.follows or known in listing.keys:
            return True
        params = {**self.endpoint.params, "per_page": 1}
        reply = await self.desk.client.get(self.target, params, name=f"{self.name} (newest)")
        if reply.status != 200 or not reply.is_array:
            return True
        return known in keys_of(self.table, self.repository, reply.records)

    @property
    def is_blocking(self) -> bool:
        return self.table.floor is not None and self.table.floor.action == "block"

    @property
    def overlap(self) -> timedelta:
        return timedelta(hours=self.endpoint.overlap_hours)

    async def list(self, overlap: timedelta | None) -> Listing:
        """Read the list from its cursor minus the overlap, or in full (None), and land its pages."""
        endpoint, memory = self.endpoint, self.memory
        floor = self.overlapped(overlap)
        params: dict[str, Any] = dict(endpoint.params)
        if endpoint.since and floor:
            params[endpoint.since] = floor
        stop_at = self.stop_column if floor and not endpoint.since else None
        is_same_question = params == endpoint.params and overlap is not None and self.may_be_same
        conditions = conditions_of(memory) if endpoint.conditional and is_same_question else {}
        pages = Pages(self.desk, self.name, self.target, params)
        resume = memory.get("resume")
        listing = Listing(
            is_full=not (floor or resume), held_before=memory.get("held", 0) if resume else 0
        )
        in_turn, count = stop_at is not None, 0
        async for reply, records, following in pages.read(conditions, resume, in_turn=in_turn):
            if resume and not pages.is_resumed:
                listing.is_full, listing.held_before, resume = True, 0, None
            await self.take(listing, records, reply)
            count += 1
            if stop_at and self.reaches(records, stop_at, floor):
                break
            if count % RESUME_PAGES == 0 and following and not memory.get("listed_at"):
                listing.reply = pages.first
                await self.mark_progress(listing, following)
        listing.reply = pages.first
        listing.is_whole &= pages.is_whole
        return listing

    async def mark_progress(self, listing: Listing, following: str) -> None:
        """Let a first reading that is cut off here go on from the next page."""
        progress = {
            **self.memory,
            "resume": following,
            "held": listing.held_before + len(listing.keys),
            "cursor": self.cursor(listing),
            "head": listing.head or self.memory.get("head"),
        }
        await self.repository.keep(self.desk, self.name, progress)

    @property
    def stop_column(self) -> str | None:
        """The column whose descending order lets a reading stop at what is known."""
        return self.table.cursor if self.endpoint.stop_at_cursor else self.endpoint.stop_at

    @property
    def may_be_same(self) -> bool:
        """Whether an unchanged first page means an unchanged list: not if the counts disagree."""
        return self.expected is None or self.expected == self.memory.get("held")

    def overlapped(self, overlap: timedelta | None) -> str | None:
        """Where a reading begins; None: at the beginning. What upstream dates in the future hides nothing."""
        cursor = read_instant(self.memory.get("cursor") or "")
        if cursor is None or overlap is None or not (self.endpoint.since or self.stop_column):
            return None
        return instant(earlier(min(cursor, self.desk.context.now()), overlap))

    def reaches(self, records: Records, column: str, floor: str) -> bool:
        """Whether a page in descending order has come to what was read last time."""
        (last,) = Records(records.texts[-1:]).texts_at(path_of(self.table, column)) or (None,)
        return last is not None and last < floor

    @cached_property
    def born(self) -> str | None:
        """Where a record says when it came to be."""
        return next((path_of(self.table, c) for c in BORN if c in self.table.columns), None)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """All that is read of a record, so that it is gone through once."""
        columns = {*self.table.key, self.table.cursor, self.stop_column} & {*self.table.columns}
        paths = {path_of(self.table, column).removesuffix("|@position") for column in columns}
        found = {*paths, self.born, *self.kept_paths} - {None}
        return tuple(sorted(path for path in found if path[0] not in "@$"))

    async def take(self, listing: Listing, records: Records, reply: Reply) -> None:
        """Land a page and note what it shows."""
        records.read(self.paths)
        keys = await land_records(
            self.desk, self.name, self.repository, records, reply, listing.record_count
        )
        listing.record_count += len(records)
        listing.is_whole &= None not in keys
        listing.head = listing.head or next(filter(None, keys), None)
        listing.follows = listing.follows or self.comes_after_known(listing, records)
        for path in self.kept_paths:
            listing.kept.setdefault(path, []).extend(records.texts_at(path))
        cursor = self.memory.get("cursor", "")
        births = records.texts_at(self.born) if self.born else [None] * len(records)
        for key, birth in zip(keys, births, strict=True):
            if key is not None and key not in listing.keys:
                listing.keys.add(key)
                listing.new_count += (birth or "") > cursor
        column = self.stop_column
        seen = cursors_of(self.table, records) or (
            records.texts_at(path_of(self.table, column)) if column else []
        )
        # Nothing was changed after it was shown: a later instant would hide all that changes until then.
        shown = instant(reply.observed_at)
        seen = [moment for moment in (*seen, listing.newest) if moment and moment <= shown]
        listing.newest = max(seen, default=None)

    def comes_after_known(self, listing: Listing, records: Records) -> bool:
        """Whether one of the records names the newest known item; its id is too long to be met by chance."""
        known = self.memory.get("head")
        if listing.is_full or not (known and self.endpoint.parents):
            return False
        id = known.rpartition("/")[2]
        path = path_of(self.table, self.endpoint.parents)
        return any(id in (text or "") for text in records.texts_at(path))

    def held(self, listing: Listing) -> int:
        """How many distinct keys have been landed, as far as upstream's order can tell."""
        if listing.is_full:
            return len(listing.keys)
        if self.memory.get("resume"):
            return listing.held_before + len(listing.keys)
        return self.memory.get("held", 0) + listing.new_count

    def cursor(self, listing: Listing) -> str | None:
        """Where the next reading begins: the newest that was shown, or when we first looked."""
        if listing.newest is not None:
            return max(listing.newest, self.memory.get("cursor", ""))
        if self.memory.get("resume") or not self.endpoint.since:
            return self.memory.get("cursor")
        if self.table.cursor in self.table.columns:
            return self.memory.get("cursor")
        return instant(listing.reply.observed_at)

    async def conclude(self, listing: Listing) -> None:
        """Deletions, the independent reading, and what to remember."""
        reply, before = listing.reply, self.memory.get("held", 0)
        expected, method, is_there = self.expected, "GraphQL totalCount", reply.status == 200
        is_doubtful = not self.memory.get("listed_at") or self.held(listing) < before
        if expected is None and self.is_counted and is_there and is_doubtful:
            expected, method = await count_by_link(self, listing), "Link of a page of one"
        if is_there:
            if listing.is_full and self.memory.get("listed_at"):
                await bury_absent(self, listing, expected)
            await raise_again(self.desk, self.name, self.repository, listing.keys, reply)
        held = self.held(listing)
        memory: dict[str, Any] = {"held": held, "cursor": self.cursor(listing)}
        if self.endpoint.parents:
            memory["head"] = listing.head or self.memory.get("head")
        if not is_there:  # nothing to fall short of
            memory |= {"expected": None, "gap": None}
        elif expected is not None and self.is_counted:
            memory["expected"] = expected
            if listing.is_full:
                memory |= self.gap(expected - held, reply)
            await self.expect(expected, method, reply)
        await self.repository.keep(
            self.desk, self.name, memory_of(reply, self.guard, self.memory, **memory)
        )

    def gap(self, gap: int, reply: Reply) -> Memory:
        """What is remembered of a full reading that showed another number than upstream says."""
        looks = self.memory.get("looks", 0) + 1 if gap and self.memory.get("gap") else None
        return {"gap": gap, "full_at": instant(reply.observed_at), "looks": looks}

    @property
    def is_counted(self) -> bool:
        return self.table.floor is not None

    async def expect(self, expected: int, method: str, reply: Reply) -> None:
        await self.desk.emit(
            reading(
                self.name, self.repository.id, expected, method,
                source_url=reply.url, observed_at=reply.observed_at,
            )
        )  # fmt: skip
