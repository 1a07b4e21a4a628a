"""Remove raw files that are older than the policy says and that every clean table has consumed."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trendhouse.declared.sources import SourceSpec
from trendhouse.lake.lake import Lake, replace_text
from trendhouse.lake.manifest import read_manifest
from trendhouse.lake.rawfiles import consumed_by_all, day_of, readers, recover


def retain(lake: Lake, spec: SourceSpec, days: int, now: datetime) -> list[Path]:
    """Delete the raw files of a source fetched more than `days` before `now`; returns them.

    What has not been consumed is kept whatever its age. Clean tables remember how many files are gone,
    so that a changed declaration keeps the rows that cannot be read again. The caller holds the lock.
    """
    oldest = f"{(now.astimezone(UTC) - timedelta(days=days)):%Y-%m-%d}"
    removed = []
    for raw in sorted({spec.raw_name(name) for name in spec.tables}):
        recover(lake, spec, raw)
        folder = lake.raw_table(spec.name, raw)
        done = consumed_by_all(lake, spec, raw)
        gone = [
            file
            for file in lake.raw_files(spec.name, raw)
            if day_of(file) < oldest and str(file.relative_to(folder)) in done
        ]
        forget(lake, spec, raw, {str(file.relative_to(folder)) for file in gone})
        removed += gone
    return removed


def forget(lake: Lake, spec: SourceSpec, raw: str, names: set[str]) -> None:
    """Note in the manifests that files go, delete them, then drop them from what was consumed.

    In this order a kill leaves files that are still marked as consumed, never rows to be read twice.
    """
    if not names:
        return
    folder = lake.raw_table(spec.name, raw)
    for when in ("before", "after"):
        for name in readers(spec, raw):
            manifest = read_manifest(lake, spec.name, name)
            if manifest is None:
                continue
            if when == "before":
                manifest.retained += len(names)
            else:
                manifest.consumed = sorted(set(manifest.consumed) - names)
            replace_text(lake.manifest(spec.name, name), json.dumps(asdict(manifest), indent=1))
        if when == "before":
            lake.remove(folder / name for name in names)
