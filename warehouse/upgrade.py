"""When the project's models change: a backup of the warehouse, a full refresh, and the way back."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from pathlib import Path

import yaml

from trendhouse.declared.marts import DBT_PROJECT
from trendhouse.errors import UsageError
from trendhouse.lake.lake import replace_text
from trendhouse.settings import Place
from trendhouse.state import read_state
from warehouse.file import require_free
from warehouse.refreshes import Refreshes
from warehouse.snowflake.account import is_target

SCHEMA = "schema.json"
CODE = ("models/**/*.sql", "macros/**/*.sql", "seeds/**/*.csv")
DECLARATIONS = ("dbt_project.yml", "models/**/*.yml", "snapshots/**/*.yml", "seeds/**/*.yml")
# What a declaration says without deciding any row: words, checks, readers, how dbt itself behaves.
PROSE = {"description", "data_tests", "unit_tests", "exposures", "flags", "require-dbt-version"}


class RestoreFailed(UsageError):
    """There is no such backup, or it is not whole; the message lists what there is."""


@dataclass(frozen=True)
class Backup:
    """One backup: its name, when it was made, its size in bytes, what stands published in it."""

    name: str
    made_at: datetime
    size: int
    published_version: int | None


@cache
def schema_version(project: Path = DBT_PROJECT) -> str:
    """A fingerprint of everything that decides what rows the marts hold, prose and tests aside.

    That is the code, and of the declarations how models are built, their keys and contracts, the
    types of the sources and what the snapshots watch.
    """
    digest = sha256()
    for pattern in CODE:
        for path in sorted(project.glob(pattern)):
            words = path.read_text(encoding="utf-8").split()
            digest.update(f"{path.relative_to(project)} {' '.join(words)}\n".encode())
    for pattern in DECLARATIONS:
        for path in sorted(project.glob(pattern)):
            read = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            told = json.dumps(without_prose(read), sort_keys=True, default=str)
            digest.update(f"{path.relative_to(project)} {told}\n".encode())
    return digest.hexdigest()[:16]


def without_prose(declared: object) -> object:
    """The declaration without its PROSE, at every depth."""
    if isinstance(declared, dict):
        return {key: without_prose(value) for key, value in declared.items() if key not in PROSE}
    if isinstance(declared, list):
        return [without_prose(value) for value in declared]
    return declared


def prepare(place: Place, progress: Callable[[str], None] = lambda text: None) -> bool:
    """Before a build: whether the warehouse has to be refreshed in full, since other models built it.

    Then warehouse and published state are backed up first, once per upgrade. A warehouse that is not
    there yet, or was built by these very models, needs nothing.
    """
    known, version = refreshes(place.warehouse), schema_version()
    if not place.warehouse.exists():
        keep(place, Refreshes(version))
        return False
    if known == Refreshes(version):
        return False
    if known.begin(version) != known:
        name = back_up(place, version)
        progress(f"the models have changed: backup {name}, full refresh")
        keep(place, known.begin(version))
    return True


def refreshes(warehouse: Path) -> Refreshes:
    """What is known of the code that built a DuckDB warehouse. Raises StateBroken."""
    path = warehouse.with_name(SCHEMA)
    return Refreshes.read(read_state(path) if path.exists() else None)


def code_of_marts(warehouse: Path) -> Callable[[str], str]:
    """A function that says which code a mart's rows are of, on the target that dbt built."""
    if is_target():
        from warehouse.snowflake.build import refreshes as on_snowflake

        known = on_snowflake()
    else:
        known = refreshes(warehouse)
    return partial(known.built_by, present=schema_version())


def keep(place: Place, known: Refreshes) -> None:
    replace_text(place.warehouse.with_name(SCHEMA), json.dumps(known.kept()))


def note_refreshed(place: Place, built: Iterable[str], every: Iterable[str]) -> None:
    """After a full refresh of the models `built` of `every` one in the project."""
    keep(place, refreshes(place.warehouse).note(built, every))


