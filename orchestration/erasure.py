"""Erase one person from a whole world: the lake, the warehouse with its snapshots, what is published."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import duckdb

from orchestration import steps
from trendhouse.declared.sources import landed_specs
from trendhouse.lake.lake import Lake
from trendhouse.settings import Place, Settings
from trendhouse.state import read_state
from trendhouse.verdicts import Verdicts, marts_path
from warehouse.file import require_free
from warehouse.fitness import PublicationBlocked
from warehouse.publish import vacuum
from warehouse.published import CURRENT
from warehouse.refreshes import Refreshes
from warehouse.upgrade import backups, keep, schema_version

if TYPE_CHECKING:
    from trendhouse.lake.persons import Erasures

DOMAIN = "opensource"
SNAPSHOTS = "snapshots"
ROLES = ("author", "owner", "committer")


def identities(lake: Lake, values: Iterable[str]) -> set[str]:
    """By what else the lake knows the person whom `values` name."""
    from trendhouse.lake.identities import identities as known

    return known(lake, landed_specs(), values)


def erase(settings: Settings, values: Iterable[str]) -> Iterator[str]:
    """Erase the person; yields a line for each thing done. The caller holds the lock.

    Every step may be killed and done again. The published state is the old one until the marts have
    been built again, checked and found whole: then its former versions go, too.
    """
    from trendhouse.lake.erase import erase as erase_from_lake
    from trendhouse.lake.persons import read_erasures

    place = settings.place
    specs = landed_specs()
    with place.lake.changing(*(spec.name for spec in specs)):
        erased = erase_from_lake(place.lake, specs, values)
    yield f"lake: {erased.raw_files:,} raw files and {erased.clean_rows:,} rows rewritten"
    if place.warehouse.exists():
        rows = keep_only_snapshots(place, read_erasures(place.lake))
        yield f"warehouse: {rows:,} rows of history kept, all else is built again"
        for spec in specs:
            yield f"check_clean {spec.name}: {steps.check_clean(spec.name, settings).summary}"
        yield f"build: {steps.build(settings=settings).summary}"
        yield f"check_marts: {check_every_mart(settings)}"
        yield f"publish: {steps.publish(settings=settings).summary}"
        forget_former_versions(place)
    for backup in backups(place):
        yield f"backup {backup.name} was made before: it is yours to delete, in {place.backups}"


def check_every_mart(settings: Settings) -> str:
    """What the check said. Raises PublicationBlocked for a mart that would be kept back: readers would go
    on reading its last version, with the person in it."""
    outcome = steps.check_marts(settings=settings)
    path = marts_path(settings.place.warehouse, DOMAIN)
    if refused := Verdicts(path).refused:
        raise PublicationBlocked(
            f"Nothing is published while the person is in what readers have of {', '.join(refused)}: "
            "mend what `trendhouse check marts` names, then `trendhouse erase` again."
        )
    return outcome.summary


def keep_only_snapshots(place: Place, erasures: Erasures) -> int:
    """Put a new warehouse in the place of the old one that holds but its history, without the erased.

    A new file, since rows that are deleted from a database stay readable in its free blocks. All other
    tables come from the clean lake with the next build. Returns the rows of history.
    """
    beside = place.warehouse.with_name(f".{place.warehouse.name}.erasing")
    for leftover in (beside, beside.with_name(f"{beside.name}.wal")):
        leftover.unlink(missing_ok=True)
    require_free(place.warehouse)
    with duckdb.connect(str(place.warehouse)) as connection:
        connection.execute("checkpoint")
        tables = connection.execute(
            "select table_name from information_schema.tables "
            f"where table_schema = '{SNAPSHOTS}' and table_type = 'BASE TABLE' order by 1"
        ).fetchall()
        scrubbers(connection, erasures)
        connection.execute(f"attach '{str(beside).replace(chr(39), chr(39) * 2)}' as kept")
        connection.execute(f"create schema kept.{SNAPSHOTS}")
        rows = sum(copy_scrubbed(connection, name) for (name,) in tables)
        connection.execute("checkpoint kept")
        connection.execute("detach kept")
    os.replace(beside, place.warehouse)
    keep(place, Refreshes(schema_version()))
    return rows


def scrubbers(connection: duckdb.DuckDBPyConnection, erasures: Erasures) -> None:
    """The rules of the lake as SQL functions: who is erased, what stands in, what a text may say."""
    from trendhouse.lake.persons import scrub_string

    def is_erased(value: str | None) -> bool:
        return value is not None and erasures.holds(value)

    def stand_in(value: str | None) -> str | None:
        return None if value is None else str(erasures.identity(value))

    def scrub(name: str, value: str | None) -> str | None:
        return None if value is None else scrub_string(name, value, erasures)

    for function, count, kind in (
        (is_erased, 1, "boolean"),
        (stand_in, 1, "varchar"),
        (scrub, 2, "varchar"),
    ):
        connection.create_function(
            function.__name__, function, ["varchar"] * count, kind, null_handling="special"
        )


def copy_scrubbed(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Copy a snapshot without the erased; the rows. The same rules as for the clean rows it is made of."""
    types = {
        name: kind
        for name, kind, *_ in connection.execute(f'describe {SNAPSHOTS}."{table}"').fetchall()
    }
    persons = [
        [column for column in (f"{role}_id", f"{role}_login", f"{role}_name") if column in types]
        for role in ROLES
    ]
    selected = []
    for name, kind in types.items():
        form = f'''scrub('{"full_name" if name == "repository_name" else name}', "{name}")'''
        for columns in persons:
            erased = " or ".join(f'is_erased("{column}")' for column in columns)
            if name in columns:
                form = f'case when {erased} then stand_in("{name}") else "{name}" end'
            elif name == "body" and columns and columns[0].startswith("author"):
                form = f"case when {erased} then null else {form} end"
        is_text = kind == "VARCHAR" and not name.startswith("dbt_")
        selected.append(f'{form} as "{name}"' if is_text else f'"{name}"')
    connection.execute(
        f'create table kept.{SNAPSHOTS}."{table}" as select {", ".join(selected)} from {SNAPSHOTS}."{table}"'
    )
    return connection.execute(f'select count(*) from kept.{SNAPSHOTS}."{table}"').fetchone()[0]


def forget_former_versions(place: Place) -> None:
    """Delete every published file that is not of the current state, for readers of the last one, too, and
    every read model; a server that runs makes a new one."""
    shutil.rmtree(place.serving, ignore_errors=True)
    vacuum(place.published, {read_state(place.published / CURRENT)["version"]})
