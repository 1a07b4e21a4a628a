"""Column paths of the source YAML (`a.b`, `x|y`, `@name`, `$`, `$each.x`), read into roots and steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from trendhouse.declared.sources import Table


@dataclass(frozen=True)
class Path:
    """One place of a value: steps below the record, the landing context or the exploded element."""

    root: Literal["record", "context", "each"]
    steps: tuple[str, ...]

    @property
    def text(self) -> str:
        """The dotted form that drift is reported under."""
        start = {"record": (), "context": ("@",), "each": ("$each",)}[self.root]
        return ".".join((*start, *self.steps)).replace("@.", "@") or "$"


def alternatives(text: str) -> list[Path]:
    """The places of `a|b`, first choice first."""
    return [one(part.strip()) for part in text.split("|")]


def one(text: str) -> Path:
    if text.startswith("@"):
        return Path("context", tuple(text[1:].split(".")))
    first, *rest = text.split(".")
    if first == "$each":
        return Path("each", tuple(rest))
    return Path("record", () if first == "$" else (first, *rest))


def places(name: str, table: Table) -> list[Path]:
    """Where the values of the column `name` stand; its own name by default."""
    return alternatives(table.columns[name].path or name)


class Tree(dict[str, "Tree"]):
    """The keys that paths name below one root, by nesting; a leaf is an empty tree."""

    def __init__(self, paths: Iterable[tuple[str, ...]] = ()) -> None:
        super().__init__()
        for steps in paths:
            node = self
            for step in steps:
                node = node.setdefault(step, Tree())

    def entered(self, prefix: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], Tree]]:
        """Every object that a path goes into, outermost first, the root (empty steps) included."""
        yield prefix, self
        for name, below in self.items():
            if below:
                yield from below.entered((*prefix, name))


def record_tree(table: Table) -> Tree:
    """What is read out of the record, the exploded field included."""
    paths = [
        path.steps
        for name in table.columns
        for path in places(name, table)
        if path.root == "record"
    ]
    if table.explode:
        paths.append(one(table.explode.path).steps)
    return Tree(steps for steps in paths if steps)


def context_tree(table: Table) -> Tree:
    """What is read out of the landing context; `reason` sends a row to quarantine."""
    paths = [
        path.steps
        for name in table.columns
        for path in places(name, table)
        if path.root == "context"
    ]
    return Tree([*paths, ("reason",)])


def each_names(table: Table) -> list[str]:
    """The columns whose value differs between the rows that one record explodes into."""
    return [n for n in table.columns if any(path.root == "each" for path in places(n, table))]
