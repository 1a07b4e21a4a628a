"""By what else a lake knows a person: the ids, logins and e-mails that stand beside the given ones."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from trendhouse.declared.sources import SourceSpec
from trendhouse.lake.erase import person_columns
from trendhouse.lake.lake import Lake

ID, LOGIN, EMAIL = "id", "login", "email"


def identities(lake: Lake, specs: Iterable[SourceSpec], values: Iterable[str]) -> set[str]:
    """The given values, the database ids that they belong to, and all logins and e-mails of those ids.

    An e-mail that several accounts commit with identifies none of them.
    """
    given = {value.strip().lower() for value in values}
    connection = duckdb.connect()
    connection.execute("create table seen (id varchar, login varchar, email varchar)")
    for spec in specs:
        for name, table in spec.tables.items():
            files = [str(path) for path in lake.here(lake.clean_files(spec.name, name))]
            for fields in person_columns(table).values() if files else ():
                gather(connection, files, fields)
    found = connection.execute(
        """
        with ids as (
            select distinct id from seen
            where id is not null and (list_contains($1, id) or list_contains($1, login) or list_contains($1, email))
        ),
        own as (select email from seen where email is not null group by email having count(distinct id) = 1)
        select id from ids
        union select login from seen semi join ids using (id) where login is not null
        union select email from seen semi join ids using (id) semi join own using (email)
        """,
        [sorted(given)],
    ).fetchall()
    return {value for (value,) in found if not value.startswith(("-", "erased-"))} | given


def gather(connection: duckdb.DuckDBPyConnection, files: list[str], fields: dict) -> None:
    """Add the distinct persons of one role in the rows of `files`."""
    if not (fields.get(ID) and (fields.get(LOGIN) or fields.get(EMAIL))):
        return
    chosen = [
        f'lower(cast("{fields[field][-1]}" as varchar))' if fields.get(field) else "null"
        for field in (ID, LOGIN, EMAIL)
    ]
    connection.execute(
        f"insert into seen select distinct {', '.join(chosen)} "
        "from read_parquet(?, union_by_name = true, hive_partitioning = false)",
        [files],
    )
