"""A full list beside what was landed of it: what it lacks is deleted, once the list is known to be whole."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ingestion.connectors.github_deletions import bury, missing_keys
from ingestion.connectors.github_pages import query_of

if TYPE_CHECKING:
    from ingestion.connectors.github_lists import List, Listing

log = logging.getLogger(__name__)


async def bury_absent(stream: List, listing: Listing, expected: int | None) -> None:
    """Tombstones for what was landed once and a full list does not show, by ids and not by counts.

    While pages are read an item can move behind the reader. So the list counts if it is as long as
    upstream says, by its counters or by its own last page; else it is read once more, and what neither
    reading shows is deleted. A list with a record that does not say which it is shows no deletions, nor
    does one that breaks off: both counts say that it is longer than its floor lets pass.
    """
    missing = await missing_keys(stream.desk, stream.name, stream.repository, listing.keys)
    if not missing:
        return
    if not listing.is_whole:
        log.info(
            "%s: %s landed once are not shown, but the list is not whole",
            stream.target,
            len(missing),
        )
        return
    url, count = listing.reply.url, len(listing.keys)
    evidence = f"missing from the full list of {count} at {url}"
    if count != expected and count != (told := await count_by_link(stream, listing)):
        again = await stream.list(None)
        if again.reply.status != 200 or not again.is_whole:
            return
        missing -= again.keys
        listing.keys |= again.keys
        if breaks_off(stream, len(listing.keys), expected, told):
            log.info(
                "%s: the list breaks off after %s; it shows no deletions", stream.target, count
            )
            return
        evidence = f"missing from two full readings ({count} and {len(again.keys)}) at {url}"
    await bury(stream.desk, stream.name, stream.repository, missing, listing.reply, evidence)


def breaks_off(stream: List, shown: int, *told: int | None) -> bool:
    """Whether every count that upstream gives of a list is above what it shows by more than the floor allows."""
    counts = [count for count in told if count is not None]
    floor = stream.table.floor
    return floor is not None and bool(counts) and shown < min(counts) * floor.capture_rate


async def count_by_link(stream: List, listing: Listing) -> int | None:
    """How long a list is by its own Link: the number of its last page of one item each."""
    params = {**stream.endpoint.params, "per_page": 1}
    reply = await stream.desk.client.get(stream.target, params, name=f"{stream.name} (count)")
    if reply.status != 200 or not reply.is_array or len(reply.records) > 1:
        return None  # an answer that ignored per_page tells nothing
    last = query_of(reply.links.get("last")).get("page")
    if last is not None:
        return int(last)
    # Without a Link there is one page: none or one, unless the list has shown more.
    return len(reply.records) if len(listing.keys) <= 1 else None
