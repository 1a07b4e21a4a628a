"""What a landing is made of: rows as received, what to remember, what failed, and the Arrow batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.arrays import INSTANT, instants, integers, joined, texts
from ingestion.budget import Cost, Plan
from ingestion.window import Window
from trendhouse.declared.sources import RAW_COLUMNS, SourceSpec

if TYPE_CHECKING:
    from trendhouse.settings import Settings

BATCH_ROWS = 16_384
BATCH_BYTES = 16 * 2**20
# Batches of all tables together may hold this much before the biggest is written out.
HELD_BYTES = 48 * 2**20

TIMES = {"collected_at", "observed_at"}
RAW_SCHEMA = pa.schema([(name, INSTANT if name in TIMES else pa.string()) for name in RAW_COLUMNS])


@dataclass(frozen=True)
class Rows:
    """Records of one answer or file for one raw table; they share partition, address and times.

    `records` are UTF-8 JSON texts as received, str or like bytes; `contexts` is one JSON object for all or
    one each; `keys` and `cursors` are one per record or None. `collected_at` is the clock's time if None.
    """

    table: str
    records: Sequence[bytes | str]
    partition_name: str
    source_url: str
    observed_at: datetime
    contexts: str | Sequence[str] = "{}"
    keys: Sequence[str | None] | None = None
    cursors: Sequence[str | None] | None = None
    collected_at: datetime | None = None

    @cached_property
    def size(self) -> int:
        """Length of all records together, bytes (characters of those that are str)."""
        return sum(map(len, self.records))


@dataclass(frozen=True)
class Remember:
    """Keep `value` at `path` in the source's state (None forgets it).

    It is committed together with the rows that were yielded before it, never before them.
    """

    path: tuple[str, ...]
    value: Any


@dataclass(frozen=True)
class Failure:
    """A resource or partition that could not be landed; the others go on."""

    table: str
    partition_name: str
    error: str

    def __str__(self) -> str:
        return f"{self.table} {self.partition_name}: {self.error}"


Item = Rows | Remember | Failure


@dataclass
class Context:
    """What a connector is given: its spec, the settings, its state and where to book what it costs.

    `state` is the committed state with everything remembered so far; read it, never write it. With a
    `window` (a back-fill) exactly its periods are landed, and the cursor stays where it is.
    """

    spec: SourceSpec
    settings: Settings
    state: dict[str, Any] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)
    window: Window | None = None

    def now(self) -> datetime:
        return self.settings.clock()

    def book(self, resource: str, requests: int = 1, points: int = 0, size: int = 0) -> None:
        """Add requests, points and bytes to what a resource has cost."""
        self.costs.setdefault(resource, Cost()).add(requests, points, size)

    @property
    def request_count(self) -> int:
        return sum(cost.requests for cost in self.costs.values())


@dataclass
class Landing:
    """What one landing did: rows by table, what it cost beside what was planned, what failed."""

    source: str
    started_at: datetime
    ended_at: datetime | None = None
    load_ids: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    planned: Plan | None = None
    seconds: float = 0.0

    @property
    def is_partial(self) -> bool:
        return bool(self.failures)

    @property
    def requests(self) -> int:
        return sum(cost.requests for cost in self.costs.values())

    @property
    def points(self) -> int:
        return sum(cost.points for cost in self.costs.values())

    @property
    def bytes(self) -> int:
        return sum(cost.bytes for cost in self.costs.values())

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; instants as ISO 8601."""
        values = asdict(self)
        for name in ("started_at", "ended_at"):
            values[name] = values[name] and values[name].isoformat()
        totals = {name: getattr(self, name) for name in ("requests", "points", "bytes")}
        return {**values, **totals, "is_partial": self.is_partial}


class Batch:
    """Columns of one raw table, collected until they are worth an Arrow table."""

    def __init__(self) -> None:
        self.parts: list[tuple[Rows, datetime]] = []
        self.row_count = 0
        self.bytes = 0

    def add(self, rows: Rows, now: datetime) -> None:
        self.parts.append((rows, rows.collected_at or now))
        self.row_count += len(rows.records)
        self.bytes += rows.size

    @property
    def is_full(self) -> bool:
        return self.row_count >= BATCH_ROWS or self.bytes >= BATCH_BYTES

    def table(self, load_id: str) -> pa.Table:
        """An Arrow table with the raw columns, one row per record. Raises ArrowInvalid if not UTF-8."""
        records, keys, cursors, contexts = ([] for _ in range(4))
        for rows, _ in self.parts:
            count = len(rows.records)
            nulls = [None] * count
            records += rows.records
            keys += nulls if rows.keys is None else rows.keys
            cursors += nulls if rows.cursors is None else rows.cursors
            shared = isinstance(rows.contexts, str)
            contexts += [rows.contexts] * count if shared else rows.contexts
        columns = {
            "record": joined(records),
            "record_key": texts(keys),
            "cursor_value": texts(cursors),
            "context": texts(contexts),
            "partition_name": self.spread(texts([rows.partition_name for rows, _ in self.parts])),
            "source_url": self.spread(texts([rows.source_url for rows, _ in self.parts])),
            "collected_at": self.spread(instants([collected_at for _, collected_at in self.parts])),
            "observed_at": self.spread(instants([rows.observed_at for rows, _ in self.parts])),
            "load_id": texts([load_id]).take(integers(np.zeros(self.row_count, "i8"))),
        }
        columns["record"].validate(full=True)
        return pa.Table.from_arrays([columns[name] for name in RAW_SCHEMA.names], schema=RAW_SCHEMA)

    def spread(self, values: pa.Array) -> pa.Array:
        """A value per part, repeated for each of its rows."""
        counts = [len(rows.records) for rows, _ in self.parts]
        return values.take(integers(np.repeat(np.arange(len(counts)), counts)))


class Batches:
    """The batches of all tables of one load package; memory stays bounded by HELD_BYTES."""

    def __init__(self, load_id: str, clock: Callable[[], datetime]) -> None:
        self.load_id = load_id
        self.clock = clock
        self.open: dict[str, Batch] = {}
        self.bytes = 0

    def add(self, rows: Rows) -> Iterator[tuple[str, pa.Table]]:
        """Take rows in; yields (table, Arrow table) for what has become full."""
        if not rows.records:
            return
        batch = self.open.setdefault(rows.table, Batch())
        before = batch.bytes
        batch.add(rows, self.clock())
        self.bytes += batch.bytes - before
        if batch.is_full:
            yield self.take(rows.table)
        while self.bytes > HELD_BYTES:
            yield self.take(max(self.open, key=lambda name: self.open[name].bytes))

    def rest(self) -> Iterator[tuple[str, pa.Table]]:
        """What is left, by table."""
        for name in list(self.open):
            yield self.take(name)

    def take(self, name: str) -> tuple[str, pa.Table]:
        batch = self.open.pop(name)
        self.bytes -= batch.bytes
        return name, batch.table(self.load_id)
