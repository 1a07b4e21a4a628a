"""The published marts copied into one DuckDB file, for a Superset on another machine."""

from __future__ import annotations

import os
from pathlib import Path

from dashboards.engine import SCHEMA, quoted, views
from dashboards.specs import domains, load

# The oldest form that DuckDB 2 writes: Supersets with a DuckDB 1 read it as well.
STORAGE = "v1.0.0"


def write_tables(published: Path, file: Path) -> int:
    """Write what the dashboards read, without the columns of persons; how many tables.

    The file is replaced in one step: who has the old one open goes on with it.
    """
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    connection = views(published)
    try:
        connection.execute(f"attach {quoted(str(beside))} as copy (storage_version '{STORAGE}')")
        connection.execute(f"create schema copy.{SCHEMA}")
        count = 0
        for domain in map(load, domains()):
            for name in sorted(domain.all_used_marts):
                columns = ", ".join(f'"{column}"' for column in domain.marts[name].columns)
                connection.execute(
                    f'create table copy.{SCHEMA}."{name}" as select {columns} from {SCHEMA}."{name}"'
                )
                count += 1
        connection.execute("detach copy")
        os.replace(beside, file)
    finally:
        connection.close()
        beside.unlink(missing_ok=True)
    return count
