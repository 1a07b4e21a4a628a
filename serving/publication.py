"""The published state that is served: which marts it has, and how their rows are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb

from trendhouse.settings import Place
from warehouse.published import current, select
from warehouse.snowflake.account import is_target

BATCH = 5_000
TIMES = {"date": "%Y-%m-%d", "timestamp": "%Y-%m-%dT%H:%M:%S.%fZ"}


@dataclass
class Publication:
    """One published state of a world: `version`, `published_at` (ISO 8601, UTC), `run_id`, the ledger's
    `capture_rates` by source and stream, and its `marts` as CURRENT.json has them."""

    place: Place
    state: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def newest(cls, place: Place) -> Publication:
        """As it lies here. Raises NothingPublished."""
        return cls(place, current(place))

    @classmethod
    def fetched(cls, place: Place) -> Publication:
        """The newest, of Snowflake where that is the warehouse. Raises NothingPublished."""
        if is_target():
            from warehouse.snowflake.fetch import fetch

            fetch(place)
        return cls.newest(place)

    @property
    def version(self) -> int:
        return self.state["version"]

    @property
    def token(self) -> str:
        """Changes with every publication, also where none of its marts changed."""
        return f"{self.state['version']} {self.state['published_at']} {self.state['run_id']}"

    def fingerprints(self, mart: str) -> dict[str, str]:
        """Partition to a text that changes with its rows."""
        parts = self.state["marts"].get(mart, {}).get("partitions", {})
        return {name: f"{part['file']} {part['fingerprint']}" for name, part in parts.items()}

    def files(self, mart: str) -> list[str]:
        """Parquet files of a mart, partitions in order."""
        parts = self.state["marts"][mart]["partitions"]
        return [str(self.place.published / parts[name]["file"]) for name in sorted(parts)]

    def rows(self, mart: str, partition: str, columns: dict[str, str]) -> Iterator[list[tuple]]:
        """A partition's rows in batches: `columns` (name to the contract's type), null where the published
        mart does not have one yet; days and times as ISO 8601 text, UTC."""
        published = self.state["marts"][mart]
        file = self.place.published / published["partitions"][partition]["file"]
        selected = ", ".join(
            as_plain(name, kind) if name in published["columns"] else "null"
            for name, kind in columns.items()
        )
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            connection.execute(f"select {selected} from ({select([str(file)])})")
            while batch := connection.fetchmany(BATCH):
                yield batch


def as_plain(column: str, kind: str) -> str:
    """An SQL expression of a type that SQLite has."""
    if kind in TIMES:
        return f"strftime(\"{column}\", '{TIMES[kind]}')"
    return f'"{column}"'
