"""The clean lake -> Snowflake's clean tables, by stage and COPY: only files that are new, each of them once.

A clean file never changes, so that its name says what it holds. What has been loaded stands in
`lake.loaded_files`, which is written in the transaction that changes a table's rows: killed at any
moment, the next load finds the state before or after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from trendhouse.errors import TrendhouseError
from trendhouse.lake.lake import Lake
from trendhouse.verdicts import newest_version
from warehouse.snowflake.account import Account, connect
from warehouse.snowflake.clean import FILE, CleanTable, clean_tables

if TYPE_CHECKING:
    from snowflake.connector.cursor import SnowflakeCursor

TAG = '{"app": "trendhouse", "model": "load"}'
STAGE = "lake.clean"
HISTORY = "lake.loaded_files"
# What the deduplication writes of itself; no suite is about it.
LEDGER = "ledger"
# What INFORMATION_SCHEMA calls the types of the declarations.
NAMES = {"varchar": "text", "bigint": "number"}
# What one COPY takes; a longer list of names is cut.
FILES_PER_COPY = 1000
SETTING_UP = (
    "create schema if not exists lake",
    f"create table if not exists {HISTORY} (source_name varchar, table_name varchar, "
    "file_name varchar, manifest_version bigint, loaded_at timestamp_ntz)",
)
INTERNAL_STAGE = f"create stage if not exists {STAGE}"


class LoadIncomplete(TrendhouseError):
    """Snowflake did not load files that it was told to load; the message names them and what to do."""


@dataclass
class Load:
    """What one load did: files brought in, files whose rows went, by table that changed; and the version
    of every table of a source that Snowflake holds now."""

    added: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        changed = {*self.added, *self.removed}
        return (
            f"{sum(self.added.values())} files loaded, {sum(self.removed.values())} removed, "
            f"{len(changed)} tables changed"
        )


@dataclass(frozen=True)
class Plan:
    """What has to happen to one table; `afresh` empties it first."""

    table: CleanTable
    new: list[str]
    dead: list[str]
    afresh: bool = False

    @property
    def is_idle(self) -> bool:
        return not (self.new or self.dead or self.afresh)


def load(
    lake: Lake,
    account: Account,
    *,
    afresh: bool = False,
    progress: Callable[[str], None] = lambda text: None,
) -> Load:
    """Bring Snowflake's clean tables to the state of the clean lake; with `afresh` from nothing.

    Raises LoadIncomplete, and what the connector raises.
    """
    done = Load()
    role, warehouse = account.loader_role, account.warehouse_loading
    with connect(account, TAG, role=role, warehouse=warehouse) as connection:
        cursor = connection.cursor()
        for statement in (*SETTING_UP, *([] if account.stage_url else [INTERNAL_STAGE])):
            cursor.execute(statement)
        loaded, present = history(cursor), columns_present(cursor)
        for table in clean_tables(lake):
            known = loaded[table.source, table.name]
            is_gone = bool(known) and table.relation not in present
            plan = planned(table, known, afresh=afresh or is_gone)
            for statement in declaring(table, present):
                cursor.execute(statement)
            apply(cursor, lake, account, plan)
            if plan.new:
                done.added[table.relation] = len(plan.new)
            if plan.dead:
                done.removed[table.relation] = len(plan.dead)
            if table.source != LEDGER:
                done.versions[table.relation] = newest_version(table.files)
            progress(table.relation)
    return done


def history(cursor: SnowflakeCursor) -> dict[tuple[str, str], dict[str, int]]:
    """Per (source, table) the files that its rows come from, each with its manifest's version."""
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    cursor.execute(f"select source_name, table_name, file_name, manifest_version from {HISTORY}")
    for source, table, file, version in cursor.fetchall():
        found[source, table][file] = version
    return found


