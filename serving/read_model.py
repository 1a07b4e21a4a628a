"""The read model: one immutable SQLite file per publication, with the indexes that pages and API need.

A table per served mart, columns as its contract has them, booleans as 0 and 1, days and times as ISO 8601 text in UTC.
Of a new publication only the partitions that changed are written, into a copy of the model before.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from filelock import FileLock

from serving.publication import Publication
from trendhouse.declared.marts import contracts
from trendhouse.settings import Place

# Mart to the columns of its indexes. What is not here is downloaded from the published files only.
SERVED: dict[str, tuple[str, ...]] = {
    "completeness": (
        "partition_name, stream_name, observed_date",
        "source_name, stream_name, observed_date",
    ),
    "commits_daily": ("repository_id, calendar, commit_date",),
    "contributor_weeks": ("repository_id, week_start_date",),
    "contributors": ("repository_id, commit_count",),
    "forks": ("repository_id, created_date",),
    "issues": ("repository_id, created_date", "repository_id, closed_date"),
    "languages": ("repository_id, byte_count", "language_name"),
    "licenses": ("license_key",),
    "products": ("product_name", "repository_id"),
    "projects": ("repository_id",),
    "pull_requests": (
        "repository_id, created_date",
        "repository_id, closed_date",
        "repository_id, merged_date",
    ),
    "release_cycles": ("product_name",),
    "releases": (
        "released_date, product_name",
        "released_date_seoul, product_name",
        "product_name, version",
        "repository_id, released_date",
    ),
    "repositories": (
        "repository_id",
        "repository_name collate nocase",
        "star_count",
        "fork_count",
        "language_name, star_count",
    ),
    "repositories_daily": (
        "repository_id, calendar, observed_date",
        "calendar, observed_date, star_count",
    ),
    "repository_names": ("repository_name collate nocase", "repository_id"),
    "topics": ("repository_id", "topic_name"),
    "unresolved_rankings": ("repository_name collate nocase, ranking_date",),
}
TYPES = {"boolean": "INTEGER", "bigint": "INTEGER", "double": "REAL"}
# A model that another code has written is not built upon.
CODE = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]


def path_of(publication: Publication) -> Path:
    """The file of a publication's model; each publication has a name of its own."""
    told = hashlib.sha256(publication.token.encode()).hexdigest()[:8]
    return publication.place.serving / f"{publication.version}-{told}-{CODE}.sqlite"


def build(publication: Publication) -> Path:
    """Write the publication's model unless it is there, and drop all others; its path.

    Readers that hold another one keep it until they close it.
    """
    path = path_of(publication)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.parent / "build.lock"):
        if not is_whole(path):
            beside = path.with_suffix(".part")
            beside.unlink(missing_ok=True)
            known = sorted(
                filter(is_whole, path.parent.glob(f"*-{CODE}.sqlite")),
                key=lambda each: each.stat().st_mtime,
            )
            if known:
                shutil.copyfile(known[-1], beside)
            fill(beside, publication)
            os.replace(beside, path)
        for each in [*path.parent.glob("*.sqlite"), *path.parent.glob("*.part")]:
            if each != path:
                each.unlink(missing_ok=True)
    return path


def is_whole(path: Path) -> bool:
    """Whether a model is there with every page that its first one counts."""
    try:
        with path.open("rb") as file:
            header = file.read(32)
    except FileNotFoundError:
        return False
    page = int.from_bytes(header[16:18]) % (2**16 - 1) or 2**16
    return path.stat().st_size == page * int.from_bytes(header[28:32]) > 0


def fill(file: Path, publication: Publication) -> None:
    """Make the tables of a model equal to the publication."""
    with closing(sqlite3.connect(file, isolation_level=None)) as model:
        model.execute("pragma journal_mode = off")
        model.execute("pragma synchronous = off")
        # Else what was deleted stays readable in free pages, and is copied from model to model.
        model.execute("pragma secure_delete = on")
        model.execute(
            "create table if not exists _partitions "
            "(mart text, partition text, fingerprint text, primary key (mart, partition))"
        )
        model.execute("create table if not exists _publication (state text)")
        model.execute("begin")
        for mart in SERVED:
            fill_table(model, publication, mart)
        model.execute("delete from _publication")
        told = {name: value for name, value in publication.state.items() if name != "marts"}
        model.execute("insert into _publication values (?)", [json.dumps(told)])
        model.execute("commit")
    with file.open("rb") as written:
        os.fsync(written.fileno())


def fill_table(model: sqlite3.Connection, publication: Publication, mart: str) -> None:
    columns = {name: column.type for name, column in contracts()[mart].columns.items()}
    declared = {name: TYPES.get(kind, "TEXT") for name, kind in columns.items()}
    declared["_partition"] = "TEXT"
    if declared != {row[1]: row[2].upper() for row in model.execute(f"pragma table_info({mart})")}:
        make_table(model, mart, declared)
    known = dict(
        model.execute("select partition, fingerprint from _partitions where mart = ?", [mart])
    )
    wanted = publication.fingerprints(mart)
    for partition in {*known, *wanted}:
        if known.get(partition) == wanted.get(partition):
            continue
        model.execute(f"delete from {mart} where _partition = ?", [partition])
        model.execute("delete from _partitions where mart = ? and partition = ?", [mart, partition])
        if partition in wanted:
            marks = ", ".join("?" * len(declared))
            for batch in publication.rows(mart, partition, columns):
                model.executemany(
                    f"insert into {mart} values ({marks})", ((*row, partition) for row in batch)
                )
            model.execute(
                "insert into _partitions values (?, ?, ?)", [mart, partition, wanted[partition]]
            )


def make_table(model: sqlite3.Connection, mart: str, declared: dict[str, str]) -> None:
    """An empty table with its indexes."""
    model.execute(f"drop table if exists {mart}")
    model.execute("delete from _partitions where mart = ?", [mart])
    columns = ", ".join(f'"{name}" {kind}' for name, kind in declared.items())
    model.execute(f"create table {mart} ({columns})")
    model.execute(f"create index {mart}__partition on {mart} (_partition)")
    for number, index in enumerate(SERVED[mart], start=1):
        model.execute(f"create index {mart}_{number} on {mart} ({index})")


def main() -> None:
    """Build the read model of what is published in a world's folder, in a process of its own so that whoever
    serves meanwhile is not held up."""
    parser = argparse.ArgumentParser(prog="python -m serving.read_model", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="The world's folder, as in .trendhouse/sample.")
    place = Place(parser.parse_args().folder)
    os.nice(5)
    print(build(Publication.fetched(place)))


if __name__ == "__main__":
    main()
