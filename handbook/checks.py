"""The page of the last checks, from the results that Great Expectations has kept of each suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from handbook.markdown import cell, code, page, table

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult as Result


def write(results: Path) -> str:
    """What each suite said when it was last asked, the broken promises first."""
    found = sorted(map(read, results.rglob("*.json")), key=lambda each: each.suite_name)
    broken = [line for each in found for line in broken_promises(each)]
    return page(
        "Results of the last checks",
        f"{len(found)} suites, {len(broken)} broken promises. A table is asked again when it has "
        "changed; what each suite promises: [expectations](reference/expectations.md).",
        "\n".join(f"- {line}" for line in broken),
        table(("suite", "holds", "promises", "kept", "asked, UTC"), map(row, found)),
    )


def read(path: Path) -> Result:
    from great_expectations.core.expectation_validation_result import (
        expectationSuiteValidationResultSchema,
    )

    return expectationSuiteValidationResultSchema.load(json.loads(path.read_text(encoding="utf-8")))


def broken_promises(result: Result) -> list[str]:
    from expectations.results import describe

    return [cell(describe(result.suite_name, each)) for each in result.results if not each.success]


def row(result: Result) -> tuple[object, ...]:
    """Suite, whether it holds, how many promises it has and how many were kept, when it was asked."""
    return (
        code(result.suite_name),
        "yes" if result.success else "**no**",
        result.statistics["evaluated_expectations"],
        result.statistics["successful_expectations"],
        result.meta["run_id"]["run_time"][:16].replace("T", " "),
    )
