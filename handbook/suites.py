"""The page of the expectation suites, from the suites themselves."""

from __future__ import annotations

import importlib
from typing import Any

from handbook.markdown import code, codes, page, table
from trendhouse.declared.marts import DBT_PROJECT
from trendhouse.declared.sources import landed_specs

NOT_NULL = "expect_column_values_to_not_be_null"
WORDS = {
    "expect_column_values_to_be_in_set": "{column} is one of {value_set}",
    "expect_column_values_to_match_regex": "{column} matches {regex}",
    "expect_table_columns_to_match_set": "has at least {column_set}",
    "expect_column_pair_values_a_to_be_greater_than_b": "{column_A} is never less than {column_B}",
    "expect_unique_key": "one row per {key_columns}",
}


def write() -> str:
    domains = sorted(path.name for path in (DBT_PROJECT / "models" / "marts").iterdir())
    return page(
        "Expectations",
        "Suites that hold at the two boundaries of dbt: the clean lake before a build, the marts after it. "
        "A mart that does not hold is kept back by itself, one with at most 0.1 % odd rows is published and "
        "told ([why](../decisions/odd-rows.md)). `trendhouse check` asks them.",
        "## Clean lake",
        "Every clean table is held to what its source declares: exactly those columns and types, what is "
        "never null, one row per key, and what no row may be, which the deduplication puts into quarantine "
        "([sources](sources.md)).",
        *(suites(f"expectations.clean.{spec.name}") for spec in landed_specs()),
        "## Marts",
        *(suites(f"expectations.marts.{domain}") for domain in domains),
    )


def suites(module: str) -> str:
    """The suites of a source or a domain: one table, a row per promise."""
    found = importlib.import_module(module).SUITES
    rows = [
        (code(name), sentence)
        for name, suite in found.items()
        for sentence in (never_null(suite), *filter(None, map(told, suite.expectations)))
        if sentence
    ]
    title = module.rsplit(".", 1)[1]
    return f"### {title}\n\n{table(('table', 'promise'), rows)}"


def never_null(suite: Any) -> str:
    """The columns that are never null, in one sentence; empty if there is none."""
    columns = [each.column for each in suite.expectations if each.expectation_type == NOT_NULL]
    return f"never null: {codes(dict.fromkeys(columns))}" if columns else ""


def told(expectation: Any) -> str:
    """One promise as a sentence; empty for what is told apart: never null, and the declared columns."""
    name, given = expectation.expectation_type, expectation.configuration.kwargs
    if name in (NOT_NULL, "expect_declared_columns"):
        return ""
    if expectation.description:
        return expectation.description
    if name == "expect_column_values_to_be_between":
        least, most = given.get("min_value"), given.get("max_value")
        low = f"at least {shown(least)}" if least is not None else ""
        high = f"at most {shown(most)}" if most is not None else ""
        return f"{code(given['column'])} is {' and '.join(filter(None, (low, high)))}"
    return WORDS[name].format(**{key: listed(value) for key, value in given.items()})


def listed(value: object) -> str:
    return codes(value) if isinstance(value, list) else code(value)


def shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
