"""A local Snowflake for the tests: fakesnow's server with what dbt and the loader need beyond it.

Runs in `.venv-emulator` (`bin/environment emulator`), prints its port as the first line of its output and
serves 127.0.0.1 until it is ended. What it cannot do is listed, statement by statement, in
docs/snowflake.md.
"""

import logging
import re
import threading

import fakesnow.conn
import pyarrow as pa
import pyarrow.parquet as pq
from fakesnow import arrow, copy_into, server
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.transforms import stage
from snowflake.connector.errors import Error, ProgrammingError
from sqlglot import exp, parse_one

NOTHING_DONE = "select 'Statement executed successfully.' as status"
NOT_FOLLOWED = re.compile(
    r"\s*(alter session set query_tag\b|grant\b|alter table \S+ modify\s+column .* set masking policy)",
    re.IGNORECASE | re.DOTALL,
)
CLONE = re.compile(r"create or replace transient schema (\w+) clone (\w+)")
CLONE_TABLE = re.compile(r"create transient table (\S+) clone (\S+)")
SWAP = re.compile(r"alter schema (\w+) swap with (\w+)")
RENAME = re.compile(r"alter schema (\w+) rename to (\w+)")
OR_ALTER = re.compile(r"create or alter (?:transient )?table (\S+) \((.*)\)", re.DOTALL)
inserts_of_copy = copy_into._inserts
urls_of_files = copy_into._source_urls
struct_of_timestamps = arrow.timestamp_to_sf_struct


class Cursor(FakeSnowflakeCursor):
    """A cursor that follows dbt's and the loader's statements, and tells a failure as Snowflake does."""

    def execute(self, command, *arguments, **options):
        # An HTTP 500 would be sent again by the connector, for ever.
        try:
            if found := OR_ALTER.fullmatch(command):
                return self.create_or_alter(*found.groups())
            if found := CLONE.fullmatch(command):
                return self.clone_schema(*found.groups())
            if found := CLONE_TABLE.fullmatch(command):
                command = f"create table {found[1]} as select * from {found[2]}"
            if found := SWAP.fullmatch(command):
                return self.swap_schemas(*found.groups())
            if found := RENAME.fullmatch(command):
                self.clone_schema(found[2], found[1])
                command = f"drop schema {found[1]}"
            if NOT_FOLLOWED.match(command):
                command = NOTHING_DONE
            return super().execute(command, *arguments, **options)
        except Error:
            raise
        except Exception as error:
            raise ProgrammingError(msg=f"{type(error).__name__}: {error}", errno=1) from error

    def create_or_alter(self, table, columns):
        """sqlglot takes OR ALTER for OR REPLACE. Only added columns are followed."""
        super().execute(f"create table if not exists {table} ({columns})")
        for column in columns.split(", "):
            super().execute(f"alter table {table} add column if not exists {column}")
        return self

    def clone_schema(self, new, old):
        super().execute(f"drop schema if exists {new}")
        super().execute(f"create schema {new}")
        for table in self.tables_of(old):
            super().execute(f"create table {new}.{table} as select * from {old}.{table}")
        return super().execute(NOTHING_DONE)

    def swap_schemas(self, one, other):
        for new, old in (("swapping", one), (one, other), (other, "swapping")):
            self.clone_schema(new, old)
        return super().execute("drop schema swapping")

    def tables_of(self, schema):
        super().execute(
            f"select table_name from information_schema.tables where table_schema = '{schema.upper()}'"
        )
        return [name for (name,) in self.fetchall()]

    def _transform_explode(self, expression):
        if isinstance(expression, exp.Put):
            target = expression.args["target"]
            target.set("this", target.name.strip("'"))
        if isinstance(expression, exp.Create):
            make_permanent(expression)
            name_columns(expression)
        if isinstance(expression, exp.Merge):  # DuckDB has a MERGE of its own
            return [expression]
        return super()._transform_explode(expression)

    def _execute(self, transformed, params=None):
        super_ = super()._execute
        if not isinstance(transformed, exp.Merge):
            return super_(transformed, params)
        changed = self._duck_conn.execute(transformed.sql(dialect="duckdb")).fetchall()[0][0]
        super_(parse_one(f'select {changed} as "number of rows changed"'))
        self._rowcount = changed


def make_permanent(create: exp.Create) -> None:
    """DuckDB's temporary tables have no schema; dbt drops its own after use."""
    table = create.this.this if isinstance(create.this, exp.Schema) else create.this
    properties = create.args.get("properties")
    if isinstance(table, exp.Table) and table.args.get("db") and properties:
        kept = [one for one in properties.expressions if not isinstance(one, exp.TemporaryProperty)]
        create.set("properties", exp.Properties(expressions=kept) if kept else None)


def name_columns(create: exp.Create) -> None:
    """`create table t (a, …) as select *` of dbt's contracts: what the star stands for is declared."""
    if isinstance(create.this, exp.Schema) and isinstance(create.expression, exp.Query):
        query = create.expression.unnest()
        if query.is_star:
            query.set("expressions", [exp.column(each.name) for each in create.this.expressions])


def timestamps(column):
    """Null stays null: the connector takes the bare structure for 1970."""
    made = struct_of_timestamps(column)
    fields = [*made.type]
    values = [made.field(place).fill_null(0) for place in range(len(fields))]
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pa.StructArray.from_arrays(values, fields=fields, mask=column.is_null())


def source_urls(source: str, files: list[str]) -> list[str]:
    """FILES of an internal stage as well."""
    if stage.is_internal(source):
        return [source + file for file in files]
    return urls_of_files(source, files)


def inserts(expression, params, urls, parquet):
    """A COPY from Parquet, with METADATA$FILENAME, and null for what a file has no column for."""
    made = inserts_of_copy(expression, params, urls, parquet)
    if not isinstance(params.file_format, copy_into.ReadParquet):
        return made
    return [from_file(insert.copy(), url) for insert, url in zip(made, urls, strict=True)]


def from_file(insert: exp.Insert, url: str) -> exp.Insert:
    path = stage.file_path(url)
    name = stage.internal_file_name(path).partition("/")[2]
    present = {*pq.read_schema(path).names}
    for column in [*insert.expression.find_all(exp.Identifier)]:
        if column.name.lower() == "metadata$filename":
            column.parent.replace(exp.Literal.string(name))
        elif column.name not in present:
            column.replace(exp.Null())
    return insert


def main() -> None:
    fakesnow.conn.FakeSnowflakeCursor = Cursor
    arrow.timestamp_to_sf_struct = timestamps
    copy_into._inserts = inserts
    copy_into._source_urls = source_urls
    with server() as connection:
        logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
        print(connection["port"], flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
