"""Two states of one small clean lake, made by the project's own steps, the second one amended by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trendhouse.lake.lake import Lake, replace_text

ROOT = Path(__file__).parents[2]
SOURCES = ("endoflife", "gharchive", "github_ranking", "github")
Row = dict[str, object]
# A day of the sample world, and the day after; the clean lake is copied after each.
DAYS = f"""
import shutil
from pathlib import Path
from orchestration import steps
from trendhouse import worlds
from trendhouse.settings import load_settings

for day in (0, 1):
    with worlds.enter(load_settings(), advance=day) as entered:
        for source in {SOURCES}:
            steps.land(source, entered)
            steps.deduplicate(source, entered)
        lake = entered.place.lake.root
        shutil.copytree(lake / "clean", Path(lake.parent / f"day{{day}}") / "clean")
"""


def two_days(folder: Path) -> tuple[Lake, Lake]:
    """The lake of a day, and that of the day after, with late rows, changed rows and a deletion."""
    listed = (ROOT / "simulator" / "watchlist.csv").read_text().splitlines()
    github = [line for line in listed if ",github," in line][:4]
    others = [line for line in listed if ",endoflife," in line]
    watchlist = folder / "watchlist.csv"
    watchlist.write_text("\n".join([listed[0], *github, *others]) + "\n")
    variables = {
        "TRENDHOUSE_HOME": str(folder),
        "TRENDHOUSE_WORLD": "sample",
        "TRENDHOUSE_WATCHLIST": str(watchlist),
        "TRENDHOUSE_GHARCHIVE_HOURS": "3",
        "TRENDHOUSE_RANKING_DAYS": "3",
        "TRENDHOUSE_SPARK_MEMORY": "1g",
    }
    done = subprocess.run(
        [sys.executable, "-c", DAYS],
        env={**os.environ, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = (Lake(folder / "sample" / f"day{day}") for day in (0, 1))
    amend_by_hand(second)
    return first, second


def amend_by_hand(lake: Lake) -> None:
    """What one further deduplication would bring: a changed issue, another one gone, a late event."""
    version = 1 + max(manifest["version"] for _, _, manifest in lake.manifests())
    issues = [row for row in rows(lake, "github", "issues") if row["pull_request"] is None]
    changed, gone = issues[0], issues[-1]
    closed = changed["updated_at"] + timedelta(hours=5)
    amend(
        lake,
        ("github", "issues"),
        version,
        lambda row: row["id"] == changed["id"],
        {"title": "Mended — «late»", "state": "closed", "closed_at": closed, "updated_at": closed},
    )
    tombstone = {
        "object_type": "issues",
        "object_key": str(gone["id"]),
        "repository_id": gone["repository_id"],
        "is_deleted": True,
        "evidence": "a full listing lacks it",
        "observed_at": closed,
        "collected_at": closed,
        "partition_name": str(gone["repository_id"]),
        "load_id": gone["load_id"],
    }
    add(lake, ("github", "tombstones"), version, [tombstone])
    event = rows(lake, "gharchive", "events")[0]
    early = event["created_at"] - timedelta(days=40)
    late = {**event, "event_id": "late", "created_at": early, "observed_at": early}
    add(lake, ("gharchive", "events"), version, [late])


def rows(lake: Lake, source: str, table: str) -> list[Row]:
    return [
        row for file in lake.clean_files(source, table) for row in pq.read_table(file).to_pylist()
    ]


def amend(
    lake: Lake,
    name: tuple[str, str],
    version: int,
    is_meant: Callable[[Row], bool],
    changes: Row,
) -> None:
    """Rewrite the files that hold such rows, under new names, as a deduplication does."""
    for file in lake.clean_files(*name):
        table = pq.read_table(file)
        found = table.to_pylist()
        if any(map(is_meant, found)):
            new = [
                {**row, **changes, "clean_version": version} if is_meant(row) else row
                for row in found
            ]
            target = file.with_name(f"{version}-0.parquet")
            pq.write_table(pa.Table.from_pylist(new, table.schema), target)
            commit(lake, name, version, gone=file, new=target)


def add(lake: Lake, name: tuple[str, str], version: int, new: list[Row]) -> None:
    """A further file, in a partition of its own."""
    kinds = json.loads(lake.manifest(*name).read_text())["schema"]
    types = {"bigint": pa.int64(), "boolean": pa.bool_(), "timestamp": pa.timestamp("us")}
    schema = pa.schema([(column, types.get(kind, pa.string())) for column, kind in kinds.items()])
    target = lake.clean_table(*name) / "late" / f"{version}-0.parquet"
    target.parent.mkdir()
    stamped = [{**row, "clean_version": version} for row in new]
    pq.write_table(pa.Table.from_pylist(stamped, schema), target)
    commit(lake, name, version, new=target)


def commit(
    lake: Lake, name: tuple[str, str], version: int, *, new: Path, gone: Path | None = None
) -> None:
    path = lake.manifest(*name)
    manifest = json.loads(path.read_text())
    files = [each for each in manifest["files"] if gone is None or path.parent / each != gone]
    files.append(str(new.relative_to(path.parent)))
    replace_text(path, json.dumps({**manifest, "files": files, "version": version}))
