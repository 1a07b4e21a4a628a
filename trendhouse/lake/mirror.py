"""A lake in an object store, worked on through copies: what is needed comes, what is new goes."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import IO

from filelock import FileLock

from trendhouse.lake.lake import MANIFEST, Lake
from trendhouse.lake.manifest import Manifest, sweep
from trendhouse.lake.store import Conflict, Entry, Store, at_once, open_store
from trendhouse.state import read_state

CHECKED = "_checked.json"
ERASURES = "erasures.json"
VERSION = re.compile(r"(?:[a-z]+-)?(\d+)(?:-[^/]*)?\.parquet")
# Objects that no manifest names may be another's who is about to name them; after so long nobody is.
ORPHANED_AFTER = 24 * 3600.0
TRIES = 3
RAW_FILE = re.compile(r"raw/[^/]+/[^/]+/\d{4}/\d{2}/\d{2}/[^/]+\.parquet")
# A scrape of the metrics lists the store at most so often; seconds.
LISTED_FOR = 300.0


@dataclass(frozen=True)
class Mirror(Lake):
    """The lake at `url`, with copies below `root`; the store alone says what the lake holds.

    A file is a copy of its object while it bears the object's size and mark (trendhouse/lake/store.py); any
    other file is work that was not pushed, and is forgotten when the work begins again. Objects are
    immutable but for manifests, verdicts, erasures and raw files without an erased person. Work goes up
    so that a reader, or a kill, at any moment finds a whole lake: new files first, under names where
    nothing may stand; then the manifests, each swapped against the very state that the work began with
    (trendhouse.lake.store.Conflict if that is not there any more); deletions last.
    """

    url: str = ""
    listed: dict[str, Entry] = field(default_factory=dict, compare=False, repr=False)
    begun: dict[str, Entry] = field(default_factory=dict, compare=False, repr=False)
    removed: set[str] = field(default_factory=set, compare=False, repr=False)
    changed: set[str] = field(default_factory=set, compare=False, repr=False)

    @cached_property
    def store(self) -> Store:
        return open_store(self.url)

    @property
    def raw_url(self) -> str:
        self.store.require()
        return f"{self.url}/raw"

    def name(self, file: Path) -> str:
        return file.relative_to(self.root).as_posix()

    def below(self, folder: str) -> list[str]:
        """What is known to lie in the store below a folder."""
        return [name for name in tuple(self.listed) if name.startswith(folder)]

    def is_copy(self, name: str) -> bool:
        return name in self.listed and self.listed[name].is_copied_to(self.root / name)

    def is_work(self, name: str) -> bool:
        """Whether a raw file was pulled, and rewritten perhaps, since its source began to be changed."""
        layer, _, rest = name.partition("/")
        is_changed = layer == "raw" and rest.partition("/")[0] in self.changed
        return is_changed and (self.root / name).exists()

    def raw_files(self, source: str, table: str) -> list[Path]:
        """Every raw file of a table, here or not, oldest load first."""
        folder = f"raw/{source}/{table}/"
        found = self.below(folder) or self.survey(folder)
        files = [self.root / name for name in found if RAW_FILE.fullmatch(name)]
        return sorted(files, key=lambda path: path.name)

    def here(self, files: Iterable[Path]) -> list[Path]:
        """Raises Conflict for a file that is neither here nor there any more."""
        files = list(files)
        names = map(self.name, files)
        lacking = [name for name in names if not (self.is_copy(name) or self.is_work(name))]
        unknown = [n for n in lacking if n not in self.listed and not (self.root / n).exists()]
        for folder in {name.rpartition("/")[0] for name in unknown}:
            self.survey(f"{folder}/")
        for name in unknown:
            if name not in self.listed:
                raise Conflict(f"{self.url}/{name} is not there any more; run this step again.")
        self.store.get_all(
            (name, self.root / name, self.listed[name]) for name in lacking if name in self.listed
        )
        return files

    def size(self, file: Path) -> int:
        entry = self.listed.get(self.name(file))
        return file.stat().st_size if entry is None else entry.size

    def open(self, file: Path) -> IO[bytes]:
        return file.open("rb") if file.exists() else self.store.open(self.name(file))

    def remove(self, files: Iterable[Path]) -> None:
        files = list(files)
        super().remove(files)
        self.removed.update(self.name(file) for file in files)

    def sizes(self, layer: str, source: str) -> list[int]:
        """As the store lists them; some minutes old at most."""
        return sizes_at(self.url, f"{layer}/{source}", int(time.time() // LISTED_FOR))

    def manifests(self) -> Iterator[tuple[str, str, dict]]:
        """As the store has them now: work on other sources, under way on this machine, is not seen."""
        for name in sorted(self.survey("clean/")):
            if name.endswith(f"/{MANIFEST}"):
                copy = self.root / name
                content = copy.read_bytes() if self.is_copy(name) else self.store.read(name)
                yield *name.split("/")[1:3], json.loads(content)

    def manifest_of(self, source: str, table: str) -> dict:
        name = self.name(self.manifest(source, table))
        return json.loads(self.store.read(name)) if self.store.info(name) else {}

    def newest_version(self) -> int:
        """That of files which an interrupted push left counts, so that no name is used twice."""
        newest = super().newest_version()
        bases = (name.rpartition("/")[2] for name in self.below("clean/"))
        return max([newest, *(int(m[1]) for m in map(VERSION.fullmatch, bases) if m)])

    def survey(self, under: str) -> dict[str, Entry]:
        """What the store holds below a folder, taken for what the lake holds from now on."""
        found = self.store.list(under)
        for name in self.below(under):
            if name not in found:
                del self.listed[name]
        self.listed.update(found)
        return found

    @contextmanager
    def held(self, sources: Iterable[str]) -> Iterator[None]:
        """Copies of these sources are ours alone on this machine."""
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            for source in sorted(sources):
                stack.enter_context(FileLock(locks / f"{source}.lock"))
            yield

    def pull(self) -> None:
        """Copy what is live in the clean lake and not here yet; forget what is not any more."""
        sources = {name.split("/")[1] for name in self.survey("clean/")}
        sources |= {path.name for path in self.clean.glob("*") if path.is_dir()}
        for source in sorted(sources):
            with self.held([source]):
                for left in reversed(range(TRIES)):
                    try:
                        self.pull_source(source)
                        break
                    except Conflict:  # committed by another machine while we looked
                        if not left:
                            raise

    def pull_source(self, source: str) -> None:
        self.refresh(source)
        for table, manifest in self.tables(source).items():
            folder = self.clean_table(source, table)
            sweep(self, source, table, manifest)
            files = [*manifest.files, *(n for names in manifest.ledger.values() for n in names)]
            self.here(folder / file for file in files)

    def refresh(self, source: str) -> None:
        """Manifests and verdicts of a source, and who is erased, as the store has them."""
        self.survey(f"clean/{source}/")
        self.listed.pop(ERASURES, None)
        if entry := self.store.info(ERASURES):
            self.listed[ERASURES] = entry
        swapped = self.clean.glob(f"{source}/*/{MANIFEST}")
        for path in (*swapped, self.clean / source / CHECKED, self.root / ERASURES):
            if self.name(path) not in self.listed:
                path.unlink(missing_ok=True)
        names = filter(is_swapped, (ERASURES, *self.below(f"clean/{source}/")))
        held = {name: self.listed[name] for name in names if name in self.listed}
        self.here(self.root / name for name in held)
        for name in [n for n in self.begun if n not in held and of_source(n, source)]:
            del self.begun[name]
        self.begun.update(held)

    def tables(self, source: str) -> dict[str, Manifest]:
        """The manifests of a source's clean tables, as they are here."""
        return {
            path.parent.name: Manifest(**read_state(path))
            for path in sorted(self.clean.glob(f"{source}/*/{MANIFEST}"))
        }

    @contextmanager
    def changing(self, *sources: str) -> Iterator[None]:
        """Begin with what the store holds, push at the end, also what a step did before it failed.

        Raw copies are scratch. What an interrupted push left in the store is named by no manifest; it is
        deleted by a later push.
        """
        with self.held(sources):
            for source in sources:
                self.refresh(source)
                self.survey(f"raw/{source}/")
                shutil.rmtree(self.raw / source, ignore_errors=True)
                self.removed.difference_update(self.below(f"raw/{source}/"))
            began = {source: self.tables(source) for source in sources}
            self.changed.update(sources)
            try:
                yield
            except Exception:
                self.push(began)
                raise
            else:
                self.push(began)
            finally:
                self.changed.difference_update(sources)
                for source in sources:
                    shutil.rmtree(self.raw / source, ignore_errors=True)

    def push(self, began: dict[str, dict[str, Manifest]]) -> None:
        """Make everybody's what was changed here since the sources' manifests were as they `began`."""
        self.swap(ERASURES)
        for source, before in began.items():
            after = self.tables(source)
            self.upload(self.unpushed(source, after), is_new=True)
            raw = [self.name(path) for path in self.raw.glob(f"{source}/*/*/*/*/*.parquet")]
            changed = [name for name in raw if not self.is_copy(name)]
            self.upload([name for name in changed if name in self.listed], is_new=False)
            gone = sorted(name for name in self.removed if name in self.listed)
            gone = [name for name in gone if name.startswith(f"raw/{source}/")]
            for table, manifest in after.items():
                self.swap_manifest(source, table, manifest, before.get(table) if gone else None)
            self.upload([name for name in changed if name not in self.listed], is_new=True)
            self.delete(gone)
            for table, manifest in after.items() if gone else ():
                self.swap_manifest(source, table, manifest)
            self.swap(f"clean/{source}/{CHECKED}")
            self.sweep_store(source, before, after)

    def unpushed(self, source: str, tables: dict[str, Manifest]) -> list[str]:
        """Files that a manifest here names and the store does not have yet."""
        return [
            name
            for table, manifest in tables.items()
            for name in (f"clean/{source}/{table}/{file}" for file in sorted(manifest.live()))
            if name not in self.listed
        ]

    def upload(self, names: list[str], *, is_new: bool) -> None:
        def one(name: str) -> None:
            self.listed[name] = self.store.put(self.root / name, name, is_new=is_new)

        at_once(one, names)

    def delete(self, names: list[str]) -> None:
        self.store.delete(names)
        for name in names:
            del self.listed[name]

    def swap_manifest(
        self, source: str, table: str, manifest: Manifest, before: Manifest | None = None
    ) -> None:
        """Commit a table. While raw files are about to go, what `before` has consumed stays consumed, so
        that a kill leaves files that are not read again."""
        name = self.name(self.manifest(source, table))
        if before is None:
            self.swap(name)
            return
        content = read_state(self.root / name)
        content["consumed"] = sorted({*manifest.consumed, *before.consumed})
        self.swap_content(name, json.dumps(content, indent=1).encode())

    def swap(self, name: str) -> None:
        """Push one of the few files that change, if it has changed here."""
        path, held = self.root / name, self.begun.get(name)
        if path.exists() and not (held and held.is_copied_to(path)):
            self.swap_content(name, path.read_bytes())
            self.begun[name].mark(path)

    def swap_content(self, name: str, content: bytes) -> None:
        """Against the state that the work began with, whatever has been listed since."""
        held = self.begun.get(name)
        tag = self.store.swap(name, content, held.tag if held else None)
        entry = self.store.info(name)
        new = Entry(len(content), entry.modified if entry else 0, tag)
        self.begun[name] = self.listed[name] = new

    def sweep_store(
        self, source: str, before: dict[str, Manifest], after: dict[str, Manifest]
    ) -> None:
        """Delete the clean objects of a source that this push gave up, and what nobody ever named."""
        known, ours = named(source, after), named(source, before)
        recent = time.time() - ORPHANED_AFTER
        self.delete(
            [
                name
                for name in self.below(f"clean/{source}/")
                if not (name in known or is_swapped(name))
                and (name in ours or self.listed[name].modified < recent)
            ]
        )


@lru_cache(maxsize=256)
def sizes_at(url: str, folder: str, period: int) -> list[int]:
    """Bytes of the Parquet objects of a folder; asked once in each `period`."""
    listed = open_store(url).list(folder)
    return [entry.size for name, entry in listed.items() if name.endswith(".parquet")]


def named(source: str, tables: dict[str, Manifest]) -> set[str]:
    """Every object that manifests name: what is live, and what readers of former versions may hold."""
    return {
        f"clean/{source}/{table}/{file}"
        for table, manifest in tables.items()
        for files in (manifest.live(), *(entry["files"] for entry in manifest.replaced))
        for file in files
    }


def is_swapped(name: str) -> bool:
    """Whether an object is one of the few that change."""
    return name.endswith((f"/{MANIFEST}", f"/{CHECKED}")) or name == ERASURES


def of_source(name: str, source: str) -> bool:
    return name == ERASURES or name.startswith(f"clean/{source}/")
