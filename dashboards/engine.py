"""Superset's way to the published marts: in-memory DuckDB over the files that the pointer names now.

Runs in Superset's environment. No connection outlives its query and none holds a lock, so that neither side
waits for the other, and the next query sees the next publication.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from trendhouse.state import read_state

CURRENT = "CURRENT.json"
# Where readers look in every warehouse: here, in a copy of the tables, and in Snowflake's clone.
SCHEMA = "published"
MEMORY = ":memory:"


def over_published(folder: Path) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """What Superset calls before it makes an engine: in-memory DuckDB becomes the marts of `folder`."""

    def mutate(uri: Any, options: dict[str, Any], *_: Any) -> tuple[Any, dict[str, Any]]:
        if uri.drivername != "duckdb" or uri.database != MEMORY:
            return uri, options
        from duckdb_engine import ConnectionWrapper
        from sqlalchemy.pool import NullPool

        def creator() -> Any:
            return ConnectionWrapper(connect(folder))

        return uri, {**options, "creator": creator, "poolclass": NullPool}

    return mutate


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """The published marts as views; no file outside `folder` is within the connection's reach."""
    connection = views(folder)
    connection.execute(f"set allowed_directories = [{quoted(str(folder))}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def views(folder: Path) -> duckdb.DuckDBPyConnection:
    """A connection of its own with one view per published mart."""
    marts = read_state(folder / CURRENT)["marts"]
    connection = duckdb.connect(MEMORY)
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"create schema {SCHEMA}")
    for name, mart in marts.items():
        files = [str(folder / part["file"]) for part in mart["partitions"].values()]
        listed = ", ".join(map(quoted, files))
        connection.execute(
            f'create view {SCHEMA}."{name}" as '
            f"select * from read_parquet([{listed}], hive_partitioning = false)"
        )
    return connection


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
