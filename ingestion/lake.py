"""Where everything lies in a lake: the one place that knows its folders and file names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RAW_LAYOUT = "{table_name}/{YYYY}/{MM}/{DD}/{load_id}.{file_id}.{ext}"
MANIFEST = "_manifest.json"


@dataclass(frozen=True)
class Lake:
    """The folders below one lake root; paths only, it holds no data."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def clean(self) -> Path:
        return self.root / "clean"

    def raw_table(self, source: str, table: str) -> Path:
        return self.raw / source / table

    def clean_table(self, source: str, table: str) -> Path:
        return self.clean / source / table

    def manifest(self, source: str, table: str) -> Path:
        return self.clean_table(source, table) / MANIFEST

    def raw_files(self, source: str, table: str) -> list[Path]:
        """Every raw Parquet file of a table, oldest load first (names begin with the load id)."""
        return sorted(self.raw_table(source, table).glob("*/*/*/*.parquet"), key=lambda p: p.name)

    def manifests(self) -> Iterator[tuple[str, str, dict]]:
        """(source, table, manifest) of every clean table that has been written."""
        for path in sorted(self.clean.glob(f"*/*/{MANIFEST}")):
            yield path.parent.parent.name, path.parent.name, json.loads(path.read_text())

    def clean_files(self, source: str, table: str) -> list[Path]:
        """The live files of a clean table; empty if it has never been written."""
        path = self.manifest(source, table)
        if not path.exists():
            return []
        folder = path.parent
        return [folder / name for name in json.loads(path.read_text())["files"]]


def replace_text(path: Path, text: str) -> None:
    """Write `text` so that a reader sees the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
