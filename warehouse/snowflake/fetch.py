"""Bring what Snowflake publishes into local files, so that pages, API and dashboards read it as everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from trendhouse.declared.marts import contracts
from trendhouse.settings import Place
from warehouse.publish import Writer, label, point_to, state_before
from warehouse.published import NothingPublished
from warehouse.snowflake import state
from warehouse.snowflake.account import Account, connect, connector
from warehouse.snowflake.build import MODELS
from warehouse.snowflake.publish import PUBLISHED
from warehouse.snowflake.query import BATCH

if TYPE_CHECKING:
    from snowflake.connector.cursor import SnowflakeCursor

    from trendhouse.declared.marts import Period

TAG = '{"app": "trendhouse", "model": "fetch"}'
ATTEMPTS = 3
# Snowflake's number for what does not exist, or may not be seen by this role.
NOT_THERE = 2003
ARROW = {
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us"),
    "varchar": pa.string(),
}


def fetch(place: Place) -> int:
    """Make the local published state that of Snowflake; its version. Only periods that changed are read.

    As the reader's role, which sees persons masked. The pointer is replaced last, so that readers see a
    whole publication at every moment. Raises NothingPublished, and RuntimeError where Snowflake's publication
    changes again and again meanwhile.
    """
    with reading() as cursor:
        wanted = publication(cursor)
        for _ in range(ATTEMPTS):
            before = state_before(place)
            if {name: before.get(name) for name in wanted} == wanted:
                return wanted["version"]
            marts = read_marts(place, cursor, wanted["version"], before)
            begun, wanted = wanted, publication(cursor)
            if wanted == begun:
                point_to(place, {**wanted, "marts": marts}, before)
                return wanted["version"]
    raise RuntimeError("Snowflake's publication changed while it was fetched. Try again.")


@contextmanager
def reading() -> Iterator[SnowflakeCursor]:
    """A cursor of the reader's role."""
    account = Account()
    role, warehouse = account.reader_role, account.warehouse_reading
    with connect(account, TAG, role=role, warehouse=warehouse) as connection:
        yield connection.cursor()


def publication(cursor: SnowflakeCursor) -> dict[str, Any]:
    """What Snowflake remembers of its publication. Raises NothingPublished."""
    try:
        if found := state.read(cursor, "publication"):
            return found
        said = "its state names none"
    except connector().ProgrammingError as error:
        if error.errno != NOT_THERE:
            raise
        said = str(error.msg)
    raise NothingPublished(f"Nothing is published on Snowflake yet: `trendhouse publish`. ({said})")


def read_marts(
    place: Place, cursor: SnowflakeCursor, version: int, before: dict[str, Any]
) -> dict[str, Any]:
    """Every published mart as the pointer has it."""
    cursor.execute(
        "select lower(table_name) from information_schema.tables "
        f"where table_schema = '{PUBLISHED.upper()}' order by 1"
    )
    names = [name for (name,) in cursor.fetchall() if name in contracts()]
    models = str(state.read(cursor, MODELS))
    found = {}
    for name in names:
        reader = Reader(place.published, cursor, contracts()[name].domain, before, lambda _: models)
        reader.version = version
        found[name] = reader.publish(name)
    return found


class Reader(Writer):
    """Writes the periods of Snowflake's published marts that differ from the local ones.

    `version` is that of the publication, `code` says which models have made it.
    """

    connection: SnowflakeCursor

    def columns(self, mart: str) -> dict[str, str]:
        self.connection.execute(f"select * from {PUBLISHED}.{mart} limit 0")
        published = {column.name.lower() for column in self.connection.description}
        columns = contracts()[mart].columns.items()
        return {name: each.type.upper() for name, each in columns if name in published}

    def fingerprints(
        self, mart: str, columns: dict[str, str], period: Period | None
    ) -> list[tuple[str, int, str]]:
        start = f"date_trunc('{period.by}', {period.column})" if period else "null"
        feed = "clean_version" if "clean_version" in columns else str(self.version)
        self.connection.execute(
            f"select {start}, count(*), max({feed}), sum({feed}) from {PUBLISHED}.{mart} "
            "group by 1 order by 1"
        )
        found = self.connection.fetchall() or [(None, 0, 0, 0)]
        return [
            (
                label(period, start, rows),
                rows,
                f"snowflake {self.code(mart)} {rows} {newest} {total}",
            )
            for start, rows, newest, total in found
        ]

    def copy(self, mart: str, condition: str, target: Path) -> None:
        schema = pa.schema(
            [(name, ARROW[kind.lower()]) for name, kind in self.columns(mart).items()]
        )
        self.connection.execute(
            f"select {', '.join(schema.names)} from {PUBLISHED}.{mart} {condition}"
        )
        with pq.ParquetWriter(target, schema, compression="zstd") as file:
            while rows := self.connection.fetchmany(BATCH):
                columns = zip(schema, zip(*rows, strict=True), strict=True)
                arrays = [pa.array(values, type=field.type) for field, values in columns]
                file.write_batch(pa.record_batch(arrays, schema=schema))
