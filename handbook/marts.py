"""The page of the marts, from the contracts in the dbt project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from handbook.markdown import code, codes, page, table
from trendhouse.declared.marts import DBT_PROJECT, is_personal, periods


def write() -> str:
    return page(
        "Marts",
        "What readers get: `trendhouse query` and every page, chart and download read these. Types are "
        "enforced by dbt's contracts, the tests of a column run in every build. In which models a column "
        "comes to be shows the lineage in dbt's own site, which `trendhouse docs` writes beside this one.",
        *(described(path.parent.name, mart) for path in files() for mart in contracts(path)),
    )


def files() -> list[Path]:
    return sorted((DBT_PROJECT / "models" / "marts").glob("*/*__models.yml"))


def contracts(path: Path) -> list[dict[str, Any]]:
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    return sorted(declared["models"], key=lambda mart: mart["name"])


def described(domain: str, mart: dict[str, Any]) -> str:
    period = periods(domain).get(mart["name"])
    facts = [f"Key and tests: {told(mart)}."] if mart.get("data_tests") else []
    if period:
        facts.append(f"Published by the {period.by} of {code(period.column)}.")
    rows = [
        (code(each["name"]), each["data_type"], told(each), personal(each) + each["description"])
        for each in mart["columns"]
    ]
    return "\n\n".join(
        [
            f"## {mart['name']}",
            mart["description"],
            " ".join(facts),
            table(("column", "type", "tests", "meaning"), rows),
        ]
    )


def told(declared: dict[str, Any]) -> str:
    """The tests of a model or column, in a few words."""
    return ", ".join(map(test, declared.get("data_tests", [])))


def test(declared: str | dict[str, Any]) -> str:
    if isinstance(declared, str):
        return declared.replace("_", " ")
    ((name, given),) = declared.items()
    arguments = given["arguments"]
    if name == "is_key":
        return f"one row per {codes(arguments['columns'])}"
    if name == "accepted_values":
        return f"one of {codes(arguments['values'])}"
    return f"{name.replace('_', ' ')} ({', '.join(f'{key}: {value}' for key, value in arguments.items())})"


def personal(column: dict[str, Any]) -> str:
    return "Personal. " if is_personal(column) else ""
