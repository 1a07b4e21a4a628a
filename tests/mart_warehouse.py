"""A warehouse with every mart as its contract declares it, empty until a test fills it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from trendhouse.declared.marts import contracts


class MartWarehouse:
    """A DuckDB file with the schema `marts`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True)
        self.sql("create schema marts")
        for mart, contract in contracts().items():
            columns = ", ".join(
                f'"{name}" {column.type}' for name, column in contract.columns.items()
            )
            self.sql(f"create table marts.{mart} ({columns})")

    def sql(self, *statements: str) -> None:
        with duckdb.connect(str(self.path)) as connection:
            for statement in statements:
                connection.execute(statement)

    def insert(self, mart: str, **values: Any) -> None:
        """One row; what is not given is null."""
        names = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(
                f"insert into marts.{mart} ({names}) values ({marks})", list(values.values())
            )