def columns_present(cursor: SnowflakeCursor) -> dict[str, dict[str, str]]:
    """Per relation its columns with the types by which Snowflake calls them."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    cursor.execute(
        "select lower(table_schema), lower(table_name), lower(column_name), lower(data_type) "
        "from information_schema.columns"
    )
    for schema, table, column, kind in cursor.fetchall():
        found[f"{schema}.{table}"][column] = kind
    return found


def planned(table: CleanTable, loaded: dict[str, int], *, afresh: bool = False) -> Plan:
    """Live files minus loaded ones come in, loaded ones that are no longer live go.

    A lake that was made anew counts its versions from the beginning, and uses file names again: then
    everything is loaded afresh.
    """
    made_anew = max(table.files.values(), default=0) < max(loaded.values(), default=0)
    if afresh or (made_anew and table.files):
        return Plan(table, sorted(table.files), sorted(loaded), afresh=True)
    return Plan(
        table, sorted(table.files.keys() - loaded), sorted(loaded.keys() - table.files.keys())
    )


def apply(cursor: SnowflakeCursor, lake: Lake, account: Account, plan: Plan) -> None:
    """Carry a plan out: files are staged, then rows and history change in one transaction."""
    if plan.is_idle:
        return
    for statement in forgetting(plan.table) if plan.afresh else ():
        cursor.execute(statement)
    if not account.stage_url:
        for name in plan.new:
            cursor.execute(putting(lake, name))
    cursor.execute("begin")
    try:
        if not plan.afresh:
            for statement in removing(plan, prefix(account)):
                cursor.execute(statement)
        for names in batches(plan.new):
            cursor.execute(copying(plan.table, names, purge=not account.stage_url))
            require_loaded(plan.table, names, cursor.fetchall())
        remember(cursor, plan)
    except BaseException:
        cursor.execute("rollback")
        raise
    cursor.execute("commit")


def declaring(table: CleanTable, present: dict[str, dict[str, str]]) -> Iterator[str]:
    """Give the table its declared columns, where it has others or does not exist."""
    wanted = {name: NAMES.get(kind, kind) for name, kind in table.all_columns.items()}
    if present.get(table.relation) != wanted:
        yield f"create schema if not exists {table.source}"
        yield f"create or alter transient table {table.relation} ({definitions(table)})"


def definitions(table: CleanTable) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in table.all_columns.items())


def forgetting(table: CleanTable) -> Iterator[str]:
    """An empty table without history; the last statement also makes Snowflake forget what it copied."""
    yield "begin"
    yield f"delete from {table.relation}"
    yield f"delete from {HISTORY} where {about(table)}"
    yield "commit"
    yield f"create or replace transient table {table.relation} ({definitions(table)})"


def putting(lake: Lake, name: str) -> str:
    folder = name.rpartition("/")[0]
    (file,) = (path.resolve() for path in lake.here([lake.clean / name]))
    return (
        f"put {literal(f'file://{file}')} {literal(f'@{STAGE}/{folder}')} "
        "auto_compress = false overwrite = true"
    )


def removing(plan: Plan, staged_below: str) -> Iterator[str]:
    """Delete the rows of files that are no longer live, and what is known of these files."""
    for names in batches(plan.dead):
        listed = ", ".join(literal(staged_below + name) for name in names)
        yield f"delete from {plan.table.relation} where {FILE} in ({listed})"
        listed = ", ".join(map(literal, names))
        yield f"delete from {HISTORY} where {about(plan.table)} and file_name in ({listed})"


def copying(table: CleanTable, names: Iterable[str], *, purge: bool) -> str:
    """COPY the named files; all or nothing, and none that this table has had before."""
    values = ", ".join(f"$1:{name}::{kind}" for name, kind in table.columns.items())
    listed = ", ".join(map(literal, names))
    return (
        f"copy into {table.relation} ({', '.join(table.all_columns)}) "
        f"from (select {values}, metadata$filename from @{STAGE}/) "
        f"files = ({listed}) file_format = (type = parquet use_logical_type = true) "
        f"on_error = abort_statement{' purge = true' if purge else ''}"
    )


def require_loaded(table: CleanTable, names: list[str], result: list[tuple]) -> None:
    """Raises LoadIncomplete unless COPY says of each file that it was loaded."""
    loaded = [row[0] for row in result if len(row) > 1 and row[1] == "LOADED"]
    missing = [name for name in names if not any(file.endswith(name) for file in loaded)]
    if missing:
        raise LoadIncomplete(
            f"{table.relation}: Snowflake loaded {len(names) - len(missing)} of {len(names)} files, "
            f"not {', '.join(missing[:5])}. Load all of it again: `trendhouse build --full-refresh`."
        )


def remember(cursor: SnowflakeCursor, plan: Plan) -> None:
    table = plan.table
    for names in batches(plan.new):
        cursor.executemany(
            f"insert into {HISTORY} (source_name, table_name, file_name, manifest_version, loaded_at) "
            "values (%s, %s, %s, %s, sysdate())",
            [(table.source, table.name, name, table.files[name]) for name in names],
        )


def about(table: CleanTable) -> str:
    return f"source_name = {literal(table.source)} and table_name = {literal(table.name)}"


def prefix(account: Account) -> str:
    """What METADATA$FILENAME says before a file's name in the clean lake: the stage's path, if it has one."""
    return urlsplit(account.stage_url).path.strip("/") + "/" if account.stage_url else ""


def batches(names: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(names), FILES_PER_COPY):
        yield names[first : first + FILES_PER_COPY]


def literal(text: str) -> str:
    """A text as SQL's string; Snowflake also reads backslashes in one."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
