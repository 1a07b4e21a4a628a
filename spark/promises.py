"""Why a row breaks what its table promises of every row: the declared bounds, patterns, sets and rules."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F

from trendhouse.declared.paths import each_names
from trendhouse.declared.sources import Table

SHOWN = 100
Value = Callable[[str], Column]


def broken(table: Table, flat: list[str], elements: str) -> list[Column]:
    """One column per promise: null where it is kept or the value is null, else what is said of the row.

    `flat` are the columns of the record; of the array `elements` the first that breaks a promise is told.
    """
    each = set(each_names(table))
    found = [told(F.col(name)) for name in flat for told in promises_of(table, name)]
    found += [
        first(elements, of_element(told, name))
        for name in each
        for told in promises_of(table, name)
    ]
    for pair in table.comparisons:
        is_of_element = bool(each & {*pair})
        found.append(first(elements, rule(pair, each)) if is_of_element else less(*pair, F.col))
    return found


def is_kept(table: Table, flat: list[str], elements: str) -> Column:
    """Whether a row breaks none of its table's promises."""
    said = broken(table, flat, elements)
    return F.coalesce(*said).isNull() if said else F.lit(True)


def promises_of(table: Table, name: str) -> list[Callable[[Column], Column]]:
    """Each promise of a column as what it says of a value: null if that keeps it."""
    given = table.columns[name].promise
    known: dict[str, Callable[[Column], tuple[Column, str]]] = {
        "min": lambda value: (value < F.lit(given["min"]), f"must be at least {given['min']}"),
        "max": lambda value: (value > F.lit(given["max"]), f"must be at most {given['max']}"),
        "pattern": lambda value: (~value.rlike(given["pattern"]), f"must match {given['pattern']}"),
        "one_of": lambda value: (
            ~value.isin(given["one_of"]),
            f"must be one of {', '.join(given['one_of'])}",
        ),
    }

    def sentence(kind: str) -> Callable[[Column], Column]:
        def told(value: Column) -> Column:
            is_broken, promise = known[kind](value)
            said = F.concat(F.lit(f"`{name}` {promise}: `"), shown(value), F.lit("`"))
            return F.when(is_broken, said)

        return told

    return [sentence(kind) for kind in given]


def less(left: str, right: str, value: Value) -> Column:
    """What a rule says of a row: null where it is kept or one of the two is null."""
    said = F.concat(
        *(F.lit(f"`{left}` must not be less than `{right}`: `"), shown(value(left))),
        *(F.lit("` and `"), shown(value(right)), F.lit("`")),
    )
    return F.when(value(left) < value(right), said)


def of_element(told: Callable[[Column], Column], name: str) -> Callable[[Column], Column]:
    """What is said of a value, as said of the element that holds it."""
    return lambda element: told(element[name])


def rule(pair: tuple[str, str], each: set[str]) -> Callable[[Column], Column]:
    """What a rule says of the row that an element makes: of its own values and those of its record."""
    return lambda element: less(*pair, lambda name: element[name] if name in each else F.col(name))


def first(elements: str, told: Callable[[Column], Column]) -> Column:
    """What is said of the first element of which anything is."""
    said = F.filter(F.transform(elements, told), lambda each: each.isNotNull())
    return F.try_element_at(said, F.lit(1))


def shown(value: Column) -> Column:
    return F.substr(value.cast("string"), F.lit(1), F.lit(SHOWN))