def settle(place: Place) -> Refreshes:
    """After a publication: an upgrade is over if the present code has built every model; what is known now."""
    known = refreshes(place.warehouse)
    if (concluded := known.conclude()) != known:
        keep(place, concluded)
    return concluded


def back_up(place: Place, reason: str) -> str:
    """Copy warehouse, published state and posted releases to `backups/<time>-<reason>`; the name. All or
    nothing. Raises StateBroken, Locked for a warehouse that cannot be copied whole."""
    if place.warehouse.exists():
        require_free(place.warehouse)
    stem = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{reason}"
    taken = sum(1 for _ in place.backups.glob(f"{stem}*"))
    name = f"{stem}-{taken + 1}" if taken else stem
    beside = place.backups / f".{name}"
    try:
        copy_warehouse(place.warehouse.parent, beside / "warehouse")
        if place.published.exists():
            # Published files never change, so that a second name is as good as a copy.
            shutil.copytree(place.published, beside / "published", copy_function=link)
        copy_posted(place.posted, beside / place.posted.name)
        os.replace(beside, place.backups / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return name


def copy_warehouse(source: Path, target: Path) -> None:
    """The database, its write-ahead log and what is known of its schema; no verdict on it."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.suffix in (".duckdb", ".wal") or path.name == SCHEMA:
            shutil.copy2(path, target / path.name)


def copy_posted(source: Path, target: Path) -> None:
    """What others posted, whole, also while something is being posted; nothing if nothing was."""
    if source.exists():
        with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
            one.backup(other)


def link(source: str, target: str) -> None:
    """A second name for immutable Parquet, a copy of all else and where links cannot be made."""
    if source.endswith(".parquet"):
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copy2(source, target)


def backups(place: Place) -> list[Backup]:
    """Every backup, oldest first."""
    found = [
        path for path in sorted(place.backups.glob("*")) if path.is_dir() and path.name[0] != "."
    ]
    return [described(path) for path in found]


def described(folder: Path) -> Backup:
    current = folder / "published" / "CURRENT.json"
    return Backup(
        name=folder.name,
        made_at=datetime.strptime(folder.name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        size=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        published_version=read_state(current)["version"] if current.exists() else None,
    )


def restore(place: Place, name: str) -> None:
    """Put a backup's warehouse, published state and posted releases back; readers see it at once.

    The lake stays as it is: what it holds beyond the backup comes in again with the next build. What
    stood before is backed up first. Raises RestoreFailed.
    """
    folder = place.backups / name
    if name not in [backup.name for backup in backups(place)]:
        known = ", ".join(backup.name for backup in backups(place)) or "none"
        raise RestoreFailed(f"There is no backup `{name}`. Backups: {known}.")
    if not (folder / "warehouse" / place.warehouse.name).exists():
        raise RestoreFailed(f"Backup `{name}` holds no {place.warehouse.name}.")
    if place.warehouse.exists():
        back_up(place, "before-restore")
    copy_posted(folder / place.posted.name, place.posted)
    bring_back_published(folder / "published", place.published)
    bring_back_warehouse(folder / "warehouse", place.warehouse.parent)


def bring_back_published(source: Path, target: Path) -> None:
    """Files first, the pointer last, so that a reader finds whole states only."""
    if not source.exists():
        return
    for path in sorted(source.rglob("*.parquet")):
        there = target / path.relative_to(source)
        if not there.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            beside = there.with_name(f".{there.name}")
            beside.unlink(missing_ok=True)
            link(str(path), str(beside))
            os.replace(beside, there)
    replace_text(target / "CURRENT.json", (source / "CURRENT.json").read_text())


def bring_back_warehouse(source: Path, target: Path) -> None:
    beside = target.with_name(f".{target.name}.restored")
    shutil.rmtree(beside, ignore_errors=True)
    copy_warehouse(source, beside)
    before = target.with_name(f".{target.name}.replaced")
    shutil.rmtree(before, ignore_errors=True)
    if target.exists():
        os.replace(target, before)
    os.replace(beside, target)
    shutil.rmtree(before, ignore_errors=True)
