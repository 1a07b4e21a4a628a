"""The read side: the published marts as views of an in-memory DuckDB, and `trendhouse query` over them."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

import duckdb

from trendhouse.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

from trendhouse.settings import Place
from trendhouse.state import REMEDY, StateBroken, read_state
from warehouse.published_files import faults
from warehouse.snowflake.account import is_target

CURRENT = "CURRENT.json"
BATCH = 2048
# A PIVOT is several statements to DuckDB. An EXPLAIN ANALYZE would carry out the COPY that it explains.
READING = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)


class QueryFailed(UsageError):
    """A query that DuckDB refuses; the message says why and which marts there are."""


class NothingPublished(QueryFailed):
    """No published state exists yet."""


def current(place: Place) -> dict[str, Any]:
    """The published state: version, run_id, published_at, capture_rates, and `marts` by name with
    columns, row_count and partitions. Raises NothingPublished."""
    path = place.published / CURRENT
    if not path.exists():
        raise NothingPublished(f"Nothing is published in {place.root} yet. Run `make run` first.")
    return read_state(path)


def connect(place: Place) -> duckdb.DuckDBPyConnection:
    """A connection with one view per published mart, by bare name; no other file is within its reach.

    The state is that of this moment: later publications do not change what it reads. Raises
    NothingPublished.
    """
    state = current(place)
    connection = duckdb.connect(":memory:")
    connection.execute("set TimeZone = 'UTC'")
    for name, mart in state["marts"].items():
        files = [str(place.published / part["file"]) for part in mart["partitions"].values()]
        connection.execute(f'create view "{name}" as {select(files)}')
    folder = str(place.published).replace("'", "''")
    connection.execute(f"set allowed_directories = ['{folder}']")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def select(files: list[str]) -> str:
    """The rows of Parquet files and nothing that their folders' names might say."""
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in files)
    return f"select * from read_parquet([{listed}], hive_partitioning = false)"


def query(place: Place, sql: str, format: str = "table") -> None:
    """Print the rows of `sql` as `table`, `json` (an array of objects) or `csv` (with header).

    JSON and CSV are streamed. Times are ISO 8601. Raises QueryFailed.
    """
    if is_target():
        from warehouse.snowflake.query import answered

        with answered(sql) as (names, found):
            WRITERS[format](names, found, sys.stdout)
        return
    connection = connect(place)
    try:
        if any(each.type not in READING for each in connection.extract_statements(sql)):
            raise QueryFailed("`query` only reads: give SELECT, FROM, WITH, DESCRIBE or SUMMARIZE.")
        connection.execute(sql)
        if connection.description is None:
            return
        names = [column[0] for column in connection.description]
        WRITERS[format](names, rows(connection), sys.stdout)
    except duckdb.Error as error:
        refuse_broken(place, error)
        known = ""
        if isinstance(error, duckdb.CatalogException):
            known = f"\nMarts: {', '.join(sorted(current(place)['marts']))}."
        raise QueryFailed(f"{first_line(error)}{known}") from error


def refuse_broken(place: Place, error: Exception) -> None:
    """Raises StateBroken if the error may come from a published file that is not whole."""
    for path, wrong in faults(place.published, current(place)):
        raise StateBroken(f"{path} {wrong}. {REMEDY}") from error


def first_line(error: Exception) -> str:
    """DuckDB's message with its hint and the place in the query."""
    return str(error).strip().split("\n\nLINE")[0]


def rows(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple]:
    while batch := connection.fetchmany(BATCH):
        yield from batch


def write_table(names: list[str], rows: Iterator[tuple], out: IO[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    numbers = [True] * len(names)
    lines = [list(row) for row in rows]
    for line in lines:
        for place, value in enumerate(line):
            numbers[place] &= value is None or type(value) in (int, float, Decimal)
    for name, is_number in zip(names, numbers, strict=True):
        table.add_column(
            Text(name), justify="right" if is_number and lines else "left", overflow="fold"
        )
    for line in lines:
        table.add_row(*[Text("" if value is None else str(plain(value))) for value in line])
    console = Console(file=out)
    wanted = Measurement.get(
        Console(width=10_000), console.options.update(max_width=10_000), table
    ).maximum
    if not console.is_terminal:
        console = Console(file=out, width=max(wanted, 1))
    elif wanted > console.width:
        table = upright(names, lines)
    console.print(table)


def upright(names: list[str], lines: list[list]) -> Table:
    """Rows that are wider than the screen, one value a line."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for number, line in enumerate(lines, start=1):
        table.add_row(Text(f"row {number}", style="dim"), "")
        for name, value in zip(names, line, strict=True):
            table.add_row(
                Text(name, style="bold"), Text("" if value is None else str(plain(value)))
            )
    return table


def write_json(names: list[str], rows: Iterator[tuple], out: IO[str]) -> None:
    separator = "[\n"
    for row in rows:
        out.write(
            separator
            + json.dumps(dict(zip(names, map(plain, row), strict=True)), ensure_ascii=False)
        )
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def write_csv(names: list[str], rows: Iterator[tuple], out: IO[str]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(["" if value is None else plain(value) for value in row])


WRITERS = {"table": write_table, "json": write_json, "csv": write_csv}


def plain(value: Any) -> Any:
    """A value as JSON knows it: times in ISO 8601, all that is neither as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    return str(value)
