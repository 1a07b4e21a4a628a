"""What the data itself is measured by: freshness, completeness, quarantine, drift, rows and sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from orchestration.landings import landings
from trendhouse.declared.sources import SourceSpec
from trendhouse.lake.lake import sizes_below
from trendhouse.settings import Place
from warehouse.floors import NEWEST
from warehouse.published import NothingPublished, connect, current

SOURCE, STREAM = ["source"], ["source", "stream"]
CAPTURED = (
    (
        "capture_ratio",
        "Worst capture rate over the newest day of a partition.",
        "worst_capture_rate",
    ),
    ("ledger_partitions", "Partitions of a stream in the ledger.", "partition_count"),
    ("expected_records", "Records that upstream says it has, newest days.", "expected_count"),
    ("captured_records", "Records of them that were kept.", "captured_count"),
    ("landed_records", "Rows landed on that day.", "landed_count"),
    ("held_records", "Records that the clean lake holds of them.", "held_count"),
)
NEWEST_READINGS = (
    f"(select * from ({NEWEST.format(relation='completeness')}) where stream_name <> 'readings')"
)
LEDGERS = (
    (
        "capture_floor_ratio",
        "Capture rate that a stream must reach.",
        STREAM,
        f"select source_name, stream_name, max(floor_capture_rate) from {NEWEST_READINGS} "
        "where floor_capture_rate is not null group by all order by all",
    ),
    (
        "partitions_below_floor",
        "Partitions whose newest reading is below the floor.",
        STREAM,
        "select source_name, stream_name, count(*) filter (where is_below_floor) "
        f"from {NEWEST_READINGS} group by all order by all",
    ),
    (
        "quarantine_rows",
        "Rows in quarantine.",
        STREAM,
        "select source_name, table_name, count(*) from quarantine group by all order by all",
    ),
    (
        "drift_fields",
        "Fields that nobody declared, or that are not as declared.",
        SOURCE,
        "select source_name, count(*) from drift group by all order by all",
    ),
)


def gauge(name: str, meaning: str, labels: Iterable[str] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"trendhouse_{name}", meaning, labels=list(labels))


def counter(name: str, meaning: str, labels: Iterable[str] = ()) -> CounterMetricFamily:
    return CounterMetricFamily(f"trendhouse_{name}", meaning, labels=list(labels))


class Data:
    """Reads the lake and what is published; what cannot change is read once."""

    def __init__(self) -> None:
        self.newest: dict[Path, datetime | None] = {}
        self.last: tuple[Any, list[Metric]] = (None, [])

    def freshness(self, place: Place, specs: list[SourceSpec]) -> Iterator[Metric]:
        """Age of the newest observation in the clean lake, by the world's clock, and what is promised."""
        from trendhouse.worlds import world_clock

        now = world_clock(place)
        newest_at = gauge(
            "source_newest_timestamp_seconds", "When the newest row was seen.", SOURCE
        )
        age = gauge("source_age_seconds", "Age of the newest row of a source.", SOURCE)
        limit = gauge("source_age_limit_seconds", "Age that the source promises to keep.", SOURCE)
        for spec in specs:
            if spec.freshness_hours is not None:
                limit.add_metric([spec.name], spec.freshness_hours * 3600)
            newest = self.newest_of(place, spec)
            if newest is not None:
                newest_at.add_metric([spec.name], newest.timestamp())
                age.add_metric([spec.name], (now - newest).total_seconds())
        confirmed = gauge(
            "source_confirmed_age_seconds", "Since a landing of it last failed nowhere.", SOURCE
        )
        for landing in landings(place):
            if landing["confirmed_at"]:
                at = datetime.fromisoformat(landing["confirmed_at"])
                confirmed.add_metric([landing["source"]], (now - at).total_seconds())
        yield from (newest_at, age, confirmed, limit)

    def newest_of(self, place: Place, spec: SourceSpec) -> datetime | None:
        """The newest `observed_at` of a source's live clean files; a file is read once, its footer."""
        lake = place.lake
        files = [
            path
            for table in (*spec.tables, "readings")
            for path in lake.clean_files(spec.name, table)
        ]
        for path in files:
            if path not in self.newest:
                with lake.open(path) as file:
                    self.newest[path] = newest_in(file)
        return max(filter(None, (self.newest[path] for path in files)), default=None)

    def published(self, place: Place) -> list[Metric]:
        """What readers see: completeness, quarantine, drift and rows; read once per version."""
        try:
            state = current(place)
        except NothingPublished:
            return []
        key = (str(place.published), state["version"], state["published_at"])
        if self.last[0] != key:
            self.last = (key, list(self.read_published(place, state)))
        return self.last[1]

    def read_published(self, place: Place, state: dict[str, Any]) -> Iterator[Metric]:
        version = gauge("published_version", "Version of the published marts.")
        version.add_metric([], state["version"])
        at = gauge("published_timestamp_seconds", "When they were published, by the world's clock.")
        at.add_metric([], datetime.fromisoformat(state["published_at"]).timestamp())
        rows = gauge("published_rows", "Rows of a published mart.", ["mart"])
        for name, mart in sorted(state["marts"].items()):
            rows.add_metric([name], mart["row_count"])
        yield from (version, at, rows)
        yield from self.capture(state["capture_rates"])
        with connect(place) as connection:
            for name, meaning, labels, sql in LEDGERS:
                family = gauge(name, meaning, labels)
                for *values, number in connection.execute(sql).fetchall():
                    family.add_metric([str(value) for value in values], number)
                yield family

    def capture(self, rates: list[dict[str, Any]]) -> Iterator[Metric]:
        for name, meaning, of in CAPTURED:
            family = gauge(name, meaning, STREAM)
            for rate in rates:
                if rate["stream_name"] != "readings" and rate[of] is not None:
                    family.add_metric([rate["source_name"], rate["stream_name"]], rate[of])
            yield family

    def sizes(self, place: Place, specs: list[SourceSpec]) -> Iterator[Metric]:
        labels = ["layer", "source"]
        size = gauge("lake_size_bytes", "Bytes of a source's Parquet files.", labels)
        files = gauge("lake_files", "Parquet files of a source.", labels)
        for layer in ("raw", "clean"):
            for spec in specs:
                sizes = place.lake.sizes(layer, spec.name)
                size.add_metric([layer, spec.name], sum(sizes))
                files.add_metric([layer, spec.name], len(sizes))
        warehouse = gauge("warehouse_size_bytes", "Bytes of the DuckDB file with its log.")
        parts = place.warehouse.parent.glob(f"{place.warehouse.name}*")
        warehouse.add_metric([], sum(path.stat().st_size for path in parts))
        published = gauge("published_size_bytes", "Bytes of the published marts, all versions.")
        published.add_metric([], sum(sizes_below(place.published, ".parquet")))
        yield from (size, files, warehouse, published)


def newest_in(file: IO[bytes]) -> datetime | None:
    """The newest `observed_at` that a Parquet file's statistics name; None for an empty file."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(file)
    column = metadata.schema.to_arrow_schema().names.index("observed_at")
    newest = [
        statistics.max
        for group in range(metadata.num_row_groups)
        if (statistics := metadata.row_group(group).column(column).statistics)
        and statistics.has_min_max
    ]
    return max(newest).replace(tzinfo=UTC) if newest else None
