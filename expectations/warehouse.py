"""The warehouse as a Great Expectations data source: DuckDB through SQLAlchemy, or Snowflake itself."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

from great_expectations.execution_engine import sqlalchemy_execution_engine as engine

SCHEMA = "marts"
SNOWFLAKE = ("account", "user", "private_key_path", "role", "warehouse", "database")


class Persisted(StrEnum):
    """GX 1.24 keeps one connection only for dialects that it knows by name; DuckDB needs it as well."""

    DUCKDB = "duckdb"


def data_source(context, warehouse: Path):
    """The data source of the target that dbt built (`DBT_TARGET`, default `duckdb`).

    Raises KeyError naming the variable that a Snowflake target lacks.
    """
    if os.environ.get("DBT_TARGET", "duckdb") == "snowflake":
        return snowflake(context)
    if Persisted.DUCKDB not in engine._PERSISTED_CONNECTION_DIALECTS:
        engine._PERSISTED_CONNECTION_DIALECTS = (
            *engine._PERSISTED_CONNECTION_DIALECTS,
            Persisted.DUCKDB,
        )
    return context.data_sources.add_sql(
        "marts", connection_string=f"duckdb:///{warehouse}?access_mode=read_only"
    )


def release(source) -> None:
    """Close every connection: DuckDB lets nobody write to the file while a reader has it open."""
    execution = source.get_execution_engine()
    with execution.get_connection() as connection:
        connection.close()
    execution.engine.dispose()
    source.get_engine().dispose()


def snowflake(context):
    """Snowflake by key pair, with the variables that profiles.yml reads."""
    values = {name: os.environ[f"SNOWFLAKE_{name.upper()}"] for name in SNOWFLAKE}
    lines = Path(values.pop("private_key_path")).read_text(encoding="utf-8").splitlines()
    # The connector wants the key as base64 DER, which is what stands between a PEM's two marks.
    key = "".join(line for line in lines if not line.startswith("-----"))
    return context.data_sources.add_snowflake("marts", schema=SCHEMA, private_key=key, **values)
