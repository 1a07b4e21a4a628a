"""What the dbt project declares about its marts: their domain, contract, and the periods they are cut into."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from trendhouse.settings import ROOT

SCHEMA = "marts"
DBT_PROJECT = ROOT / "dbt_project"


@dataclass(frozen=True)
class Period:
    """A mart that grows with history is published and checked by the `month` or `year` of a column."""

    column: str
    by: str


@dataclass(frozen=True)
class Column:
    """A column as the contract has it: its SQL type, what it means, whether it tells of a person, and
    whether it must not be null."""

    type: str
    description: str
    is_personal: bool
    is_required: bool


@dataclass(frozen=True)
class Contract:
    """What a mart promises: its domain, its grain in words, and its columns in their order."""

    domain: str
    description: str
    columns: dict[str, Column]


@cache
def contracts(project: Path = DBT_PROJECT) -> dict[str, Contract]:
    """The contract of each mart, of every domain, by name."""
    found = {}
    for path in sorted((project / "models" / "marts").glob("*/_*__models.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            columns = {
                each["name"]: Column(
                    each["data_type"],
                    one_line(each["description"]),
                    is_personal(each),
                    "not_null" in each.get("data_tests", []),
                )
                for each in model["columns"]
            }
            said = one_line(model["description"])
            found[model["name"]] = Contract(path.parent.name, said, columns)
    return found


def is_personal(column: dict[str, Any]) -> bool:
    return bool(column.get("config", {}).get("meta", {}).get("personal"))


def one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def periods(domain: str, project: Path = DBT_PROJECT) -> dict[str, Period]:
    """The marts of a domain that declare `+meta: {publish_by: {column, by}}` in dbt_project.yml."""
    declared = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    marts = declared["models"][declared["name"]]["marts"].get(domain, {})
    return {
        name: Period(**config["+meta"]["publish_by"])
        for name, config in marts.items()
        if isinstance(config, dict) and "publish_by" in config.get("+meta", {})
    }


@cache
def foreign_marts(domain: str, project: Path = DBT_PROJECT) -> frozenset[str]:
    """The marts of all other domains; they lie in the same schema."""
    models = (project / "models" / "marts").glob("*/*.sql")
    return frozenset(path.stem for path in models if path.parent.name != domain)
