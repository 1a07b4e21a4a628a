"""What records hold that the declared schema does not know, or that has another type than declared."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark.casts import cast
from spark.texts import each_text, flat_names, text_at
from trendhouse.declared.paths import Tree, each_names, one, places
from trendhouse.declared.sources import Table

ITEM = "array<struct<path:string,kind:string,expected_type:string,example:string>>"
LONGEST_EXAMPLE = 200


def item(path: Column, kind: str, expected: str | None, example: Column) -> Column:
    return F.struct(
        path.alias("path"),
        F.lit(kind).alias("kind"),
        F.lit(expected).cast("string").alias("expected_type"),
        F.substr(example, F.lit(1), F.lit(LONGEST_EXAMPLE)).alias("example"),
    )


def gathered(found: list[tuple[Column, Column]]) -> Column:
    """The items whose condition holds, as an array; built only for rows in which one does."""
    empty = F.array().cast(ITEM)
    if not found:
        return empty
    any_of = found[0][0]
    for condition, _ in found[1:]:
        any_of = any_of | condition
    return F.coalesce(
        F.when(any_of, F.array_compact(F.array(*(F.when(condition, i) for condition, i in found)))),
        empty,
    )


def changed_types(table: Table) -> Column:
    """Drift of kind `type`: a text is there, its cast is null, and no column beside it has it in its own type."""
    found = []
    for name in flat_names(table):
        declared, text = table.columns[name], F.col(f"_text_{name}")
        if declared.type == "json":
            continue
        wrong = text.isNotNull() & F.col(name).isNull()
        others = beside(name, table)
        for other in others:
            wrong = wrong & F.col(other).isNull()
        same = [other for other in others if path_of(other, table) == path_of(name, table)]
        if any(flat_names(table).index(other) < flat_names(table).index(name) for other in same):
            continue  # told of by the first of them
        expected = " or ".join([declared.type, *(table.columns[other].type for other in same)])
        found.append((wrong, item(F.lit(path_of(name, table)), "type", expected, text)))
    found += [
        changed_element(n, table) for n in each_names(table) if table.columns[n].type != "json"
    ]
    return gathered(found)


def path_of(name: str, table: Table) -> str:
    return "|".join(place.text for place in places(name, table))


def beside(name: str, table: Table) -> list[str]:
    """Columns that read one of the places of `name` as another type: a field that is a day or true or false has a
    column of each. A column of text, which takes everything, vouches for nothing."""
    own = {place.text for place in places(name, table)}
    return [
        other
        for other in flat_names(table)
        if table.columns[other].type not in ("string", "json", table.columns[name].type)
        and own & {place.text for place in places(other, table)}
    ]


def changed_element(name: str, table: Table) -> tuple[Column, Column]:
    """The same for a column of exploded elements: whether one is wrong, and the first that is."""
    declared = table.columns[name]

    def bad(element: Column) -> Column:
        text = each_text(element, name, table)
        return text.isNotNull() & cast(text, declared.type).isNull()

    path = F.lit(path_of(name, table))
    first = each_text(F.filter("_each", bad)[0], name, table)
    return F.coalesce(F.exists("_each", bad), F.lit(False)), item(
        path, "type", declared.type, first
    )


def translate(pattern: str) -> str:
    """A pattern with `*` as an anchored regular expression of Java."""
    return "^" + ".*".join(re.escape(part) for part in pattern.split("*")) + "$"


def not_in(known: list[str], ignored: str) -> Callable[[Column], Column]:
    """Whether a key is neither named by a path nor matched by the pattern of what is ignored."""
    return lambda key: ~key.isin(known) & ~key.rlike(ignored)


def unknown_fields(tree: Tree, table: Table) -> Column:
    """Drift of kind `unknown`: keys of the record and of entered objects that no path names.

    `ignore` holds names and patterns such as `*_url` (at any depth), and dotted ones such as `user.*`.
    """
    empty = F.array().cast(ITEM)
    if "*" in table.ignore or (table.explode and one(table.explode.path).steps == ()):
        return empty
    parts = []
    for steps, below in tree.entered():
        prefix = ".".join(steps)
        patterns = [p for p in table.ignore if "." not in p]
        patterns += [
            p.removeprefix(f"{prefix}.") for p in table.ignore if p.startswith(f"{prefix}.")
        ]
        if "*" in patterns or any(fnmatchcase(prefix, p) for p in table.ignore):
            continue
        keys = F.json_object_keys(text_at(steps)) if steps else F.col("_keys")
        plain = [p for p in patterns if "*" not in p]
        ignored = "|".join(translate(p) for p in patterns if "*" in p) or "(?!)"
        unknown = F.filter(keys, not_in([*below, *plain], ignored))
        parts.append(F.when(F.size(unknown) > 0, described(unknown, text_at(steps), prefix)))
    if not parts:
        return empty
    return F.concat(*(F.coalesce(part, empty) for part in parts))


def described(unknown: Column, text: Column, prefix: str) -> Column:
    """Items of the unknown keys of one object, with their values for examples."""
    values = F.map_filter(
        F.from_json(text, "map<string,string>", {"mode": "PERMISSIVE"}),
        lambda key, _: F.array_contains(unknown, key),
    )
    start = f"{prefix}." if prefix else ""
    return F.transform(
        F.map_entries(values),
        lambda entry: item(F.concat(F.lit(start), entry["key"]), "unknown", None, entry["value"]),
    )


def summary(parsed: DataFrame) -> DataFrame:
    """One row per path and kind: rows in which it was seen, the earliest fetch, an example of it."""
    seen = parsed.where(F.col("_drift").isNotNull()).select(
        "collected_at", F.explode("_drift").alias("d")
    )
    return seen.groupBy("d.path", "d.kind").agg(
        F.min("d.expected_type").alias("expected_type"),
        F.min("d.example").alias("example"),
        F.count(F.lit(1)).alias("occurrence_count"),
        F.min("collected_at").alias("first_seen_at"),
    )
