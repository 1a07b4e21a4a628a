"""What all parts of the GitHub connector work with: the client, the spec, and where items go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from ingestion.fetch import Client
from ingestion.landing import Context, Failure, Rows
from ingestion.replies import Reply
from ingestion.spec import Table
from ingestion.streaming import Emit


@dataclass
class Desk:
    """One landing's shared things; `stopped` says why nothing more is asked (deadline, quota)."""

    context: Context
    client: Client
    emit: Emit
    stopped: str | None = None
    pages_ahead: int = 0
    per_page: dict[str, int] = field(default_factory=dict)

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
        items: Sequence[Any],
        reply: Reply,
        partition_name: str,
        *,
        contexts: str | Sequence[str] = "{}",
        keys: Sequence[str] | None = None,
        cursors: Sequence[str | None] | None = None,
    ) -> None:
        """Emit items of an answer as raw rows."""
        await self.emit(
            Rows(
                table=table,
                records=[orjson.dumps(item) for item in items],
                partition_name=partition_name,
                source_url=reply.url,
                observed_at=reply.observed_at,
                contexts=contexts,
                keys=keys,
                cursors=cursors,
            )
        )


def instant(moment: datetime) -> str:
    """An instant as GitHub writes it, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def reader(path: str) -> Callable[[Any], Any]:
    """Reads the value at a dotted path, `a|b` the first that is not null; None where there is none."""
    if "|" not in path and "." not in path:
        return lambda record: record.get(path) if isinstance(record, dict) else None
    choices = [choice.split(".") for choice in path.split("|")]

    def read(record: Any) -> Any:
        for names in choices:
            value = record
            for name in names:
                value = value.get(name) if isinstance(value, dict) else None
            if value is not None:
                return value
        return None

    return read


def texts_at(records: Sequence[Any], path: str) -> list[str | None]:
    """The values of all records at a path, as text."""
    values = map(reader(path), records)
    return [value if value is None or isinstance(value, str) else str(value) for value in values]


def path_of(table: Table, column: str) -> str:
    """Where a column stands in the record."""
    return table.columns[column].path or column
