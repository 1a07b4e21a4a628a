"""What the landing of GitHub remembers between runs: repositories by database id, and their streams."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ingestion.connectors.github_desk import Desk
from ingestion.landing import Remember

Memory = dict[str, Any]
"""What is kept of a stream: cursor, etag, modified, guard, held, listed_at, resume (all optional)."""


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


def node_id_of(record: dict[str, Any]) -> str:
    """The node id of a REST record; answers from before 2018 lack it, then its form of that time."""
    return record.get("node_id") or b64encode(f"010:Repository{record['id']}".encode()).decode()


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
        """The repository of a REST record, introduced if it is new, its alias brought up to date."""
        id = str(record["id"])
        known = self.by_id.get(id)
        if known is not None:
            await known.meet(desk, record["full_name"], node_id_of(record))
            return known
        made = self.by_id[id] = Repository(id, record["full_name"], node_id_of(record))
        await made.introduce(desk)
        return made

    def __iter__(self) -> Iterator[Repository]:
        return iter(self.by_id.values())
