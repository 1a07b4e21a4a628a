"""What the landing of GitHub remembers between runs: repositories by database id, and their streams."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ingestion.connectors.github_desk import Desk
from ingestion.landing import Remember

Memory = dict[str, Any]
"""What is kept of a stream, all optional: cursor, etag, modified, guard, listed_at, held, expected, gap (at the
last full reading, of `full_at`, looked at again `looks` times), head, resume, pending_since."""
FULL_NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


@dataclass
class Repository:
    """A tracked repository. `id` is for ever, `name` its present alias; `gone` says why it is away."""

    id: str
    name: str
    node_id: str
    gone: str | None = None
    landed_at: str = ""
    streams: dict[str, Memory] = field(default_factory=dict)
    counters: dict[str, Any] | None = None
    is_seen: bool = False

    @property
    def path(self) -> tuple[str, str]:
        return "repositories", self.id

    async def meet(self, desk: Desk, name: str, node_id: str) -> None:
        """Take over the alias and node id that upstream has just shown."""
        if (name, node_id) != (self.name, self.node_id):
            self.name, self.node_id = name, node_id
            await self.introduce(desk)

    async def introduce(self, desk: Desk) -> None:
        await desk.emit(Remember((*self.path, "name"), self.name))
        await desk.emit(Remember((*self.path, "node_id"), self.node_id))

    async def keep(self, desk: Desk, table: str, memory: Memory) -> None:
        """Remember a stream; `memory` must be a new dict, it is never changed afterwards."""
        self.streams[table] = memory
        await desk.emit(Remember((*self.path, "streams", table), memory))


class NoRepository(LookupError):
    """A record that does not say which repository it is; the message says what is amiss."""


def identity_of(record: Any, *names: str) -> tuple[str, str, str]:
    """(id, full name, node id) of a record whose fields are so named. Raises NoRepository.

    Answers from before 2018 lack the node id: then its form of that time.
    """
    id_name, full_name, node_name = names or ("id", "full_name", "node_id")
    if not isinstance(record, dict):
        raise NoRepository(f"the record of a repository is no object but {type(record).__name__}")
    id, name, node_id = record.get(id_name), record.get(full_name), record.get(node_name)
    if type(id) is not int or not 0 < id < 2**63:
        raise NoRepository(f"`{str(id)[:40]!a}` is no id of a repository")
    if not isinstance(name, str) or not FULL_NAME.fullmatch(name):
        raise NoRepository(f"`{str(name)[:80]!a}` is no name of a repository ({id})")
    if not isinstance(node_id, str) or not node_id.isascii():
        node_id = b64encode(f"010:Repository{id}".encode()).decode()
    return str(id), name, node_id


class Repositories:
    """All repositories that the state knows, by id."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.by_id: dict[str, Repository] = {
            id: Repository(
                id=id,
                name=kept["name"],
                node_id=kept["node_id"],
                gone=kept.get("gone"),
                landed_at=kept.get("landed_at", ""),
                streams=dict(kept.get("streams", {})),
            )
            for id, kept in state.get("repositories", {}).items()
            if "name" in kept and "node_id" in kept
        }

    async def find(self, desk: Desk, record: dict[str, Any]) -> Repository:
        """The repository of a REST record, introduced if it is new, its alias brought up to date.

        Raises NoRepository.
        """
        id, name, node_id = identity_of(record)
        known = self.by_id.get(id)
        if known is not None:
            await known.meet(desk, name, node_id)
            return known
        made = self.by_id[id] = Repository(id, name, node_id)
        await made.introduce(desk)
        return made

    def __iter__(self) -> Iterator[Repository]:
        return iter(self.by_id.values())
