"""A warehouse written by hand: the marts that publishing reads, as small as a test wants them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from trendhouse.settings import Place
from trendhouse.verdicts import Verdicts, marts_path, state_of

COMPLETENESS = """
    create table marts.completeness (
        source_name varchar, stream_name varchar, partition_name varchar, expected_count bigint,
        captured_count bigint, landed_count bigint, kept_count bigint, superseded_count bigint, quarantined_count bigint,
        held_count bigint, capture_rate double, floor_capture_rate double, floor_action varchar,
        is_below_floor boolean, clean_version bigint, observed_date date
    )
"""


class House:
    """One world's folders with a warehouse that the test fills by SQL."""

    def __init__(self, root: Path) -> None:
        self.place = Place(root)
        self.place.warehouse.parent.mkdir(parents=True)
        self.sql(
            "create schema marts",
            COMPLETENESS,
            "create table marts.products (product_name varchar, latest_version varchar)",
            "create table marts.events_hourly (repository_id varchar, event_type varchar, "
            "event_count bigint, event_hour timestamp, clean_version bigint)",
            "create table marts.quarantine (source_name varchar, table_name varchar, reason varchar, "
            "record varchar, load_id varchar, collected_at timestamp)",
            "create table marts.drift (source_name varchar, table_name varchar, path varchar, "
            "kind varchar, occurrence_count bigint, first_seen_at timestamp, example varchar, "
            "first_version bigint)",
        )

    def sql(self, *statements: str) -> None:
        """Change the warehouse; the suites are taken to hold on what comes out."""
        with duckdb.connect(str(self.place.warehouse)) as connection:
            for statement in statements:
                connection.execute(statement)
        self.checked()

    def checked(self) -> None:
        Verdicts(marts_path(self.place.warehouse, "opensource")).conclude(
            state_of(self.place.warehouse)
        )

    def reading(
        self,
        stream: str,
        partition: str,
        expected: int,
        landed: int,
        floor: float = 0.98,
        action: str = "block",
        day: date = date(2026, 11, 2),
        source: str = "github",
    ) -> None:
        rate = landed / expected
        self.sql(
            "insert into marts.completeness values ("
            f"'{source}', '{stream}', '{partition}', {expected}, {landed}, {landed}, {landed}, 0, 0, {landed}, "
            f"{rate}, {floor}, '{action}', {rate < floor}, 1, date '{day}')"
        )
