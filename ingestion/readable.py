"""JSON and texts of upstream that strict readers refuse: half surrogates, NaN, marks, nesting without end."""

from __future__ import annotations

import json
from typing import Any

import orjson

from ingestion.records import Malformed


class TooDeep(Malformed):
    """A text that is nested so deeply that no reader takes it."""


def read_json(content: bytes) -> Any:
    """The value of a text, a byte order mark or not. Raises Malformed, TooDeep."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass  # orjson is too strict for some, as half surrogates, and gives no reason for nesting
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8 at byte {error.start:,}") from error
    except RecursionError as error:
        raise TooDeep("nested too deeply") from error
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from error


def write_json(value: Any) -> str:
    """A value as ASCII text, so that it can be stored whatever stands in it. Raises TooDeep."""
    try:
        return json.dumps(value, separators=(",", ":"))
    except RecursionError as error:
        raise TooDeep("nested too deeply") from error


def storable(text: str) -> str:
    """A text as UTF-8 can hold it: half a surrogate is written as its escape."""
    return text.encode("utf-8", "backslashreplace").decode()
