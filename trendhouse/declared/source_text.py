"""The text of a source file: its keys with their lines, and what is wrong where."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from trendhouse.errors import UsageError

try:  # libyaml gives the same nodes with the same lines, ten times as fast
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader


class SpecError(UsageError):
    """A source file says something wrong; the message names file, line, key and remedy."""


def unknown_reference(name: str, kind: str, known: Iterable[str], *at: str | int) -> Exception:
    """The error of a name that nothing bears; `at` is where it stands below the checked value."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    remedy = (
        f"did you mean `{near[0]}`?" if near else f"declare it or use one of {', '.join(known)}."
    )
    return wrong_reference(f"`{name}` is not one of the {kind}", remedy, *at)


def wrong_reference(said: str, remedy: str, *at: str | int) -> Exception:
    return PydanticCustomError("reference", "{said}", {"said": said, "at": at, "remedy": remedy})


def read_mapping(path: Path, text: str) -> dict[str, Any]:
    """The file's keys. Raises SpecError where it is no YAML, no mapping or says a key twice."""
    try:
        root, values = yaml.compose(text, Loader=SafeLoader), yaml.load(text, Loader=SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(f"{path}:{line}: not YAML: {error.problem}. Mend the line.") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpecError(f"{path}:{line}: not YAML: {error.reason}. Mend the line.") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SpecError(f"{path}:1: file: it holds no keys; write `key: value` lines.")
    for key in repeated(root):
        line = key.start_mark.line + 1
        raise SpecError(f"{path}:{line}: {key.value}: it is said twice; remove one.")
    if "name" in values:
        line = line_of(root, ("name",))
        raise SpecError(f"{path}:{line}: name: it is the file's stem; remove `name`.")
    return values


def repeated(node: yaml.Node) -> Iterator[yaml.Node]:
    """Keys that a mapping has had before; of two, YAML itself silently takes the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from repeated(value)


def explain(path: Path, text: str, error: ValidationError, known: set[str]) -> str:
    """One line per mistake: `file:line: key: what is wrong; what to do`; `known` keys may be meant."""
    root = yaml.compose(text, Loader=SafeLoader)
    lines = []
    for item in error.errors():
        loc = (*item["loc"], *item.get("ctx", {}).get("at", ()))
        where = f"{path}:{line_of(root, loc)}: {'.'.join(map(str, loc)) or 'file'}"
        lines.append(f"{where}: {item['msg']}; {remedy(item, known)}")
    return "\n".join(lines)


def line_of(node: yaml.Node | None, loc: tuple[Any, ...]) -> int:
    """The 1-based line of the deepest part of `loc` that the file holds."""
    line = node.start_mark.line + 1 if node else 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def remedy(item: dict[str, Any], known: set[str]) -> str:
    kind, key = item["type"], str(item["loc"][-1]) if item["loc"] else ""
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(key, sorted(known), n=1)
        return f"remove `{key}`" + (f" or did you mean `{near[0]}`?" if near else ".")
    if kind == "reference":
        return item["ctx"]["remedy"]
    if kind == "string_pattern_mismatch":
        return "write it in lower case, with digits and underscores."
    if kind == "missing":
        return f"add `{key}:`."
    if kind == "literal_error":
        return f"use one of {item['ctx']['expected']}."
    if re.match(r".*(parsing|type)$", kind):
        return f"give a value of the right type, not {item['input']!r}."
    return "correct the value."
