"""DuckDB's file: opened, or told why it cannot be: who holds it, or that it is broken."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from trendhouse.running import Locked
from trendhouse.state import REMEDY, StateBroken

HOLDER = re.compile(r"held in (?P<program>.*?) ?\(PID (?P<pid>\d+)\)")
# What a killed run has left ends within this time.
PATIENCE_SECONDS = 5.0
# How DuckDB says that what it reads is not what it wrote.
BROKEN = (
    duckdb.IOException,
    duckdb.InternalException,
    duckdb.FatalException,
    duckdb.SerializationException,
)


@contextmanager
def opened(path: Path, patience: float | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads the warehouse. Raises Locked after `patience` seconds, naming the process
    that holds the file, and StateBroken."""
    with connected(path, patience) as connection:
        try:
            yield connection
        except BROKEN as error:
            raise broken(path, error) from error


def connected(path: Path, patience: float | None = None) -> duckdb.DuckDBPyConnection:
    ends = time.monotonic() + (PATIENCE_SECONDS if patience is None else patience)
    while True:
        try:
            return duckdb.connect(str(path), read_only=True)
        except duckdb.IOException as error:
            found = HOLDER.search(str(error))
            if found is None:
                raise broken(path, error) from error
            if time.monotonic() > ends:
                raise Locked(
                    f"Process {found['pid']} ({found['program'].strip()}) holds {path}. Wait until it has "
                    f"ended, or end it: `kill {found['pid']}`."
                ) from error
        except BROKEN as error:
            raise broken(path, error) from error
        time.sleep(0.2)


def require_free(path: Path) -> None:
    """Before dbt writes: nobody else does, and the file is a database. Raises Locked, StateBroken."""
    if path.exists():
        connected(path).close()


def broken(path: Path, error: duckdb.Error) -> StateBroken:
    first = str(error).strip().splitlines()[0]
    return StateBroken(f"{path} is broken ({first}). {REMEDY}")
