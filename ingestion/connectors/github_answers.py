"""Single answers below a repository: conditional, computed ones waited for, absent ones remembered."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from ingestion.connectors.github_deletions import bury, missing_keys, raise_again
from ingestion.connectors.github_desk import Desk, instant, path_of, require_there
from ingestion.connectors.github_state import Memory, Repository
from ingestion.records import Records
from ingestion.refusals import Meaning, meaning_of
from ingestion.replies import Reply
from trendhouse.declared.sources import Table

log = logging.getLogger(__name__)

# How long statistics may be computed before a later run asks again; times the client's patience.
COMPUTED_SECONDS = 120.0
# After so long no run but that of a week later asks for them.
PENDING = timedelta(days=2)
NO_KEY = "the record says nothing that could be its key"


def conditions_of(memory: Memory) -> dict[str, str]:
    """Headers that ask for an answer only if it changed."""
    headers = {}
    if memory.get("etag"):
        headers["If-None-Match"] = memory["etag"]
    elif memory.get("modified"):
        headers["If-Modified-Since"] = memory["modified"]
    return headers


def memory_of(reply: Reply, guard: str | None, before: Memory, **more: Any) -> Memory:
    """A new memory after an answer; a 304 keeps the validators that led to it."""
    kept = {key: value for key, value in before.items() if key != "resume"}
    if reply.status != 304:
        kept.pop("etag", None)
        kept.pop("modified", None)
        if "ETag" in reply.headers:
            kept["etag"] = reply.headers["ETag"]
        elif "Last-Modified" in reply.headers:
            kept["modified"] = reply.headers["Last-Modified"]
    fresh = {"guard": guard, "listed_at": instant(reply.observed_at), **more}
    return {key: value for key, value in {**kept, **fresh}.items() if value is not None}


def keys_of(
    table: Table, repository: Repository, records: Records, start: int = 0
) -> list[str | None]:
    """The key of each record, joined by `/`; what the record does not say comes from the context.

    Of a record that becomes several rows it is the part that they share. An empty text is no key: None
    for a record without any. `start` is the place in the whole list of the first of these.
    """
    parts: list[Sequence[str | None]] = []
    for column in table.key:
        path = path_of(table, column) if column in table.columns else "$each"
        if path == "@repository_id":
            parts.append([repository.id] * len(records))
        elif not path.startswith("$each"):
            parts.append(part_of(column, path, records, start))
    return [None if None in key else "/".join(key) for key in zip(*parts, strict=True)]


def part_of(column: str, path: str, records: Records, start: int) -> Sequence[str | None]:
    """One column of the keys: of each record the first of the path's values that is not empty.

    Where the context holds the key itself (`@column|...`) it is made here, different for each record of
    an answer, even for those that say nothing of themselves.
    """
    choices = path.split("|")
    found: list[str | None] = [None] * len(records)
    for choice in choices:
        if not choice.startswith("@"):
            said = records.texts_at(choice)
            found = [old or new or None for old, new in zip(found, said, strict=True)]
    if "@position" in choices:
        found = [text or str(place) for place, text in enumerate(found)]
    if f"@{column}" in choices:
        shown: Counter[str] = Counter()
        for place, text in enumerate(found):
            text = text or f"@{start + place}"
            shown[text] += 1
            found[place] = f"{text}#{shown[text]}" if shown[text] > 1 else text
    return found


def cursors_of(table: Table, records: Records) -> list[str | None] | None:
    """The winner's cursor of each record; None where it is the load's own time."""
    if table.cursor is None or table.cursor not in table.columns:
        return None
    return records.texts_at(path_of(table, table.cursor))


def contexts_of(
    table: Table,
    repository: Repository,
    records: Records,
    keys: Sequence[str | None],
    start: int = 0,
) -> str | list[str]:
    """The context of the records: one for all, or one each where they differ.

    A record that cannot be read, or says nothing that could be its key, has its `reason` there, which
    takes it to quarantine.
    """
    context = {"repository_id": int(repository.id)}
    paths = [path_of(table, column).split("|") for column in table.columns]
    has_place = any("@position" in choices for choices in paths)
    own = [c for c in table.key if f"@{c}" in path_of(table, c).split("|") and c != "repository_id"]
    if not has_place and not own and records.reasons is None and None not in keys:
        return orjson.dumps(context).decode()
    contexts = []
    made = {column: part_of(column, path_of(table, column), records, start) for column in own}
    for place, key in enumerate(keys):
        said: dict[str, Any] = {**context, **{column: made[column][place] for column in own}}
        if has_place:
            said["position"] = place
        reason = records.reasons[place] if records.reasons else None
        if reason or key is None:
            said["reason"] = reason or NO_KEY
        contexts.append(orjson.dumps(said).decode())
    return contexts


async def land_records(
    desk: Desk, name: str, repository: Repository, records: Records, reply: Reply, start: int = 0
) -> list[str | None]:
    """Emit the records of a repository's answer with key, cursor and context; returns the keys."""
    table = desk.tables[name]
    keys = keys_of(table, repository, records, start)
    await desk.land(
        name,
        records,
        reply,
        repository.id,
        contexts=contexts_of(table, repository, records, keys, start),
        keys=keys,
        cursors=cursors_of(table, records),
    )
    return keys


