"""How many rows of a mart may break a promise before the mart is kept back: one in a thousand."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 0.001
ROWS_FOUND = "expect_no_rows"


def odd_rows(result) -> int | None:
    """How many rows break a promise; None for one that is about the whole table, or could not be looked at."""
    raised = (result.exception_info or {}).values()
    if any(isinstance(about, dict) and about.get("raised_exception") for about in raised):
        return None
    if result.expectation_config.type == ROWS_FOUND:
        return result.result["observed_value"]
    return result.result.get("unexpected_count")


def is_tolerable(broken: Iterable, row_count: int) -> bool:
    """Whether each of the broken promises is broken by at most MOST of all rows of the mart."""
    return all(
        (odd := odd_rows(result)) is not None and odd <= MOST * row_count for result in broken
    )
