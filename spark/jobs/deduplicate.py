"""Raw lake -> clean lake: one typed row per key, the unreadable in quarantine, every row accounted for."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from spark.readings import FIRST
from spark.shared import require_shared
from spark.table_run import TableRun
from trendhouse.declared.sources import SourceSpec, load_spec
from trendhouse.lake.erase import scrub_new
from trendhouse.lake.lake import Lake
from trendhouse.lake.ledger import Reconciliation
from trendhouse.lake.manifest import next_version
from trendhouse.lake.rawfiles import consumed_by_all, recover

if TYPE_CHECKING:
    from trendhouse.settings import Settings

AT_ONCE = 4
Progress = Callable[[str], None]


def deduplicate(
    spark: SparkSession,
    lake: Lake,
    spec: SourceSpec,
    tables: list[str] | None = None,
    on_progress: Progress | None = None,
) -> list[Reconciliation]:
    """Bring the clean tables of a source up to its raw files; returns what became of each new raw row.

    Work is proportional to what is new: only raw files that a table has not consumed are read, only
    partitions that they touch are read back and rewritten. Each table is committed by itself, by its
    manifest. Raises ReconciliationError if a table's rows do not add up; the other tables are committed.
    Raises NotShared if it is a cluster whose executors do not see the lake.
    """
    require_shared(spark, lake.root)
    version = next_version(lake)
    names = [*(name for name in FIRST if name in spec.tables), *(tables or spec.tables)]
    names = list(dict.fromkeys(names))
    for raw in sorted({spec.raw_name(name) for name in names}):
        recover(lake, spec, raw)
        scrub_new(lake, unread(lake, spec, raw))
    say = on_progress or (lambda _: None)

    def one(name: str) -> list[Reconciliation]:
        rows = TableRun(spark, lake, spec, name, version).run()
        say(f"{name}: {sum(row.landed_count for row in rows):,} rows")
        return rows

    # What the other tables are held to; without it none of them may be judged.
    done = [row for name in names if name in FIRST for row in one(name)]
    failed = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(one, name) for name in names if name not in FIRST]:
            try:
                done += future.result()
            except (
                Exception
            ) as error:  # every table gets its turn; the first failure is raised below
                failed.append(error)
    if failed:
        for other in failed[1:]:
            failed[0].add_note(f"also failed: {other}")
        raise failed[0]
    return done


def unread(lake: Lake, spec: SourceSpec, raw: str) -> list[Path]:
    """Raw files that not every clean table of theirs has consumed yet."""
    done, folder = consumed_by_all(lake, spec, raw), lake.raw_table(spec.name, raw)
    return [f for f in lake.raw_files(spec.name, raw) if str(f.relative_to(folder)) not in done]


def waiting_bytes(lake: Lake, spec: SourceSpec, tables: list[str] | None = None) -> int:
    """Size on disk of the raw files that `deduplicate` would read, for `spark.session.start`."""
    raws = {spec.raw_name(name) for name in tables or spec.tables}
    return sum(lake.size(file) for raw in raws for file in unread(lake, spec, raw))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument(
        "--lake", type=Path, help="folder that holds raw/ and clean/; without it the settings' lake"
    )
    parser.add_argument(
        "--table", action="append", help="only this clean table of --lake; may be repeated"
    )
    arguments = parser.parse_args()
    if arguments.lake:
        print(in_folder(arguments.source, arguments.lake, arguments.table))
    elif arguments.table:
        parser.error("--table goes with --lake")
    else:
        print(in_settings(arguments.source))


def deduplicate_source(
    source: str, settings: Settings, on_progress: Progress | None = None
) -> list[Reconciliation]:
    """`deduplicate` of a whole source in the settings' lake, which nobody else changes meanwhile."""
    from spark.session import start

    lake, spec = settings.place.lake, load_spec(source)
    with lake.changing(source):
        session = start(settings, raw_bytes=waiting_bytes(lake, spec))
        return deduplicate(session, lake, spec, on_progress=on_progress)


def summary_of(rows: list[Reconciliation]) -> str:
    """What became of the new rows, in a line."""
    landed = sum(row.landed_count for row in rows)
    names = ("kept", "superseded", "quarantined", "waiting")
    sums = {name: sum(getattr(row, f"{name}_count") for row in rows) for name in names}
    told = [f"{count:,} {name}" for name, count in sums.items() if count or name != "waiting"]
    return f"{landed:,} in, {', '.join(told)}"


def in_settings(source: str) -> str:
    """Deduplicate a source in the settings' lake, under its locks; returns what became of the rows."""
    from trendhouse.running import guarded, locks_of
    from trendhouse.settings import load_settings

    settings, locks = load_settings(), locks_of("deduplicate", [source])
    with guarded(settings, "spark job", locks=locks, wait=settings.lock_wait_seconds):
        return summary_of(deduplicate_source(source, settings, print))


def in_folder(source: str, folder: Path, tables: list[str] | None) -> str:
    """Deduplicate a source in a folder that no other run works on; returns what became of the rows."""
    from spark.session import start

    work = Lake(folder), load_spec(source), tables
    rows = deduplicate(start(raw_bytes=waiting_bytes(*work)), *work, print)
    counts = Counter()
    for row in rows:
        counts.update({k: v for k, v in vars(row).items() if k.endswith("_count")})
    return ", ".join(f"{name.removesuffix('_count')} {count:,}" for name, count in counts.items())


if __name__ == "__main__":
    main()
