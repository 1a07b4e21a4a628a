"""Single answers below a repository: conditional, computed ones waited for, absent ones remembered."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import orjson

from ingestion.connectors.github_desk import Desk, instant, path_of
from ingestion.connectors.github_state import Memory, Repository
from ingestion.fetch import Unanswered
from ingestion.records import Records
from ingestion.replies import Reply
from ingestion.spec import Table

log = logging.getLogger(__name__)

# What a repository says below itself when it has nothing there: an answer, not a failure.
NOTHING = {204, 404, 409, 410, 422, 451}
# How long statistics may be computed before a later run asks again; times the client's patience.
COMPUTED_SECONDS = 120.0


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


def keys_of(table: Table, repository: Repository, records: Records) -> list[str]:
    """The key of each record, joined by `/`; what the record does not say comes from the context.

    Of a record that becomes several rows it is the part that they share.
    """
    parts: list[Sequence[str | None]] = []
    for column in table.key:
        path = path_of(table, column) if column in table.columns else "$each"
        if path == "@repository_id":
            parts.append([repository.id] * len(records))
        elif not path.startswith("$each"):
            found = records.texts_at(path.removesuffix("|@position"))
            parts.append([text or str(place) for place, text in enumerate(found)])
    return list(map("/".join, zip(*parts, strict=True))) if len(parts) > 1 else list(parts[0])


def cursors_of(table: Table, records: Records) -> list[str | None] | None:
    """The winner's cursor of each record; None where it is the load's own time."""
    if table.cursor is None or table.cursor not in table.columns:
        return None
    return records.texts_at(path_of(table, table.cursor))


def contexts_of(table: Table, repository: Repository, count: int) -> str | list[str]:
    context = {"repository_id": int(repository.id)}
    if not any("@position" in column.path for column in table.columns.values()):
        return orjson.dumps(context).decode()
    return [orjson.dumps({**context, "position": place}).decode() for place in range(count)]


async def land_records(
    desk: Desk, name: str, repository: Repository, records: Records, reply: Reply
) -> list[str]:
    """Emit the records of a repository's answer with key, cursor and context; returns the keys."""
    table = desk.tables[name]
    keys = keys_of(table, repository, records)
    await desk.land(
        name,
        records,
        reply,
        repository.id,
        contexts=contexts_of(table, repository, len(records)),
        keys=keys,
        cursors=cursors_of(table, records),
    )
    return keys


async def land_answer(
    desk: Desk, name: str, repository: Repository, guard: str | None, known: Reply | None = None
) -> int:
    """Land one answer (`paging: none`); returns its status. `known` is an answer already at hand."""
    endpoint, memory = desk.tables[name].endpoint, repository.streams.get(name, {})
    reply = known
    if reply is None:
        reply = await desk.client.get(
            endpoint.path.format(repository_name=repository.name),
            endpoint.params,
            name=name,
            conditions=conditions_of(memory) if endpoint.conditional else None,
        )
        if endpoint.computed:
            reply = await computed(desk, name, reply)
    if reply.status == 200:
        await land_records(desk, name, repository, reply.records, reply)
    elif reply.status in NOTHING and not endpoint.optional:
        log.info("%s answered %s: nothing there", reply.url, reply.status)
    await repository.keep(desk, name, memory_of(reply, guard, memory))
    return reply.status


async def computed(desk: Desk, name: str, reply: Reply) -> Reply:
    """Ask again, ever more slowly, until a 202 has become an answer. Raises Unanswered."""
    client = desk.client
    pause, waited = 1.0 * client.patience, 0.0
    while reply.status == 202:
        if waited > COMPUTED_SECONDS * client.patience:
            raise Unanswered(f"{reply.url} is still being computed (202); asked again next time")
        await client.sleep_before_deadline(pause)
        waited, pause = waited + pause, min(pause * 1.7, 20 * client.patience)
        reply = await client.get(reply.url, name=name)
    return reply
