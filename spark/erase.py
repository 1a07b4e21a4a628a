"""Erase one person from a lake: raw records, clean rows and quarantine; later landings included.

Records stay, so that counts stay: the person's login and name become a pseudonym, the database id a
negative number, e-mail and links vanish, and the texts of what they wrote are removed. What others wrote
about them in free text, and the names of their own repositories, are not touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.lake import Lake
from ingestion.spec import SourceSpec, Table
from spark import ledger
from spark.manifest import Manifest, commit, next_version, read_manifest, sweep, vacuum
from spark.paths import places
from spark.persons import (
    AUTHOR_KEYS,
    IDENTIFYING,
    PERSON_KEYS,
    TEXT_KEYS,
    Erasures,
    Person,
    read_erasures,
    remember,
    scrub_text,
)
from spark.rawfiles import BATCH


@dataclass(frozen=True)
class Erased:
    """What an erasure changed: raw files and clean rows (quarantined ones included)."""

    raw_files: int
    clean_rows: int


def erase(lake: Lake, specs: Iterable[SourceSpec], values: Iterable[str]) -> Erased:
    """Erase the person whom any of `values` (login, database id, e-mail, name) identifies.

    The person is remembered first, each file is replaced atomically, and everything may be done twice:
    after a kill, call it again. The caller holds the lake's lock and rebuilds the warehouse afterwards,
    which sees the changed rows by their new clean_version. Older versions of the files are deleted.
    """
    erasures = remember(lake, values)
    version, files, rows = next_version(lake), 0, 0
    for spec in specs:
        for raw in sorted({spec.raw_name(name) for name in spec.tables}):
            files += sum(scrub_raw(file, erasures) for file in lake.raw_files(spec.name, raw))
        for name in spec.tables:
            rows += scrub_clean(lake, spec, name, erasures, version)
    return Erased(files, rows)


def scrub_new(lake: Lake, files: Iterable[Path]) -> None:
    """Take the erased out of raw files that are about to be read for the first time."""
    erasures = read_erasures(lake)
    for file in files if erasures else ():
        scrub_raw(file, erasures)


def scrub_raw(file: Path, erasures: Erasures) -> bool:
    """Replace a raw file by one without the erased; False, and untouched, if it names none of them."""
    beside, changed = file.with_name(f"{file.name}.new"), False
    reader = pq.ParquetFile(file)
    with pq.ParquetWriter(beside, reader.schema_arrow, compression="zstd") as writer:
        for batch in reader.iter_batches(BATCH):
            table = pa.Table.from_batches([batch])
            for name in ("record", "context", "record_key"):
                old = table[name].to_pylist()
                new = [
                    key_of(v, erasures) if name == "record_key" else scrub_text(v, erasures)
                    for v in old
                ]
                if new != old:
                    changed = True
                    index, field = table.column_names.index(name), table.schema.field(name)
                    table = table.set_column(index, field, pa.array(new, field.type))
            writer.write_table(table)
    if changed:
        os.replace(beside, file)
    else:
        beside.unlink()
    return changed


def key_of(value: str | None, erasures: Erasures) -> str | None:
    """A record key without the person: only one that is not a bare number can be told apart."""
    person = erasures.find(value) if value and not value.isdigit() else None
    return person.pseudonym if person else value


def person_columns(table: Table) -> dict[tuple[str, ...], dict[str, list[str]]]:
    """The objects of a table that describe persons: their steps -> field -> columns that may hold it."""
    found: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for name in table.columns:
        for place in places(name, table):
            if place.root != "record" or not place.steps:
                continue
            found.setdefault(place.steps[:-1], {}).setdefault(place.steps[-1], []).append(name)
            if place.steps[-1] in PERSON_KEYS and table.columns[name].type == "string":
                found.setdefault(place.steps, {}).setdefault("login", []).append(name)
    return {s: f for s, f in found.items() if (s[-1] in PERSON_KEYS if s else "login" in f)}


def scrub_row(row: dict, table: Table, erasures: Erasures) -> bool:
    """Take the erased out of a clean row or a marker, in place; whether it named one."""
    changed = False
    for steps, fields in person_columns(table).items():
        named = [row.get(column) for field in IDENTIFYING for column in fields.get(field, [])]
        person = next((p for v in named if v is not None and (p := erasures.find(str(v)))), None)
        if person is None:
            continue
        changed = True
        for column in dict.fromkeys(c for columns in fields.values() for c in columns):
            if column in row:
                # The field that is read first: an erased object always has login, id and name.
                field = places(column, table)[0].steps[-1]
                row[column] = stand_in(field, table.columns[column].type, person)(row[column])
        if steps and steps[-1] in AUTHOR_KEYS:
            for name, column in table.columns.items():
                last = places(name, table)[0].steps[-1:]
                if name in row and last and last[0] in TEXT_KEYS and column.nullable:
                    row[name] = None
    return changed


def stand_in(field: str, kind: str, person: Person):
    """What takes the place of one field of an erased person."""
    if field == "id":
        return lambda _: person.number if kind == "bigint" else str(person.number)
    if field in ("login", "name"):
        return lambda _: person.pseudonym
    if field in ("type", "date", "contributions", "site_admin"):
        return lambda value: value
    return lambda _: None


def scrub_clean(lake: Lake, spec: SourceSpec, name: str, erasures: Erasures, version: int) -> int:
    """Rewrite the files of a clean table that name an erased person, in one commit; returns the rows."""
    old = read_manifest(lake, spec.name, name)
    if old is None:
        return 0
    folder, table, new, rows = lake.clean_table(spec.name, name), spec.tables[name], replace(old), 0
    sweep(lake, spec.name, name, old)
    new.version, new.files, new.ledger = (
        version,
        list(old.files),
        {k: list(v) for k, v in old.ledger.items()},
    )
    for index, file in enumerate(old.files):
        data = pq.read_table(folder / file)
        values = data.to_pylist()
        hit = [row for row in values if scrub_row(row, table, erasures)]
        for row in hit:
            row["clean_version"] = version
        if hit:
            target = (folder / file).with_name(f"{version}-erased{index}.parquet")
            pq.write_table(pa.Table.from_pylist(values, data.schema), target, compression="zstd")
            new.files[index] = str(target.relative_to(folder))
            rows += len(hit)
    rows += scrub_markers(folder, table, new, erasures)
    rows += scrub_quarantine(folder, new, erasures)
    if rows:
        forget_examples(folder, new)
        commit(lake, spec.name, name, new, old)
    vacuum(lake, spec.name, name, keep=0)
    return rows


def scrub_markers(folder: Path, table: Table, new: Manifest, erasures: Erasures) -> int:
    """Markers whose key names the person."""
    rows, new.positions = 0, list(new.positions)
    for index, file in enumerate(new.positions):
        data = pq.ParquetFile(folder / file).read()
        values = data.to_pylist()
        if hits := sum(scrub_row(row, table, erasures) for row in values):
            target = (folder / file).with_name(f"{new.version}-erased{index}.parquet")
            pq.write_table(pa.Table.from_pylist(values, data.schema), target, compression="zstd")
            new.positions[index] = str(target.relative_to(folder))
            rows += hits
    return rows


def forget_examples(folder: Path, new: Manifest) -> None:
    """Drop the examples of the table's drift: a value by itself does not tell whose it was."""
    for index, file in enumerate(new.ledger["drift"]):
        data = pq.read_table(folder / file)
        values = [{**row, "example": None} for row in data.to_pylist()]
        table = pa.Table.from_pylist(values, ledger.ledger_schema("drift"))
        new.ledger["drift"][index] = ledger.write_table(
            folder, f"drift-{new.version}-erased{index}", table
        )


def scrub_quarantine(folder: Path, new: Manifest, erasures: Erasures) -> int:
    rows = 0
    for index, file in enumerate(new.ledger["quarantine"]):
        values = pq.read_table(folder / file).to_pylist()
        before = [row["record"] for row in values]
        for row in values:
            row["record"] = scrub_text(row["record"], erasures)
        hits = sum(row["record"] != text for row, text in zip(values, before, strict=True))
        if hits:
            data = pa.Table.from_pylist(values, ledger.ledger_schema("quarantine"))
            new.ledger["quarantine"][index] = ledger.write_table(
                folder, f"quarantine-{new.version}-erased{index}", data
            )
            rows += hits
    return rows
