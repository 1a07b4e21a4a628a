"""Which part of a mart has to be checked: the periods that changed since it last held."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from expectations.results import describe
from expectations.tolerance import MOST, is_tolerable, odd_rows
from expectations.warehouse import state
from trendhouse.declared.marts import SCHEMA, periods
from trendhouse.verdicts import Verdicts, marts_path
from warehouse.upgrade import code_of_marts

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


class Changes:
    """Asks the warehouse how far each mart has come, and remembers how far it held."""

    def __init__(self, engine: sa.Engine, warehouse: Path, domain: str) -> None:
        self.engine = engine
        self.warehouse = warehouse
        self.verdicts = Verdicts(marts_path(warehouse, domain), code=code_of_marts(warehouse))
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

    def settle(self, mart: str, suite: ExpectationSuite, result) -> list[str]:
        """Remember how a mart held; what it breaks, each with what that means for readers.

        What few rows break is told, and the mart is published. A mart that broke is next time looked at
        whole, so that odd rows of former periods count as well.
        """
        broken = [each for each in result.results if not each.success]
        is_told = bool(broken) and is_tolerable(broken, self.row_count(mart, broken))
        meaning = f"at most {MOST:.1%} of the rows: published" if is_told else "not published"
        lines = [f"{describe(suite.name, each)}; {meaning}" for each in broken]
        reached = self.newest.get(mart, -1)
        self.verdicts.keep(
            mart, suite, reached, holds=not broken, broken=lines, is_tolerable=is_told
        )
        return lines

    def row_count(self, mart: str, broken: list) -> int:
        """Rows of a mart; 0 where a promise could not even be looked at: it may not exist."""
        if any(odd_rows(result) is None for result in broken):
            return 0
        with self.engine.connect() as connection:
            return (
                connection.execute(sa.text(f"select count(*) from {SCHEMA}.{mart}")).scalar() or 0
            )
