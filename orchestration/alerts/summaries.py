"""What the steps of a run have returned so far, for the messages about it: a line each, and rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

# The tasks that return what they did, in their order; the last one that has rows says how many.
STEPS = ("land", "deduplicate", "check_clean", "check_marts", "publish")

log = logging.getLogger(__name__)


def summaries(context: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By step, what it returned in this run; empty where Airflow cannot tell."""
    instance = context.get("ti")
    dag = context.get("dag") or getattr(getattr(instance, "task", None), "dag", None)
    found = {}
    for name in STEPS:
        if name not in getattr(dag, "task_ids", ()):
            continue
        try:
            returned = instance.xcom_pull(task_ids=name)
        except Exception as error:
            log.warning("What %s returned is not known: %s", name, type(error).__name__)
            continue
        if isinstance(returned, dict) and "summary" in returned:
            found[name] = returned
    return found


def rows_of(steps: Mapping[str, Mapping[str, Any]]) -> int | None:
    """Rows of the last step that counted any."""
    counts = [step["rows"] for step in steps.values() if step.get("rows")]
    return counts[-1] if counts else None


def lines_of(steps: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(f"{name}: {step['summary']}" for name, step in steps.items())
