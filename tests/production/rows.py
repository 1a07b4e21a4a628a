"""The rows of a table in DuckDB and in Snowflake, in one form that can be compared."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

Rows = list[tuple]


def normalised(rows: list[tuple]) -> Rows:
    """Sorted; numbers that mean the same are the same: Snowflake's NUMBER arrives as Decimal."""
    return sorted((tuple(map(plain, row)) for row in rows), key=lambda row: [*map(order, row)])


def plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    return round(value, 9) if isinstance(value, float) else value


def order(value: Any) -> tuple[bool, str]:
    return value is not None, str(value)


def difference(columns: list[str], one: Rows, other: Rows) -> str:
    """What differs first, for people; empty if nothing does."""
    if one == other:
        return ""
    for left, right in zip(one, other, strict=False):
        if left != right:
            pairs = zip(columns, left, right, strict=True)
            told = [f"{name}: {a!r} and {b!r}" for name, a, b in pairs if a != b]
            return f"{len(one)} and {len(other)} rows; {'; '.join(told[:4])}"
    return f"{len(one)} and {len(other)} rows"