async def land_answer(desk: Desk, name: str, repository: Repository, guard: str | None) -> None:
    """Land one answer (`paging: none`). Raises Away where it speaks of the whole repository."""
    endpoint, memory = desk.tables[name].endpoint, repository.streams.get(name, {})
    reply = await desk.client.get(
        endpoint.path.format(repository_name=repository.name),
        endpoint.params,
        name=name,
        conditions=conditions_of(memory) if endpoint.conditional else None,
    )
    if endpoint.computed and not memory.get("pending_since"):
        reply = await computed(desk, name, reply)
    require_there(reply)
    if meaning_of(reply) is Meaning.NOT_NOW:
        await put_off(desk, name, repository, guard, reply)
        return
    if reply.status == 200:
        keys = await land_records(desk, name, repository, reply.records, reply)
        await raise_again(desk, name, repository, {*keys} - {None}, reply)
    elif reply.status != 304:
        log.info("%s answered %s: nothing there", reply.url, reply.status)
        if endpoint.optional and meaning_of(reply) is Meaning.NOTHING:
            missing = await missing_keys(desk, name, repository, set())
            evidence = f"{reply.url} answered {reply.status}"
            await bury(desk, name, repository, missing, reply, evidence)
    await repository.keep(desk, name, memory_of(reply, guard, memory, pending_since=None))


async def computed(desk: Desk, name: str, reply: Reply) -> Reply:
    """Ask again, ever more slowly, until a 202 has become an answer or took too long."""
    client = desk.client
    pause, waited = 1.0 * client.patience, 0.0
    while reply.status == 202 and waited <= COMPUTED_SECONDS * client.patience:
        await client.sleep_before_deadline(pause)
        waited, pause = waited + pause, min(pause * 1.7, 20 * client.patience)
        reply = await client.get(reply.url, name=name)
    return reply


async def put_off(
    desk: Desk, name: str, repository: Repository, guard: str | None, reply: Reply
) -> None:
    """An answer that is still being made: the next runs ask once each, after PENDING once a week."""
    memory = repository.streams.get(name, {})
    now = instant(reply.observed_at)
    since = memory.get("pending_since", now)
    log.info("%s: still being computed upstream (202) since %s", reply.url, since)
    kept = {**memory, "pending_since": since, "listed_at": now}
    kept.pop("guard", None)
    if guard is not None and reply.observed_at - datetime.fromisoformat(since) >= PENDING:
        kept["guard"] = guard
    await repository.keep(desk, name, kept)
