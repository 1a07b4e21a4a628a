"""Where everything lies in a lake: the one place that knows its folders and file names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from trendhouse.state import read_state

if TYPE_CHECKING:
    from trendhouse.lake.store import Store

RAW_LAYOUT = "{table_name}/{YYYY}/{MM}/{DD}/{load_id}.{file_id}.{ext}"
MANIFEST = "_manifest.json"
# In a path Spark, DuckDB or dlt take these for a pattern or for a part of an address.
PATTERNS = frozenset('*?[]{}%#"\\\n')


@dataclass(frozen=True)
class Lake:
    """The folders below one lake root; paths only, it holds no data.

    A lake in an object store (trendhouse/lake/mirror.py) has the same folders here, as far as they were needed:
    who reads a file asks for it by `here`, who changes a source does it within `changing`.
    """

    root: Path

    @property
    def store(self) -> Store | None:
        """The object store that the lake lies in; None for a folder."""
        return None

    @property
    def raw_url(self) -> str:
        """Where landings put raw files."""
        return self.raw.resolve().as_uri()

    def changing(self, *sources: str) -> AbstractContextManager[None]:
        """For as long as what these sources hold is changed; the context's end makes it everybody's."""
        return nullcontext()

    def pull(self) -> None:
        """Bring in whatever the clean lake holds now."""

    def here(self, files: Iterable[Path]) -> list[Path]:
        """The files, once their content is on this machine."""
        return list(files)

    def size(self, file: Path) -> int:
        """Bytes of a file, wherever it is."""
        return file.stat().st_size

    def open(self, file: Path) -> IO[bytes]:
        """A file for reading some of it, wherever it is."""
        return file.open("rb")

    def remove(self, files: Iterable[Path]) -> None:
        """Delete raw files; those that are gone already, too."""
        for file in files:
            file.unlink(missing_ok=True)

    def sizes(self, layer: str, source: str) -> list[int]:
        """Bytes of each Parquet file of a source in `raw` or `clean`; what vanishes meanwhile is left out."""
        return list(sizes_below(self.root / layer / source, ".parquet"))

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
            yield path.parent.parent.name, path.parent.name, read_state(path)

    def manifest_of(self, source: str, table: str) -> dict:
        """The manifest of a clean table as everybody sees it now; empty if it has never been written."""
        path = self.manifest(source, table)
        return read_state(path) if path.exists() else {}

    def newest_version(self) -> int:
        """The highest version that any clean table has; 0 without one."""
        return max((manifest["version"] for _, _, manifest in self.manifests()), default=0)

    def clean_files(self, source: str, table: str) -> list[Path]:
        """The live files of a clean table; empty if it has never been written."""
        path = self.manifest(source, table)
        if not path.exists():
            return []
        folder = path.parent
        return [folder / name for name in read_state(path)["files"]]


def check_path(folder: Path) -> Path:
    """The folder, if a lake can lie below it. Raises ValueError."""
    if found := sorted(PATTERNS & set(str(folder))):
        raise ValueError(f"the path of TRENDHOUSE_HOME cannot contain {' '.join(found)}")
    return folder


def sizes_below(folder: Path, suffix: str) -> Iterator[int]:
    """The size of each file below a folder; what vanishes while it is read is left out."""
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(suffix):
                try:
                    yield (Path(parent) / name).stat().st_size
                except FileNotFoundError:
                    continue


def replace_text(path: Path, text: str) -> None:
    """Write `text` so that a reader sees the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
