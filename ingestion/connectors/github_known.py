"""Which keys of a repository's stream were ever landed, from what retention leaves: clean rows, raw rows
that are not read yet, and those that wait."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import duckdb

from ingestion.connectors.github_desk import Desk
from ingestion.connectors.github_state import Repository
from trendhouse.declared.sources import SourceSpec
from trendhouse.lake.lake import Lake
from trendhouse.lake.store import Conflict

log = logging.getLogger(__name__)

ATTEMPTS = 3
LIMITS = {"threads": 1, "memory_limit": "256MB"}


async def known_keys(desk: Desk, name: str, repository: Repository) -> set[str]:
    """The keys that were ever landed, as raw rows have them (`record_key`).

    Read beside the loop and one at a time, for a scan of a big table takes a second.
    """
    lake, spec = desk.context.settings.place.lake, desk.context.spec
    async with desk.scans:
        return await asyncio.to_thread(read_keys, lake, spec, name, repository.id, desk.manifests)


def read_keys(
    lake: Lake, spec: SourceSpec, name: str, partition: str, manifests: dict[str, dict[str, Any]]
) -> set[str]:
    """The keys of a ledger partition of a table: of its clean rows, of raw rows not yet deduplicated, and of
    those that wait for the partition to meet its floor.

    Raw that retention removes was deduplicated before. `manifests` keeps those that were read. Raises the
    last error if files stay unreadable.
    """
    for left in reversed(range(ATTEMPTS)):
        try:
            if name not in manifests:
                manifests[name] = lake.manifest_of(spec.name, name)
            return scan(lake, spec, name, partition, manifests[name])
        except (duckdb.Error, OSError, Conflict) as error:
            if not left:
                raise
            del manifests[name]
            log.info("%s: %s; files may just have been replaced, reading again", name, error)
    raise AssertionError("unreachable: the last attempt returns or raises")


def scan(
    lake: Lake, spec: SourceSpec, name: str, partition: str, manifest: dict[str, Any]
) -> set[str]:
    key = ", '/', ".join(f'cast("{column}" as varchar)' for column in spec.tables[name].key)
    clean, raw = lake.clean_table(spec.name, name), lake.raw_table(spec.name, name)
    consumed = set(manifest.get("consumed", ()))
    unread = [
        file
        for file in lake.raw_files(spec.name, name)
        if str(file.relative_to(raw)) not in consumed
    ]
    asked = [
        (f"concat({key})", [clean / file for file in manifest.get("files", ())]),
        ("record_key", [*unread, *(clean / file for file in manifest.get("waiting", ()))]),
    ]
    found: set[str] = set()
    with duckdb.connect(config=LIMITS) as connection:
        for expression, files in asked:
            if files:
                rows = connection.execute(
                    f"select distinct {expression} from read_parquet(?, hive_partitioning = false)"
                    " where partition_name = ?",
                    [[str(path) for path in lake.here(files)], partition],
                )
                while some := rows.fetchmany(10_000):
                    found.update(value for (value,) in some if value)
    return found
