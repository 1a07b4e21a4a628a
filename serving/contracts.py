"""The API's types: what the dbt project promises of a mart's rows, as pydantic models."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from trendhouse.declared.marts import contracts

TYPES = {
    "varchar": str,
    "bigint": int,
    "double": float,
    "boolean": bool,
    "date": date,
    "timestamp": datetime,
}
Row = TypeVar("Row")


class Page(BaseModel, Generic[Row]):
    """Some of the rows that fit, how many fit in all, and where the next ones are."""

    total: int = Field(description="Rows that fit, on all pages.")
    next: str | None = Field(description="Address of the next page; null on the last one.")
    items: list[Row] = Field(description="The rows of this page.")


@cache
def row_model(mart: str) -> type[BaseModel]:
    """The type of a mart's rows, `Issues` of `issues`; a contract does not say what may be null, so all may."""
    contract = contracts()[mart]
    return create_model(
        "".join(part.capitalize() for part in mart.split("_")),
        __doc__=contract.description,
        __config__=ConfigDict(json_schema_serialization_defaults_required=True),
        **fields(mart, *contract.columns),
    )


def fields(mart: str, *columns: str) -> dict[str, Any]:
    """Some columns of a mart as fields of a type."""
    declared = contracts()[mart].columns
    return {
        name: (
            TYPES[declared[name].type] | None,
            Field(None, description=declared[name].description),
        )
        for name in columns
    }


@cache
def truths(mart: str) -> frozenset[str]:
    """The boolean columns of a mart, which the read model has as 0 and 1."""
    columns = contracts()[mart].columns.items()
    return frozenset(name for name, column in columns if column.type == "boolean")


def plain(mart: str, row: sqlite3.Row) -> dict[str, Any]:
    """A row of the read model as the mart's type has it, and what a query has added to it."""
    found = dict(row)
    found.pop("_partition", None)
    for name in truths(mart) & found.keys():
        if found[name] is not None:
            found[name] = bool(found[name])
    return found


def plains(mart: str, rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    return [plain(mart, row) for row in rows]
