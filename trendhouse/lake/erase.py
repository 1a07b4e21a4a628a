"""Erase one person from a lake: raw records, clean rows and the ledger; later landings included.

Records stay, so that counts stay: login, name, e-mail and database id give way to a stand-in, links vanish,
the texts of what they wrote are removed, and mentions of them (`@login`, e-mails, addresses, names of their
repositories) are taken out of all other texts. What others wrote about them in plain words is not touched.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trendhouse.declared.paths import places
from trendhouse.declared.sources import SourceSpec, Table
from trendhouse.lake.lake import Lake
from trendhouse.lake.manifest import commit, next_version, read_manifest, sweep, vacuum
from trendhouse.lake.persons import (
    AUTHOR_KEYS,
    IDENTIFYING,
    PERSON_KEYS,
    TEXT_KEYS,
    Erasures,
    key_without,
    read_erasures,
    remember,
    scrub_string,
    scrub_text,
    stand_in,
    without_mentions,
)
from trendhouse.lake.rawfiles import BATCH, recover

RAW_TEXTS = ("record", "context")
Scrub = Callable[[dict], bool]


@dataclass(frozen=True)
class Erased:
    """What an erasure changed: raw files and clean rows (those of the ledger included)."""

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
            recover(lake, spec, raw)
            files += sum(scrub_raw(f, erasures) for f in lake.here(lake.raw_files(spec.name, raw)))
        for name in spec.tables:
            rows += scrub_clean(lake, spec, name, erasures, version)
    return Erased(files, rows)


def scrub_new(lake: Lake, files: Iterable[Path]) -> None:
    """Take the erased out of raw files that are about to be read for the first time."""
    erasures = read_erasures(lake)
    for file in lake.here(files) if erasures else ():
        scrub_raw(file, erasures)


def scrub_raw(file: Path, erasures: Erasures) -> bool:
    """Replace a raw file by one without the erased; False, and untouched, if it names none of them."""
    beside = file.with_name(f"{file.name}.new")
    changed = rewrite(file, beside, lambda row: scrub_raw_row(row, erasures))
    if changed:
        os.replace(beside, file)
    return changed > 0


def scrub_raw_row(row: dict, erasures: Erasures) -> bool:
    """Take the erased out of a raw row, in place; whether it named one."""
    before = dict(row)
    for name in RAW_TEXTS:
        row[name] = scrub_text(row[name], erasures)
    for name in ("record_key", "cursor_value", "partition_name", "source_url"):
        row[name] = row[name] and without_mentions(row[name], erasures)
    row["record_key"] = row["record_key"] and key_without(row["record_key"], erasures)
    return row != before


def rewrite(file: Path, target: Path, scrub_one: Scrub) -> int:
    """Write `file` to `target`, each row scrubbed; how many changed. Without one there is no target."""
    reader, changed = pq.ParquetFile(file), 0
    with pq.ParquetWriter(target, reader.schema_arrow, compression="zstd") as writer:
        for batch in reader.iter_batches(BATCH):
            rows = batch.to_pylist()
            hits = sum(scrub_one(row) for row in rows)
            changed += hits
            writer.write_batch(
                pa.RecordBatch.from_pylist(rows, reader.schema_arrow) if hits else batch
            )
    with target.open("rb") as written:
        os.fsync(written.fileno())
    if not changed:
        target.unlink()
    return changed


def scrub_clean(lake: Lake, spec: SourceSpec, name: str, erasures: Erasures, version: int) -> int:
    """Rewrite the files of a clean table that name an erased person, in one commit; returns the rows.

    Older versions of its files are deleted, whether this or an earlier call replaced them.
    """
    old = read_manifest(lake, spec.name, name)
    if old is None:
        return 0
    folder, table, counts = lake.clean_table(spec.name, name), spec.tables[name], []
    sweep(lake, spec.name, name, old)

    def each(files: list[str], scrub_one: Scrub, kind: str = "") -> list[str]:
        names = []
        lake.here(folder / file for file in files)
        for index, file in enumerate(files):
            stem = f"{kind}-{version}" if kind else f"{version}"
            target = (folder / file).with_name(f"{stem}-erased{index}.parquet")
            if hits := rewrite(folder / file, target, scrub_one):
                counts.append(hits)
            names.append(str(target.relative_to(folder)) if hits else file)
        return names

    new = replace(old, version=version)
    new.files = each(old.files, lambda row: scrub_row(row, table, erasures, version))
    new.positions = each(old.positions, lambda row: scrub_row(row, table, erasures, None))
    new.waiting = each(old.waiting, lambda row: scrub_raw_row(row, erasures))
    new.ledger = {kind: list(names) for kind, names in old.ledger.items()}
    new.ledger["quarantine"] = each(
        old.ledger["quarantine"],
        lambda row: scrub_quarantined(row, erasures, version),
        "quarantine",
    )
    if counts:
        new.ledger["drift"] = each(old.ledger["drift"], forget_example, "drift")
    if counts:
        commit(lake, spec.name, name, new, old)
    vacuum(lake, spec.name, name, keep=0)
    return sum(counts)


def scrub_quarantined(row: dict, erasures: Erasures, version: int) -> bool:
    """Take the erased out of a quarantined row, in place; whether it named one."""
    before = dict(row)
    for name in ("record", "reason"):
        row[name] = scrub_said(row[name], erasures)
    if row != before:
        row["clean_version"] = version
    return row != before


def forget_example(row: dict) -> bool:
    """Drop the example of a drift: a value by itself does not tell whose it was."""
    known, row["example"] = row["example"], None
    return known is not None


def scrub_said(text: str | None, erasures: Erasures) -> str | None:
    """A record, or words that quote one."""
    if text and erasures.holds(text) and not text.isdigit():
        return erasures.text(text)
    return scrub_text(text, erasures)


def person_columns(table: Table) -> dict[str, dict[str, list[str]]]:
    """The persons of a table's rows: role (`author`; empty: the record itself) -> field -> columns.

    What stands under the same key, as a commit's account and its signature, is one person.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for name in table.columns:
        for place in places(name, table):
            if place.root != "record" or not place.steps:
                continue
            role = place.steps[-2] if len(place.steps) > 1 else ""
            found.setdefault(role, {}).setdefault(place.steps[-1], []).append(name)
            if place.steps[-1] in PERSON_KEYS and table.columns[name].type == "string":
                found.setdefault(place.steps[-1], {}).setdefault("login", []).append(name)
    return {
        role: fields
        for role, fields in found.items()
        if (role in PERSON_KEYS if role else {"login", "contributions"} & {*fields})
    }


def scrub_row(row: dict, table: Table, erasures: Erasures, version: int | None) -> bool:
    """Take the erased out of a clean row (or, without `version`, a marker), in place; whether it changed."""
    before = dict(row)
    for role, fields in person_columns(table).items():
        columns = [(f, c) for f, names in fields.items() for c in names if c in row]
        named = [row[c] for f, c in columns if f in IDENTIFYING and row[c] is not None]
        if not any(erasures.holds(str(value)) for value in named):
            continue
        for column in dict.fromkeys(c for _, c in columns):
            field = next(f for f, c in columns if c == column)
            row[column] = stand_in(field, row[column], erasures)
        if role in AUTHOR_KEYS:
            for name, column in table.columns.items():
                last = places(name, table)[0].steps[-1:]
                if name in row and last and last[0] in TEXT_KEYS and column.nullable:
                    row[name] = None
    for name, value in row.items():
        if not isinstance(value, str):
            continue
        declared = table.columns.get(name)
        if declared and declared.type == "json":
            row[name] = scrub_text(value, erasures)
        else:
            steps = places(name, table)[0].steps if declared else ()
            row[name] = scrub_string(steps[-1] if steps else name, value, erasures)
    if row != before and version is not None:
        row["clean_version"] = version
    return row != before
