"""The warehouse as a Great Expectations data source: DuckDB through SQLAlchemy, or Snowflake itself."""

from __future__ import annotations

from base64 import b64encode
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from great_expectations.execution_engine import sqlalchemy_execution_engine as engine

from trendhouse.verdicts import state_of
from warehouse.snowflake.account import TIMEOUTS, Account, is_target
from warehouse.snowflake.state import STATE_OF_MARTS, as_state

SCHEMA = "marts"


class Persisted(StrEnum):
    """GX 1.24 keeps one connection only for dialects that it knows by name; DuckDB needs it as well."""

    DUCKDB = "duckdb"


def data_source(context, warehouse: Path):
    """The data source of the target that dbt built (`DBT_TARGET`, default `duckdb`)."""
    if is_target():
        return snowflake(context, Account())
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


def state(connected: sa.Engine, warehouse: Path) -> Any:
    """What tells the marts as they are from any others."""
    if not is_target():
        return state_of(warehouse)
    with connected.connect() as connection:
        return as_state(connection.execute(sa.text(STATE_OF_MARTS)).one())


def snowflake(context, account: Account):
    """Snowflake, entered as dbt enters it; without a key pair GX insists on a password, which is not used."""
    entering = account.credentials()
    key = entering.pop("private_key")
    proof = {"private_key": b64encode(key).decode()} if key else {"password": "unused"}
    session = {"TIMEZONE": "UTC", "QUERY_TAG": '{"app": "trendhouse", "model": "check_marts"}'}
    options = {**entering, **TIMEOUTS, "autocommit": True, "session_parameters": session}
    return context.data_sources.add_snowflake(
        "marts",
        account=account.account,
        user=account.user or "token",
        database=account.database,
        schema=SCHEMA,
        warehouse=account.warehouse,
        role=account.role,
        kwargs={"connect_args": options if key else {**options, "password": None}},
        **proof,
    )
