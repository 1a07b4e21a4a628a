"""Every piece of a world's state that is broken: where it lies, what is wrong, and what can make it again."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from trendhouse.declared.sources import landed_specs
from trendhouse.lake.lake import MANIFEST, Lake
from trendhouse.running import Locked
from trendhouse.settings import Place
from trendhouse.state import StateBroken, read_state
from warehouse.file import opened
from warehouse.publish import VERSIONS
from warehouse.published import CURRENT
from warehouse.published_files import faults
from warehouse.snowflake.account import is_target

log = logging.getLogger(__name__)


class Way(StrEnum):
    """What makes a broken piece again; `hand`: nothing of the house can."""

    aside = "put aside"
    world = "the publication's clock"
    table = "raw lake"
    warehouse = "clean lake"
    pointer = "the kept versions"
    publish = "warehouse"
    hand = "by hand"


@dataclass(frozen=True)
class Piece:
    """One broken piece; `remedy` says what becomes of it, or what there is to do."""

    path: Path
    wrong: str
    way: Way
    remedy: str


# What a world keeps as JSON beside lake, warehouse and published marts: the house goes on without it.
KEPT = {
    "runs/*.json": "the record of one run is gone",
    "landings/*.json": "its counters begin again with the next landing",
    "warehouse/*.json": "the next build or check writes it",
    "lake/clean/*/_checked.json": "its tables are checked again",
    "lake/raw/*/*/_rewrite.json": "a compaction that broke off is not finished; no row is lost",
    "docs/expectations_results/**/*.json": "the next check writes it",
    "digests.json": "a release may be told again",
    "sent.json": "the release feed may be delivered again",
    "dlt/*/state.json": "cursors come back from the lake, or all is fetched again",
    "dlt/*/schemas/*.json": "cursors come back from the lake, or all is fetched again",
    "dlt/*/normalize/extracted/*/*.json": "what it had fetched is fetched again",
    "dlt/*/load/normalized/*/*.json": "what it had fetched is fetched again",
}


def broken_pieces(place: Place, *, deep: bool = False) -> Iterator[Piece]:
    """All that is broken, from the bottom up; `deep` reads every row of the warehouse, too.

    Of a lake in an object store what lies here are copies, and not looked at.
    """
    yield from kept(place.root)
    if place.lake.store is None:
        yield from lake(place.lake)
    yield from databases(place, deep)
    yield from published(place.published)


def kept(root: Path) -> Iterator[Piece]:
    for pattern, remedy in KEPT.items():
        for path in sorted(root.glob(pattern)):
            if wrong := unreadable(path):
                is_dlt = pattern.startswith("dlt/")
                yield Piece(root / "dlt" / path.relative_to(root).parts[1] if is_dlt else path,
                            wrong, Way.aside, remedy)  # fmt: skip
    world = root / "world.json"
    if world.exists() and (wrong := unreadable(world)):
        yield Piece(world, wrong, Way.world, "its date is that of the last publication")
    erasures = root / "lake" / "erasures.json"
    if erasures.exists() and (wrong := unreadable(erasures)):
        yield Piece(
            erasures, wrong, Way.hand, "put back a copy: it keeps the erased from coming back"
        )


def unreadable(path: Path) -> str | None:
    try:
        read_state(path, object)
    except StateBroken as error:
        return f"is no JSON ({error.__cause__})"
    return None


def lake(lake: Lake) -> Iterator[Piece]:
    """Raw files and clean tables that cannot be read."""
    for spec in landed_specs():
        gone = {path for raw in {*map(spec.raw_name, spec.tables)} for path in lake.raw_files(spec.name, raw)
                if no_parquet(path)}  # fmt: skip
        for path in sorted(gone):
            yield Piece(
                path,
                no_parquet(path) or "",
                Way.hand,
                f"put back a copy of it; without one delete it and `trendhouse land {spec.name}`: what "
                "upstream still has comes again",
            )
        manifests = {name: readable_manifest(lake, spec.name, name) for name in spec.tables}
        retained = any(each and each.get("retained") for each in manifests.values())
        for name, manifest in manifests.items():
            wrong = broken_table(lake, spec.name, name, manifest)
            if wrong is None:
                continue
            folder = lake.clean_table(spec.name, name)
            raw = lake.raw_table(spec.name, spec.raw_name(name))
            if retained:
                yield Piece(folder, wrong, Way.hand, "put back a copy of the folder: raw that it was "
                            "made of is gone by `trendhouse retain`")  # fmt: skip
            elif any(path.is_relative_to(raw) for path in gone):
                yield Piece(folder, wrong, Way.hand, "mend the raw files above first")
            else:
                yield Piece(folder, wrong, Way.table, "made again from raw, and all marts with it")


def readable_manifest(lake: Lake, source: str, table: str) -> dict | None:
    """The manifest; empty without one, None for a broken one."""
    path = lake.manifest(source, table)
    try:
        return read_state(path) if path.exists() else {}
    except StateBroken:
        return None


def broken_table(lake: Lake, source: str, table: str, manifest: dict | None) -> str | None:
    if manifest is None:
        return f"its {MANIFEST} is no JSON"
    folder = lake.clean_table(source, table)
    names = [
        *manifest.get("files", []),
        *manifest.get("positions", []),
        *manifest.get("waiting", []),
    ]
    names += [name for files in manifest.get("ledger", {}).values() for name in files]
    for name in names:
        if wrong := no_parquet(folder / name):
            return f"{name} {wrong}"
    return None


def no_parquet(path: Path) -> str | None:
    try:
        pq.read_metadata(path)
    except FileNotFoundError:
        return "is missing"
    except (OSError, pa.ArrowException):
        return "is no whole Parquet file"
    return None


def databases(place: Place, deep: bool) -> Iterator[Piece]:
    """The warehouse, the read models and what others posted."""
    if place.warehouse.exists() and not is_target():
        try:
            with opened(place.warehouse, patience=0) as connection:
                read_all(connection, deep)
        except Locked as error:  # whoever writes it finds out
            log.info("the warehouse was not looked at: %s", error)
        except StateBroken as error:
            wrong = f"is no whole database ({str(error.__cause__).splitlines()[0]})"
            yield Piece(place.warehouse, wrong, Way.warehouse, "the newest backup of it, or a new one, is "
                        "brought up to the clean lake")  # fmt: skip
    for path in sorted(place.serving.glob("*.sqlite")):
        if wrong := no_sqlite(path):
            yield Piece(path, wrong, Way.aside, "a server builds it again")
    if place.posted.exists() and (wrong := no_sqlite(place.posted)):
        yield Piece(place.posted, wrong, Way.hand, "`trendhouse restore` brings it back from a backup; "
                    "without one delete it: what others posted is gone")  # fmt: skip


def read_all(connection: duckdb.DuckDBPyConnection, deep: bool) -> None:
    """Read every row of every table, or only which tables there are."""
    tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
    for schema, table in tables if deep else ():
        connection.execute(
            f'select bit_xor(hash(rows)) from "{schema}"."{table}" as rows'
        ).fetchall()


def no_sqlite(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute("pragma quick_check").fetchone()
    except sqlite3.Error as error:
        return f"is no whole database ({error})"
    return None if found == "ok" else f"is no whole database ({found})"


def published(folder: Path) -> Iterator[Piece]:
    current = folder / CURRENT
    for path in sorted((folder / VERSIONS).glob("*.json")):
        if wrong := unreadable(path):
            yield Piece(path, wrong, Way.aside, "`trendhouse rollback` does not go back to it")
    if not current.exists():
        if any((folder / VERSIONS).glob("*.json")):
            yield Piece(
                current, "is missing", Way.pointer, "the newest whole version is shown again"
            )
        return
    if wrong := unreadable(current):
        yield Piece(current, wrong, Way.pointer, "the newest whole version is shown again")
        return
    for path, wrong in faults(folder, json.loads(current.read_text(encoding="utf-8"))):
        yield Piece(path, wrong, Way.publish, "written again from the warehouse")
