"""Merge many small raw files into few of a sensible size: the same rows, proven before the swap."""

from __future__ import annotations

from pathlib import Path

from trendhouse.declared.sources import SourceSpec
from trendhouse.lake.lake import Lake
from trendhouse.lake.rawfiles import (
    ContentChanged,
    consumed_by_all,
    content,
    merge_files,
    months,
    recover,
    swap,
)

SMALL_BYTES = 64 * 2**20
MOST_BYTES = 256 * 2**20


def compact(lake: Lake, spec: SourceSpec, raw: str) -> int:
    """Merge the small, wholly consumed files of each month of a raw table; returns the files saved.

    The caller holds the lake's lock. Each merged file is counted and hashed against those it replaces
    (ContentChanged if they differ, and nothing is replaced); a journal lets the next call, or the next
    deduplication, finish a swap that was killed.
    """
    recover(lake, spec, raw)
    folder = lake.raw_table(spec.name, raw)
    done = consumed_by_all(lake, spec, raw)
    files = [f for f in lake.raw_files(spec.name, raw) if str(f.relative_to(folder)) in done]
    small = [f for f in files if lake.size(f) < SMALL_BYTES]
    saved = 0
    for group in months(small, folder).values():
        for batch in batches(lake, group):
            merge_proven(lake, spec, raw, lake.here(batch))
            saved += len(batch) - 1
    return saved


def batches(lake: Lake, files: list[Path]) -> list[list[Path]]:
    """Files gathered until they are about to exceed the size of one; groups of one are left alone."""
    groups, size = [[]], 0
    for file in files:
        if size + lake.size(file) > MOST_BYTES:
            groups, size = [*groups, []], 0
        groups[-1].append(file)
        size += lake.size(file)
    return [group for group in groups if len(group) > 1]


def merge_proven(lake: Lake, spec: SourceSpec, raw: str, files: list[Path]) -> None:
    last = files[-1]
    target = last.with_name(
        f"{last.name.removesuffix('.parquet').split('.compacted')[0]}.compacted.parquet"
    )
    written = target.with_name(f"{target.name}.new")
    merge_files(files, written)
    before, after = content(files), content([written])
    if before != after:
        written.unlink()
        raise ContentChanged(
            f"{spec.name}.{raw}: {len(files)} files hold {before[0]} rows, their merged form {after[0]} "
            "or other values. Nothing was replaced."
        )
    swap(lake, spec, raw, written, target, [file for file in files if file != target])
