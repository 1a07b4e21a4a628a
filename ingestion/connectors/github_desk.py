"""What all parts of the GitHub connector work with: the client, the spec, and where items go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from ingestion.fetch import Client
from ingestion.landing import Context, Failure, Rows
from ingestion.records import Records
from ingestion.refusals import Meaning, meaning_of
from ingestion.replies import Reply
from ingestion.streaming import Emit
from trendhouse.declared.sources import Table

log = logging.getLogger(__name__)


class Away(Exception):
    """An answer below a repository says that the whole of it is away; the message quotes it."""


@dataclass
class Desk:
    """One landing's shared things; `stopped` says why nothing more is asked (deadline, quota)."""

    context: Context
    client: Client
    emit: Emit
    stopped: str | None = None
    pages_ahead: int = 0
    per_page: dict[str, int] = field(default_factory=dict)
    # Which lists of a stream were too much for upstream.
    suffering: dict[str, set[str]] = field(default_factory=dict)
    # Of clean tables, as they were first needed.
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Held while the lake is scanned.
    scans: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def tables(self) -> dict[str, Table]:
        return self.context.spec.tables

    @property
    def has_tokens(self) -> bool:
        return self.client.pool.has_tokens

    async def fail(self, table: str, partition_name: str, error: Exception | str) -> None:
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        await self.emit(Failure(table, partition_name, text))

    async def land(
        self,
        table: str,
        records: Records,
        reply: Reply,
        partition_name: str,
        *,
        contexts: str | Sequence[str] = "{}",
        keys: Sequence[str | None] | None = None,
        cursors: Sequence[str | None] | None = None,
    ) -> None:
        """Emit records as raw rows."""
        await self.emit(
            Rows(
                table=table,
                records=records.texts,
                partition_name=partition_name,
                source_url=reply.url,
                observed_at=reply.observed_at,
                contexts=contexts,
                keys=keys,
                cursors=cursors,
            )
        )

    async def land_odd(self, table: str, value: Any, reply: Reply, reason: str) -> None:
        """Emit something that is no record of the table; its reason takes it to quarantine."""
        log.warning("%s: %s", reply.url, reason)
        context = orjson.dumps({"reason": reason}).decode()
        await self.land(table, Records.of_values([value]), reply, "all", contexts=context)


def require_there(reply: Reply) -> None:
    """Raises Away for an answer below a repository that speaks of the repository."""
    if meaning_of(reply) is Meaning.AWAY:
        raise Away(f"{reply.url} answered {reply.status}")


def instant(moment: datetime) -> str:
    """An instant as GitHub writes it, whole seconds."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def path_of(table: Table, column: str) -> str:
    """Where a column stands in the record."""
    return table.columns[column].path or column
