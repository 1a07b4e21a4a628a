"""Which keys of a repository's stream were ever landed, from what retention leaves: clean rows, raw rows
that are not read yet, and those that wait."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import duckdb

from ingestion.connectors.github_desk import Desk
from ingestion.connectors.github_state import Repository
from ingestion.lake import Lake
from ingestion.spec import SourceSpec

log = logging.getLogger(__name__)

ATTEMPTS = 3
LIMITS = {"threads": 1, "memory_limit": "256MB"}


async def known_keys(desk: Desk, name: str, repository: Repository) -> set[str]:
    """The keys that were ever landed, as raw rows have them (`record_key`).

    Read beside the loop and a few at a time, for a scan of a big table takes a second.
    """
    context = desk.context
    async with desk.scans:
        return await asyncio.to_thread(
            read_keys, context.settings.place.lake, context.spec, name, repository.id
        )


def read_keys(lake: Lake, spec: SourceSpec, name: str, partition: str) -> set[str]:
    """The keys of a ledger partition of a table: of its clean rows, and of raw rows not yet deduplicated.

    Raw that retention removes was deduplicated before. Raises duckdb.Error if files stay unreadable.
    """
    for left in reversed(range(ATTEMPTS)):
        try:
            return scan(lake, spec, name, partition)
        except (duckdb.IOException, FileNotFoundError) as error:
            if not left:
                raise
            log.info("%s: %s; its files have just been replaced, reading again", name, error)
    raise AssertionError("unreachable: the last attempt returns or raises")


def scan(lake: Lake, spec: SourceSpec, name: str, partition: str) -> set[str]:
    key = ", '/', ".join(f'cast("{column}" as varchar)' for column in spec.tables[name].key)
    clean = lake.here(lake.clean_files(spec.name, name))
    raw = lake.here(unread_files(lake, spec.name, name))
    asked = [(f"concat({key})", clean), ("record_key", raw)]
    found: set[str] = set()
    with duckdb.connect(config=LIMITS) as connection:
        for expression, files in asked:
            if files:
                rows = connection.execute(
                    f"select distinct {expression} from read_parquet(?, hive_partitioning = false)"
                    " where partition_name = ?",
                    [[str(path) for path in files], partition],
                )
                while some := rows.fetchmany(10_000):
                    found.update(value for (value,) in some if value)
    return found


def unread_files(lake: Lake, source: str, table: str) -> list[Path]:
    """Raw rows that the clean table does not show yet: files that it has not read, rows that wait for
    their partition to meet its floor."""
    path = lake.manifest(source, table)
    manifest = json.loads(path.read_text()) if path.exists() else {"consumed": []}
    consumed, folder = set(manifest["consumed"]), lake.raw_table(source, table)
    waiting = [path.parent / name for name in manifest.get("waiting", [])]
    return waiting + [
        file
        for file in lake.raw_files(source, table)
        if str(file.relative_to(folder)) not in consumed
    ]
