"""Tombstones: what GitHub no longer has, with the evidence, and what it has again."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

from ingestion.connectors.github_desk import Desk
from ingestion.connectors.github_known import known_keys
from ingestion.connectors.github_state import Repositories, Repository
from ingestion.fetch import Unanswered
from ingestion.landing import Remember
from ingestion.records import Records
from ingestion.refusals import Meaning, meaning_of
from ingestion.replies import Reply

log = logging.getLogger(__name__)


async def tombstones(
    desk: Desk,
    object_type: str,
    object_keys: Sequence[str],
    repository_id: str,
    reply: Reply,
    *,
    is_deleted: bool,
    evidence: str,
) -> None:
    """Say of objects of one clean table that they are deleted, or there again.

    An object's key is the `record_key` of its raw rows.
    """
    records = [
        {
            "object_type": object_type,
            "object_key": object_key,
            "repository_id": int(repository_id),
            "is_deleted": is_deleted,
            "evidence": evidence,
        }
        for object_key in object_keys
    ]
    keys = [f"{object_type}/{object_key}" for object_key in object_keys]
    await desk.land("tombstones", Records.of_values(records), reply, repository_id, keys=keys)


def mark(key: str) -> str:
    """A key as the state keeps it."""
    return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()


def buried(desk: Desk, table: str, repository: Repository) -> dict[str, Any]:
    kept = desk.context.state.get("buried", {}).get(table, {})
    return kept.get(repository.id, {})


async def missing_keys(desk: Desk, table: str, repository: Repository, shown: set[str]) -> set[str]:
    """What was landed once, has no tombstone, and is not among what is shown."""
    already = buried(desk, table, repository)
    known = await known_keys(desk, table, repository)
    return {key for key in known - shown if mark(key) not in already}


async def bury(
    desk: Desk, table: str, repository: Repository, missing: set[str], reply: Reply, evidence: str
) -> None:
    """Tombstones for what is deleted upstream."""
    if not missing:
        return
    log.info("%s of %s: %s deleted upstream", table, repository.name, len(missing))
    keys = sorted(missing)
    await tombstones(desk, table, keys, repository.id, reply, is_deleted=True, evidence=evidence)
    kept = {**buried(desk, table, repository), **{mark(key): key for key in keys}}
    await desk.emit(Remember(("buried", table, repository.id), kept))


async def raise_again(
    desk: Desk, table: str, repository: Repository, shown: set[str], reply: Reply
) -> None:
    """What has a tombstone and is shown again is not deleted."""
    already = buried(desk, table, repository)
    keys = sorted(key for key in already.values() if key in shown)
    if not keys:
        return
    evidence = f"shown again at {reply.url}"
    await tombstones(desk, table, keys, repository.id, reply, is_deleted=False, evidence=evidence)
    kept = {key_mark: key for key_mark, key in already.items() if key not in shown}
    await desk.emit(Remember(("buried", table, repository.id), kept or None))


async def examine(desk: Desk, repositories: Repositories, repository: Repository) -> Reply:
    """Ask for a repository by its id and note what that says: there, deleted or blocked.

    Raises Unanswered for an answer that tells neither. Each change is landed once. The last values of a repository that is away stay as they are; one of
    which nothing was ever landed leaves no tombstone (a list can name what is gone already).
    """
    reply = await desk.client.get(f"repositories/{repository.id}", name="repositories")
    if reply.status == 200:
        await repositories.find(desk, reply.json)
        await welcome(desk, repository, reply)
    elif meaning_of(reply, of_repository=True) is not Meaning.AWAY:
        raise Unanswered(f"{reply.url} answered {reply.status}")
    else:
        blocked = " (blocked)" if reply.status in (403, 451) else ""
        evidence = f"GET /repositories/{repository.id} answered {reply.status}{blocked}"
        if repository.gone != evidence:
            repository.gone = evidence
            log.info("%s is away: %s", repository.name, evidence)
            if repository.streams:
                await tombstones(
                    desk, "repositories", [repository.id], repository.id, reply,
                    is_deleted=True, evidence=evidence,
                )  # fmt: skip
            await desk.emit(Remember((*repository.path, "gone"), evidence))
    return reply


async def welcome(desk: Desk, repository: Repository, reply: Reply) -> None:
    """A repository that was away and is there again."""
    repository.is_seen = True
    if repository.gone is None:
        return
    repository.gone = None
    if repository.streams:
        id, evidence = repository.id, f"{reply.url} shows it again"
        await tombstones(desk, "repositories", [id], id, reply, is_deleted=False, evidence=evidence)
    await desk.emit(Remember((*repository.path, "gone"), None))
