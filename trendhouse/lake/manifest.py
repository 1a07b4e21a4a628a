"""The manifest of a clean table: what readers see, what has been consumed, and the only commit point."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from trendhouse.declared.sources import LOAD_COLUMNS, Table
from trendhouse.lake.lake import MANIFEST, Lake, replace_text
from trendhouse.state import read_state

LEDGER = ("reconciliations", "captures", "quarantine", "drift")
STAGING = "_staging"
KEPT_VERSIONS = 2


@dataclass
class Manifest:
    """What a clean table consists of; file names are relative to the table's folder.

    `consumed` are raw files relative to the raw table's folder, `positions` the markers of
    spark/winners.py, `replaced` the files that former versions consisted of, until vacuum.

    `waiting` are raw rows that were read and are not shown, since their partition does not meet its floor;
    `refused` names these partitions with the load up to which their rows are shown, `held` the distinct
    keys by partition, `assessed` the version of the readings that all of this was held to, `newest_load`
    the newest load consumed.
    """

    version: int = 0
    files: list[str] = field(default_factory=list)
    schema: dict[str, str] = field(default_factory=dict)
    consumed: list[str] = field(default_factory=list)
    ledger: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in LEDGER})
    positions: list[str] = field(default_factory=list)
    declared: str = ""
    retained: int = 0
    replaced: list[dict] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    floor: str = ""
    assessed: int = -1
    newest_load: str = ""

    def __post_init__(self) -> None:
        # A lake may be older than a kind of its ledger.
        self.ledger = {kind: self.ledger.get(kind, []) for kind in LEDGER}

    def live(self) -> set[str]:
        return {
            *self.files,
            *self.positions,
            *self.waiting,
            *(name for names in self.ledger.values() for name in names),
        }


def read_manifest(lake: Lake, source: str, table: str) -> Manifest | None:
    """The manifest, or None if the table has never been written."""
    path = lake.manifest(source, table)
    return Manifest(**read_state(path)) if path.exists() else None


def commit(lake: Lake, source: str, table: str, new: Manifest, old: Manifest | None) -> None:
    """Make `new` what readers see, in one atomic replacement of the manifest."""
    gone = sorted(old.live() - new.live()) if old else []
    history = old.replaced if old else []
    new.replaced = [*history, *([{"version": new.version, "files": gone}] if gone else [])]
    replace_text(lake.manifest(source, table), json.dumps(asdict(new), indent=1))


def next_version(lake: Lake) -> int:
    """One more than any clean table of the lake has."""
    return 1 + lake.newest_version()


def schema_of(table: Table) -> dict[str, str]:
    """Column -> declared type of a clean table, load columns included."""
    return {**{name: column.type for name, column in table.columns.items()}, **LOAD_COLUMNS}


def declaration(table: Table) -> str:
    """A fingerprint of all that decides how records are read and what is noted of them; another one means
    to read them again."""
    columns = {n: (c.type, c.path or n, c.nullable, c.promise) for n, c in table.columns.items()}
    cut = table.partition.model_dump() if table.partition else None
    explode = table.explode.model_dump() if table.explode else None
    told = [columns, table.key, table.cursor, cut, explode, table.rules, LEDGER]
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def folder_of(part: str) -> str:
    """A partition value as the name of a folder."""
    name = quote(part, safe=" :")
    return f"%{ord(name[0]):02X}{name[1:]}" if name[:1] in "._" else name


def part_of_file(name: str) -> str:
    return unquote(name.removeprefix("_positions/").split("/")[0])


def sweep(lake: Lake, source: str, table: str, manifest: Manifest | None) -> None:
    """Remove what a killed run left: the staging folder and files that no manifest ever named."""
    folder = lake.clean_table(source, table)
    shutil.rmtree(folder / STAGING, ignore_errors=True)
    known = manifest.live() if manifest else set()
    known |= {name for entry in (manifest.replaced if manifest else []) for name in entry["files"]}
    for path in folder.rglob("*"):
        if path.is_file() and path.name != MANIFEST and str(path.relative_to(folder)) not in known:
            path.unlink()


def vacuum(lake: Lake, source: str, table: str, keep: int = KEPT_VERSIONS) -> int:
    """Delete files that the last `keep` versions did not consist of; returns how many."""
    manifest = read_manifest(lake, source, table)
    if manifest is None or len(manifest.replaced) <= keep:
        return 0
    entries = manifest.replaced
    old, manifest.replaced = entries[: len(entries) - keep], entries[len(entries) - keep :]
    names = {name for entry in old for name in entry["files"]}
    folder = lake.clean_table(source, table)
    for name in names:
        (folder / name).unlink(missing_ok=True)
    replace_text(lake.manifest(source, table), json.dumps(asdict(manifest), indent=1))
    return len(names)


def move_staged(folder: Path, staged: Path, version: int, under: str = "") -> dict[str, list[str]]:
    """Move Spark's output `staged/_part=<value>/*.parquet` to `<value>/<version>-<n>.parquet`.

    Returns partition value -> new names relative to `folder`. Nobody reads them until the commit.
    """
    moved: dict[str, list[str]] = {}
    for written in sorted(staged.glob("_part=*")):
        part = unquote(written.name.removeprefix("_part="))
        target = folder / under / folder_of(part)
        target.mkdir(parents=True, exist_ok=True)
        for n, file in enumerate(sorted(written.glob("*.parquet"))):
            name = target / f"{version}-{n}.parquet"
            os.replace(file, name)
            moved.setdefault(part, []).append(str(name.relative_to(folder)))
    return moved
