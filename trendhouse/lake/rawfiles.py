"""Rewriting raw files safely: who has consumed them, what they hold, and a journal against a kill."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trendhouse.declared.sources import SourceSpec
from trendhouse.lake.lake import Lake, replace_text
from trendhouse.lake.manifest import read_manifest
from trendhouse.state import read_state

JOURNAL = "_rewrite.json"
BATCH = 20_000
Content = tuple[int, int]


class ContentChanged(Exception):
    """A rewritten raw file does not hold the rows that it replaces; nothing was replaced."""


def readers(spec: SourceSpec, raw: str) -> list[str]:
    """The clean tables that are made of a raw table."""
    return [name for name in spec.tables if spec.raw_name(name) == raw]


def consumed_by_all(lake: Lake, spec: SourceSpec, raw: str) -> set[str]:
    """Raw files, relative to the raw table, that every clean table of it has consumed."""
    sets = []
    for name in readers(spec, raw):
        manifest = read_manifest(lake, spec.name, name)
        sets.append(set(manifest.consumed) if manifest else set())
    return set.intersection(*sets) if sets else set()


def content(files: list[Path]) -> Content:
    """(rows, a hash of all their values that does not depend on the order of the rows)."""
    count = total = 0
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(BATCH):
            count += batch.num_rows
            columns = [batch.column(name).to_pylist() for name in sorted(batch.schema.names)]
            for values in zip(*columns, strict=True):
                row = repr([str(value) if value is not None else None for value in values])
                total += int.from_bytes(blake2b(row.encode(), digest_size=16).digest())
    return count, total % 2**128


def merge_files(files: list[Path], target: Path) -> None:
    """Write the rows of `files` to `target`, a batch at a time."""
    schema = pa.unify_schemas(
        [pq.read_schema(file) for file in files], promote_options="permissive"
    )
    schema = schema.remove_metadata()
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for file in files:
            for batch in pq.ParquetFile(file).iter_batches(BATCH):
                table = pa.Table.from_batches([batch])
                for field in schema:
                    if field.name not in table.column_names:
                        table = table.append_column(field, pa.nulls(len(table), field.type))
                writer.write_table(table.select(schema.names).cast(schema))


def swap(lake: Lake, spec: SourceSpec, raw: str, written: Path, new: Path, old: list[Path]) -> None:
    """Put `written` in the place of `old` under the name `new`. A kill is finished by `recover`."""
    folder = lake.raw_table(spec.name, raw)
    names = {"written": written, "new": new}
    entry = {key: str(path.relative_to(folder)) for key, path in names.items()}
    entry["old"] = [str(path.relative_to(folder)) for path in old]
    replace_text(folder / JOURNAL, json.dumps(entry))
    recover(lake, spec, raw)


def recover(lake: Lake, spec: SourceSpec, raw: str) -> bool:
    """Finish a swap whose journal lies in the raw table; every step may be done twice."""
    folder = lake.raw_table(spec.name, raw)
    journal = folder / JOURNAL
    for leftover in folder.glob("*/*/*/*.parquet.new") if not journal.exists() else ():
        leftover.unlink()
    if not journal.exists():
        return False
    entry = read_state(journal)
    for name in readers(spec, raw):
        manifest = read_manifest(lake, spec.name, name)
        if manifest and set(entry["old"]) <= set(manifest.consumed):
            manifest.consumed = sorted({*manifest.consumed, entry["new"]} - set(entry["old"]))
            replace_text(lake.manifest(spec.name, name), json.dumps(asdict(manifest), indent=1))
    if (folder / entry["written"]).exists():
        os.replace(folder / entry["written"], folder / entry["new"])
    lake.remove(folder / name for name in entry["old"])
    journal.unlink()
    return True


def months(files: list[Path], folder: Path) -> dict[str, list[Path]]:
    """Files by the month of their folder `YYYY/MM/DD`."""
    grouped: dict[str, list[Path]] = {}
    for file in files:
        grouped.setdefault("/".join(file.relative_to(folder).parts[:2]), []).append(file)
    return grouped


def day_of(file: Path) -> str:
    """The ISO day that a raw file's folder names."""
    return "-".join(file.parts[-4:-1])
