"""State that is kept as JSON, read back: whole, or told as what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trendhouse.errors import TrendhouseError

REMEDY = "`trendhouse repair` mends it, or says what to do."


class StateBroken(TrendhouseError, ValueError):
    """A file of the house's own state is not whole; the message says which, and the remedy."""


def read_state(path: Path, kind: type = dict) -> Any:
    """The JSON value of a file that `replace_text` wrote. Raises StateBroken for half a file and for what
    is no `kind`, FileNotFoundError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StateBroken(f"{path} is broken ({error}). {REMEDY}") from error
    if not isinstance(content, kind):
        raise StateBroken(f"{path} is broken (no {kind.__name__}). {REMEDY}")
    return content
