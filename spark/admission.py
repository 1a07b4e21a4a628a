"""Which new rows a clean table takes up now, and which wait until their partition meets its floor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cached_property

import duckdb

from spark import readings
from spark.floors import Arrived, Assessment, Held, assess
from trendhouse.declared.sources import SourceSpec
from trendhouse.lake.lake import Lake
from trendhouse.lake.manifest import Manifest


@dataclass(frozen=True)
class Group:
    """New rows of one ledger partition, UTC day and load, and what they are for the floors."""

    arrived: Arrived
    day: date


@dataclass(frozen=True)
class Admission:
    """The floor of one table in one run; `old` is the table's manifest before it, if it has one."""

    lake: Lake
    spec: SourceSpec
    name: str
    old: Manifest

    @property
    def stream(self) -> str:
        """The stream that readings are of: that of the raw rows."""
        return self.spec.raw_name(self.name)

    @cached_property
    def measure(self) -> str:
        return self.spec.tables[self.stream].measure

    @cached_property
    def floor_text(self) -> str:
        floor = self.spec.floor_of(self.name)
        return f"{floor.capture_rate:g} {floor.action}" if floor else ""

    @cached_property
    def read_version(self) -> int:
        """The version of the readings that this run looks at."""
        return readings.version_of(self.lake, self.spec)

    @cached_property
    def newly_read(self) -> set[str]:
        """The partitions that have a reading which this table has not been held to."""
        if self.read_version <= self.old.assessed:
            return set()
        return readings.partitions_read(self.lake, self.spec, self.stream, self.old.assessed)

    @property
    def is_due(self) -> bool:
        """Whether there is something to judge although no row has come."""
        has_changed = bool(self.old.waiting) and self.floor_text != self.old.floor
        return has_changed or bool(self.newly_read)

    def assess(self, groups: Iterable[Group], held: Held) -> Assessment:
        """Hold the partitions of new rows and new readings to the floor."""
        arrived = [group.arrived for group in groups]
        wanted = {(rows.partition_name, rows.observed_at) for rows in arrived}
        wanted |= {(name, None) for name in self.newly_read}
        known = readings.readings_of(
            self.lake, self.spec, self.stream, self.old.assessed, sorted(wanted, key=str)
        )
        return assess(
            self.measure,
            self.spec.floor_of(self.name),
            known,
            arrived,
            held,
            self.old.refused,
            self.old.newest_load,
        )

    @cached_property
    def deletions(self) -> dict[str, list[datetime]]:
        return readings.deletions_of(self.lake, self.spec, self.stream)

    def deleted(self, partition: str, until: datetime | None = None) -> int:
        """How many keys of a partition were found to be deleted, up to a moment."""
        moments = self.deletions.get(partition, [])
        return len(moments) if until is None else sum(at <= until for at in moments)

    def held_before(self) -> Counter[str]:
        """Distinct keys by partition as the ledger has counted them; of a table that is held to its keys."""
        if self.measure != "held":
            return Counter()
        if self.old.held or not self.old.ledger["reconciliations"]:
            return Counter(self.old.held)
        found = self.ask(
            "reconciliations",
            "select partition_name, cast(sum(inserted_count) as bigint) from rows group by all",
        )
        return Counter(dict(found))

    def quarantined_before(self) -> dict[str, set[str]]:
        """The records that lie in quarantine, by partition."""
        query = "select partition_name, list(distinct record) from rows group by partition_name"
        return {name: set(records) for name, records in self.ask("quarantine", query)}

    def ask(self, kind: str, query: str) -> list[tuple]:
        """Ask the table's own ledger as `rows`."""
        folder = self.lake.clean_table(self.spec.name, self.name)
        files = self.lake.here(folder / name for name in self.old.ledger.get(kind, []))
        if not files:
            return []
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.from_parquet(list(map(str, files)), union_by_name=True).create_view("rows")
            return connection.execute(query).fetchall()

    def rows(self, found: Assessment, version: int) -> list[dict]:
        """The captures as rows of the ledger; a table that shares its raw rows has none of its own."""
        if self.stream != self.name:
            return []
        named = {"source_name": self.spec.name, "table_name": self.name, "clean_version": version}
        return [
            {**asdict(each), "observed_date": each.observed_date, **named}
            for each in found.captures
        ]


def held_back(groups: Iterable[Group], refused: dict[str, str]) -> Counter[tuple[str, date]]:
    """Readable rows by partition and day that are not taken up now."""
    counts: Counter[tuple[str, date]] = Counter()
    for group in groups:
        rows = group.arrived
        limit = refused.get(rows.partition_name)
        if limit is not None and rows.load_id > limit and rows.good_count:
            counts[rows.partition_name, group.day] += rows.good_count
    return counts
