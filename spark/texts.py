"""The texts of a record's values, by path: objects are opened level by level, arrays and maps exploded."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from trendhouse.declared.paths import Path, Tree, each_names, one, places
from trendhouse.declared.sources import Table


def flat_names(table: Table) -> list[str]:
    """The declared columns that have one value per record."""
    each = set(each_names(table))
    return [name for name in table.columns if name not in each]


def opened(text: Column, tree: Tree) -> Column:
    """A struct of texts of the keys in `tree`; null unless the text is a JSON object."""
    schema = ", ".join(f"`{name}` string" for name in tree)
    return F.from_json(F.when(F.ltrim(text).startswith("{"), text), schema)


def open_levels(frame: DataFrame, tree: Tree, table: Table) -> DataFrame:
    """Add a struct `_in_<path>` for each object that declared paths enter, outermost first."""
    for steps, below in tree.entered():
        if below:
            frame = frame.withColumn(level(steps), opened(text_at(steps), below))
    return frame


def level(steps: tuple[str, ...]) -> str:
    return "_in_" + "__".join(steps)


def text_at(steps: tuple[str, ...]) -> Column:
    """The text of the value at `steps` below the record, whose levels have been opened."""
    return F.col(level(steps[:-1]))[steps[-1]] if steps else F.col("record")


def text_of(name: str, table: Table) -> Column:
    """The first text that is not null of the column's places."""
    texts = [text_of_place(path) for path in places(name, table)]
    return F.coalesce(*texts) if len(texts) > 1 else texts[0]


def text_of_place(path: Path) -> Column:
    if path.root == "context":
        return reduce(lambda struct, step: struct[step], path.steps, F.col("_context"))
    if path.steps:
        return text_at(path.steps)
    return F.from_json(F.concat(F.lit('{"v":'), F.col("record"), F.lit("}")), "v string")["v"]


def is_container(name: str, table: Table) -> Column:
    """Whether the value of a string column is really an object or an array.

    Only a text that looks like one is asked twice: a title may begin with a bracket, or even be JSON.
    """
    text = F.col(f"_text_{name}")
    kinds = [
        F.schema_of_variant(
            F.from_json(text_at(path.steps[:-1]), f"`{path.steps[-1]}` variant")[path.steps[-1]]
        )
        for path in places(name, table)
        if path.root == "record" and path.steps
    ]
    if not kinds:
        return F.lit(False)
    looks = F.substr(text, F.lit(1), F.lit(1)).isin("{", "[") & F.try_parse_json(text).isNotNull()
    nested = reduce(lambda a, b: a | b, (kind.rlike("^(OBJECT|ARRAY)") for kind in kinds))
    return F.coalesce(F.when(looks, nested), F.lit(False))


def each_texts(table: Table) -> Column:
    """What a record explodes into: an array of texts, or of maps from key to text."""
    steps = one(table.explode.path).steps
    text = text_at(steps)
    if table.explode.kind == "map":
        entries = F.map_entries(
            F.from_json(F.when(F.ltrim(text).startswith("{"), text), "map<string,string>")
        )
        pair = lambda entry: F.create_map(
            F.lit("key"), entry["key"], F.lit("value"), entry["value"]
        )
        return F.transform(entries, pair)
    bare = any(
        path.steps == ()
        for n in each_names(table)
        for path in places(n, table)
        if path.root == "each"
    )
    array = F.when(F.ltrim(text).startswith("["), text)
    return F.from_json(array, "array<string>" if bare else "array<map<string,string>>")


def each_text(element: Column, name: str, table: Table) -> Column:
    """The text of the column `name` in one exploded element."""
    path = next(path for path in places(name, table) if path.root == "each")
    return F.try_element_at(element, F.lit(path.steps[0])) if path.steps else element
