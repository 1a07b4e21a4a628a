"""Hold clean tables and marts to their suites, where the data lies, and fail loudly."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from expectations.verdicts import CLEAN, Verdicts
from ingestion.lake import Lake

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from pyspark.sql import SparkSession

# Spark's jobs over small tables mostly wait for the driver; more threads than this gain nothing.
THREADS = 3


class ExpectationsFailed(Exception):
    """A table broke its promise; each line names suite, expectation, column and the values seen."""


@dataclass
class CheckReport:
    """What was checked: suites and expectations; `unchanged` suites had nothing new to look at."""

    suites: int = 0
    expectations: int = 0
    unchanged: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        kept = f", {self.unchanged} suites with nothing new" if self.unchanged else ""
        return f"{self.suites} suites, {self.expectations} expectations hold{kept}"

    def add(self, suite: ExpectationSuite, result) -> bool:
        """Count a validated suite; whether it holds."""
        self.suites += 1
        self.expectations += len(result.results)
        lines = [describe(suite.name, each) for each in result.results if not each.success]
        self.broken += lines
        return not lines

    def settle(self) -> CheckReport:
        if self.broken:
            raise ExpectationsFailed("\n".join(self.broken))
        return self


@dataclass
class Clean:
    """One clean table to be checked: the live files of every partition that changed."""

    table: str
    files: list[Path]
    live: list[str]
    suite: ExpectationSuite


def check_clean(spark: SparkSession, lake: Lake, source: str, data_docs: Path) -> CheckReport:
    """Hold what changed in the clean tables of `source` to its suites, as Spark batches.

    A table is read in the partitions that have new files since it last held; under another suite it
    is read whole. Raises ExpectationsFailed; the tables that hold are remembered all the same.
    """
    suites = importlib.import_module(f"expectations.clean.{source}").SUITES
    verdicts = Verdicts(lake.clean / source / CLEAN)
    report = CheckReport()
    waiting = []
    for table, suite in suites.items():
        live = live_files(lake, source, table)
        changed = changed_partitions(live, verdicts.reached(table, suite, []))
        if changed:
            folder = lake.clean_table(source, table)
            files = lake.here(folder / name for name in changed)
            waiting.append(Clean(table, files, live, suite))
        elif live:
            report.unchanged += 1
    if waiting:
        validate_clean(spark, source, waiting, data_docs, verdicts, report)
    return report.settle()


def validate_clean(
    spark: SparkSession,
    source: str,
    waiting: list[Clean],
    data_docs: Path,
    verdicts: Verdicts,
    report: CheckReport,
) -> None:
    from expectations.context import Checks

    checks = Checks(data_docs)
    validations = {}
    for clean in waiting:
        # A data source per table, since GX keeps the batch at work in the source's engine.
        asset = checks.context.data_sources.add_spark(
            f"{source}.{clean.table}", persist=False
        ).add_dataframe_asset(clean.table)
        batch = asset.add_batch_definition_whole_dataframe("changed partitions")
        validations[clean.table] = checks.define(batch, clean.suite)

    def validate(clean: Clean):
        frame = spark.read.parquet(*map(str, clean.files))
        return checks.validate(validations[clean.table], {"dataframe": frame})

    with ThreadPoolExecutor(THREADS, thread_name_prefix="expectations") as pool:
        results = list(pool.map(validate, waiting))
    for clean, result in zip(waiting, results, strict=True):
        holds = report.add(clean.suite, result)
        verdicts.keep(clean.table, clean.suite, clean.live, holds=holds)
    checks.write_pages()


def live_files(lake: Lake, source: str, table: str) -> list[str]:
    path = lake.manifest(source, table)
    return json.loads(path.read_text())["files"] if path.exists() else []


def changed_partitions(live: Iterable[str], checked: Iterable[str]) -> list[str]:
    """All live files of each partition folder that has a file which was not checked yet."""
    known = set(checked)
    touched = {Path(name).parent for name in live if name not in known}
    return [name for name in live if Path(name).parent in touched]


def check_marts(warehouse: Path, domain: str, data_docs: Path) -> CheckReport:
    """Hold the marts of `domain` to their suites by SQL in the warehouse itself.

    A mart that grows with history is checked in the periods that changed, every other one whole.
    Raises ExpectationsFailed, also for a mart that does not exist.
    """
    from expectations.changes import Changes
    from expectations.context import Checks
    from expectations.warehouse import data_source, release

    suites = importlib.import_module(f"expectations.marts.{domain}").SUITES
    report = CheckReport()
    checks = Checks(data_docs)
    source = data_source(checks.context, warehouse)
    try:
        with Changes(source.get_engine(), warehouse, domain) as changes:
            for mart, suite in suites.items():
                query = changes.query(mart, suite)
                if query is None:
                    report.unchanged += 1
                    continue
                asset = source.add_query_asset(mart, query=query)
                batch = asset.add_batch_definition_whole_table("changed periods")
                holds = report.add(suite, checks.validate(checks.define(batch, suite)))
                changes.keep(mart, suite, holds=holds)
    finally:
        release(source)
    checks.write_pages()
    return report.settle()


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
