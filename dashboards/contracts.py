"""The marts as dbt declares them: what datasets, charts and filters may name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MARTS = Path(__file__).parents[1] / "dbt_project" / "models" / "marts"
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
    """A mart and the columns that everybody may see: those of persons are left out."""

    name: str
    description: str
    columns: dict[str, Column]


def marts(domain: str, folder: Path = MARTS) -> dict[str, Mart]:
    """The marts of a domain by name, from the model files beside their SQL."""
    found = {}
    for path in sorted((folder / domain).glob("_*__models.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            found[model["name"]] = Mart(
                model["name"],
                model["description"],
                {
                    each["name"]: Column(each["name"], each["data_type"], each["description"])
                    for each in model["columns"]
                    if not is_personal(each)
                },
            )
    return found


def is_personal(column: dict[str, Any]) -> bool:
    return bool(column.get("config", {}).get("meta", {}).get("personal"))
