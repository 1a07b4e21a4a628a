"""What a broken promise says to people: suite, expectation, column and the values seen."""

from __future__ import annotations


def describe(suite: str, result) -> str:
    """One line: suite, expectation, column, what was seen."""
    config = result.expectation_config
    promised = {
        name: value
        for name, value in config.kwargs.items()
        if name not in ("batch_id", "unexpected_rows_query", "declared")
    }
    column = promised.pop("column", None)
    about = f"column {column}" if column else config.description or "table"
    told = f", {promised}" if promised else ""
    return f"{suite}: {config.type} ({about}{told}): {seen(result)}"


def seen(result) -> str:
    """The values that broke a promise, or the error that kept it from being looked at."""
    for about in (result.exception_info or {}).values():
        if isinstance(about, dict) and about.get("raised_exception"):
            return f"could not be checked: {about['exception_message']}"
    found = result.result
    values = found.get("partial_unexpected_list") or found.get("details", {}).get("unexpected_rows")
    if values:
        count = found.get("unexpected_count") or found.get("observed_value")
        return f"saw {values[:5]} ({count} rows)"
    return f"saw {found.get('details', {}).get('mismatched') or found.get('observed_value')}"
