"""What a declared column promises of every single row, beside its type: bounds, a pattern, a set of values."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from trendhouse.declared.source_text import wrong_reference

RULE = re.compile(r"([a-z][a-z0-9_]*) >= ([a-z][a-z0-9_]*)")
# Per type what a bound may be, in words and as Python has it.
BOUNDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "bigint": ("a whole number", (int,)),
    "double": ("a number", (int, float)),
    "date": ("a day, as 2018-01-01", (date,)),
    "timestamp": ("a time, as 2011-02-01 00:00:00", (datetime,)),
}
TEXTS = ("string",)


class RowPromise(BaseModel):
    """Bounds are inclusive; `pattern` is a regular expression that the value must contain.

    Only for values that no record can rightly have: what upstream may add one day (another state,
    another kind of account) is no fault of a row.
    """

    min: Any = None
    max: Any = None
    pattern: str | None = None
    one_of: list[str] | None = None

    @property
    def promise(self) -> dict[str, Any]:
        """What is promised, by name; empty if nothing is."""
        given = {name: getattr(self, name) for name in RowPromise.model_fields}
        return {name: value for name, value in given.items() if value is not None}

    def require_fit(self, kind: str) -> None:
        """Raises the reader's error for a promise that a column of the type `kind` cannot be held to."""
        for name in ("min", "max"):
            if (value := self.promise.get(name)) is not None:
                require_bound(name, value, kind)
        if self.min is not None and self.max is not None and self.min > self.max:
            raise wrong_reference("`min` is above `max`", "exchange them.", "min")
        for name in ("pattern", "one_of"):
            if name in self.promise and kind not in TEXTS:
                raise wrong_reference(
                    f"a {kind} has no `{name}`", "use `min` and `max`, or remove it.", name
                )
        if self.one_of == []:
            raise wrong_reference("`one_of` is empty", "list the values.", "one_of")
        require_expression(self.pattern)


def require_bound(name: str, value: Any, kind: str) -> None:
    if kind not in BOUNDS:
        raise wrong_reference(f"a {kind} has no `{name}`", "remove it.", name)
    words, types = BOUNDS[kind]
    # A Python truth value is a number, and a time is a day.
    is_other = isinstance(value, bool) or (kind == "date" and isinstance(value, datetime))
    if is_other or not isinstance(value, types):
        raise wrong_reference(f"`{name}` of a {kind} is {words}", f"not {value!r}.", name)


def require_expression(pattern: str | None) -> None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise wrong_reference(
            f"`{pattern}` is no regular expression: {error}", "mend it.", "pattern"
        ) from None


def comparison(rule: str, *at: str | int) -> tuple[str, str]:
    """The two columns of `a >= b`; `at` is where the rule stands, for the reader's error."""
    found = RULE.fullmatch(rule)
    if not found:
        raise wrong_reference(
            f"`{rule}` is no rule of a row",
            "write it as in `issues_count >= open_issues_count`.",
            *at,
        )
    return found[1], found[2]
