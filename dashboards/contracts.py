"""The marts as dashboards may show them: by dbt's contracts, without the columns of persons."""

from __future__ import annotations

from dataclasses import dataclass

from trendhouse.declared.marts import contracts

TEMPORAL = ("date", "timestamp")


@dataclass(frozen=True)
class Column:
    """One column of a mart; `type` is dbt's."""

    name: str
    type: str
    description: str

    @property
    def is_temporal(self) -> bool:
        return self.type in TEMPORAL


@dataclass(frozen=True)
class Mart:
    """A mart and the columns that everybody may see."""

    name: str
    description: str
    columns: dict[str, Column]


def marts(domain: str) -> dict[str, Mart]:
    """The marts of a domain by name."""
    return {
        name: Mart(
            name,
            contract.description,
            {
                column: Column(column, each.type, each.description)
                for column, each in contract.columns.items()
                if not each.is_personal
            },
        )
        for name, contract in contracts().items()
        if contract.domain == domain
    }
