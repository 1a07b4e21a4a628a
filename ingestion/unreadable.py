"""Records that a strict decoder refuses: cut out of their answer by its brackets, each with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},]', re.DOTALL)
SHALLOW = 8
HALF = re.compile("[\ud800-\udfff]")
NOT_UTF8 = "the record is not UTF-8"
TOO_DEEP = "the record is nested deeper than can be read"
HALF_CHARACTER = "the record holds half a character (a lone surrogate)"
NO_NUMBER = "the record holds a number that JSON does not know"
NOT_JSON = "the record is not JSON"


class Malformed(ValueError):
    """A text that is no JSON; the message says where it ceases to be."""


def brackets(body: bytes) -> Iterator[tuple[int, re.Match[bytes]]]:
    """(depth, token) of each bracket and comma, the depth outside of a bracket's own. Raises Malformed."""
    depth = 0
    for found in TOKEN.finditer(body):
        token = found[0]
        if token == b'"':
            raise Malformed(f"a text begins at byte {found.start()} and does not end")
        if token in b"]}":
            depth -= 1
        if token[:1] != b'"':
            yield depth, found
        if token in b"[{":
            depth += 1
        if depth < 0:
            raise Malformed(f"byte {found.start()} closes what was not opened")
    if depth:
        raise Malformed(f"{depth} brackets are not closed")


def is_whole(body: bytes) -> bool:
    """Whether a text is one object or array by its brackets. Raises Malformed where they do not balance."""
    outer = [found for depth, found in brackets(body) if depth == 0]
    return (
        len(outer) == 2
        and not body[: outer[0].start()].strip()
        and not body[outer[1].end() :].strip()
    )


def items_of(body: bytes) -> list[bytes]:
    """The items of an array, whatever they hold. Raises Malformed for what is not one array."""
    if body.lstrip()[:1] != b"[" or not is_whole(body):
        raise Malformed("the text is not one array")
    cuts = [
        found for depth, found in brackets(body) if depth == 0 or (depth == 1 and found[0] == b",")
    ]
    items = [body[begin.end() : end.start()].strip() for begin, end in pairwise(cuts)]
    if len(items) == 1 and not items[0]:
        return []
    if not all(items):
        raise Malformed("an item of the array is empty")
    return items


def value_of(text: bytes) -> Any:
    """The value as far as a lenient reader has one, what is nested deeply left out; None without."""
    try:
        return json.loads(text)
    except RecursionError:
        return value_of(shallow(text))
    except ValueError:
        return None


def shallow(text: bytes) -> bytes:
    """The text with null for each object and array at the depth SHALLOW."""
    kept, begin = [], 0
    for depth, found in brackets(text):
        if depth == SHALLOW and found[0] in b"[{":
            kept += [text[begin : found.start()], b"null"]
        elif depth == SHALLOW and found[0] in b"]}":
            begin = found.end()
    return b"".join([*kept, text[begin:]])


def shown(text: bytes) -> bytes:
    """A text as valid UTF-8, so that it can be kept."""
    return bytes(text).decode("utf-8", "backslashreplace").encode()


def reason_of(text: bytes) -> str:
    """Why a strict decoder refuses a record."""
    try:
        said = bytes(text).decode()
        value = json.loads(said)
    except UnicodeDecodeError:
        return NOT_UTF8
    except RecursionError:
        return TOO_DEEP
    except ValueError as error:
        return f"{NOT_JSON}: {error}"
    return HALF_CHARACTER if HALF.search(json.dumps(value, ensure_ascii=False)) else NO_NUMBER
