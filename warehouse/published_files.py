"""What is published, file by file: its size and rows as the publication states them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def entry(folder: Path, file: str, row_count: int, fingerprint: str) -> dict[str, Any]:
    """What a publication states of one of its files; `size` is in bytes."""
    return {
        "file": file,
        "row_count": row_count,
        "fingerprint": fingerprint,
        "size": (folder / file).stat().st_size,
    }


def is_whole(folder: Path, stated: dict[str, Any]) -> bool:
    """Whether a published file is there as it was written: its size, its footer, its rows."""
    return fault(folder, stated) is None


def fault(folder: Path, stated: dict[str, Any]) -> str | None:
    """What is wrong with a published file; None if nothing is. Costs a look at its end, whatever its size."""
    path = folder / stated["file"]
    try:
        size = path.stat().st_size
        rows = pq.read_metadata(path).num_rows
    except FileNotFoundError:
        return "is missing"
    except (OSError, pa.ArrowException) as error:
        return f"cannot be read ({str(error).splitlines()[0]})"
    if size != stated.get("size", size):
        return f"has {size:,} bytes of {stated['size']:,}"
    if rows != stated["row_count"]:
        return f"has {rows:,} rows of {stated['row_count']:,}"
    return None


def faults(folder: Path, state: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Each file of a published state that is not whole, and what is wrong with it."""
    for mart in state["marts"].values():
        for stated in mart["partitions"].values():
            if found := fault(folder, stated):
                yield folder / stated["file"], found
