"""Hold clean tables and marts to their suites, where the data lies, and fail loudly."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from expectations.results import describe
from trendhouse.errors import RefusedError
from trendhouse.lake.lake import Lake
from trendhouse.state import read_state
from trendhouse.verdicts import CLEAN, Verdicts

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from pyspark.sql import SparkSession

# Spark's jobs over small tables mostly wait for the driver; more threads than this gain nothing.
THREADS = 3


class ExpectationsFailed(RefusedError):
    """A clean table broke its promise; each line names suite, expectation, column and the values seen."""


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
        broken = f", {len(self.broken)} do not" if self.broken else ""
        held = self.expectations - len(self.broken)
        return f"{self.suites} suites, {held} expectations hold{broken}{kept}"

    def add(self, result, lines: list[str]) -> None:
        """Count a validated suite, and what it says of the promises that are broken."""
        self.suites += 1
        self.expectations += len(result.results)
        self.broken += lines

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
        lines = [describe(clean.suite.name, each) for each in result.results if not each.success]
        report.add(result, lines)
        verdicts.keep(clean.table, clean.suite, clean.live, holds=not lines, broken=lines)
    checks.write_pages()


def live_files(lake: Lake, source: str, table: str) -> list[str]:
    path = lake.manifest(source, table)
    return read_state(path)["files"] if path.exists() else []


def changed_partitions(live: Iterable[str], checked: Iterable[str]) -> list[str]:
    """All live files of each partition folder that has a file which was not checked yet."""
    known = set(checked)
    touched = {Path(name).parent for name in live if name not in known}
    return [name for name in live if Path(name).parent in touched]


def check_marts(warehouse: Path, domain: str, data_docs: Path) -> CheckReport:
    """Hold the marts of `domain` to their suites by SQL in the warehouse itself.

    A mart that grows with history is checked in the periods that changed, every other one whole. What
    does not hold is in the report, and in the verdict on its mart: `publish` keeps back what is refused.
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
                result = checks.validate(checks.define(batch, suite))
                report.add(result, changes.settle(mart, suite, result))
    finally:
        release(source)
    checks.write_pages()
    return report
