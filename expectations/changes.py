"""Which part of a mart has to be checked: the periods that changed since it last held."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from expectations.verdicts import Verdicts, marts_path
from expectations.warehouse import state
from orchestration.marts import SCHEMA, periods
from orchestration.upgrade import schema_version

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


class Changes:
    """Asks the warehouse how far each mart has come, and remembers how far it held."""

    def __init__(self, engine: sa.Engine, warehouse: Path, domain: str) -> None:
        self.engine = engine
        self.warehouse = warehouse
        self.verdicts = Verdicts(marts_path(warehouse, domain), salt=schema_version())
        self.periods = periods(domain)
        self.newest: dict[str, int] = {}

    def __enter__(self) -> Changes:
        self.state = state(self.engine, self.warehouse)
        return self

    def __exit__(self, kind: type[BaseException] | None, error, trace) -> None:
        if kind is None:
            self.verdicts.conclude(self.state)

    def query(self, mart: str, suite: ExpectationSuite) -> str | None:
        """The rows to be checked as SQL; None if the mart holds and has no newer row."""
        relation = f"{SCHEMA}.{mart}"
        period = self.periods.get(mart)
        if period is None:
            return f"select * from {relation}"
        with self.engine.connect() as connection:
            newest = connection.execute(
                sa.text(f"select max(clean_version) from {relation}")
            ).scalar()
        self.newest[mart] = -1 if newest is None else int(newest)
        reached = self.verdicts.reached(mart, suite)
        if reached is None or reached > self.newest[mart]:
            return f"select * from {relation}"
        if reached == self.newest[mart]:
            return None
        start = f"date_trunc('{period.by}', {period.column})"
        return (
            f"select * from {relation} where {period.column} is null or {start} in "
            f"(select {start} from {relation} where clean_version > {reached})"
        )

    def keep(self, mart: str, suite: ExpectationSuite, *, holds: bool) -> None:
        self.verdicts.keep(mart, suite, self.newest.get(mart, -1), holds=holds)
