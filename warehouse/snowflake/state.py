"""What Trendhouse has to remember between builds on Snowflake, kept where every machine finds it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snowflake.connector.cursor import SnowflakeCursor

SCHEMA = "operations"
STATE = f"{SCHEMA}.state"
# Another count, other rows or another time of change: other marts.
STATE_OF_MARTS = (
    "select count(*), sum(row_count), max(last_altered) "
    "from information_schema.tables where table_schema = 'MARTS'"
)


def as_state(row: Iterable[Any]) -> list[str]:
    """The answer to STATE_OF_MARTS, in a form that JSON keeps."""
    return [str(value) for value in row]


def prepare(cursor: SnowflakeCursor) -> None:
    cursor.execute(f"create schema if not exists {SCHEMA}")
    cursor.execute(f"create table if not exists {STATE} (name varchar, value varchar)")


def read(cursor: SnowflakeCursor, name: str) -> Any:
    """What was written last under a name; None if nothing was."""
    cursor.execute(f"select value from {STATE} where name = %s", (name,))
    found = cursor.fetchone()
    return json.loads(found[0]) if found else None


def write(cursor: SnowflakeCursor, **values: Any) -> None:
    """Keep values under their names, all of them or none."""
    cursor.execute("begin")
    for name, value in values.items():
        cursor.execute(f"delete from {STATE} where name = %s", (name,))
        cursor.execute(f"insert into {STATE} values (%s, %s)", (name, json.dumps(value)))
    cursor.execute("commit")
