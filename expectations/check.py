"""Hold clean tables and marts to their suites, where the data lies, and fail loudly."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.lake import Lake, replace_text

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from pyspark.sql import SparkSession

STATE = "_checked.json"
# Spark's jobs over small tables mostly wait for the driver; more threads than this gain nothing.
THREADS = 3


class ExpectationsFailed(Exception):
    """A table broke its promise; each line names suite, expectation, column and the values seen."""


@dataclass
class CheckReport:
    """What was checked: suites, expectations and files or rows; `unchanged` suites were left out."""

    suites: int = 0
    expectations: int = 0
    unchanged: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        kept = f", {self.unchanged} unchanged since the last check" if self.unchanged else ""
        return f"{self.suites} suites, {self.expectations} expectations hold{kept}"

    def add(self, suite: ExpectationSuite, result) -> bool:
        """Count a validated suite; whether it holds."""
        self.suites += 1
        self.expectations += len(result.results)
        lines = [describe(suite.name, each) for each in result.results if not each.success]
        self.broken += lines
        return not lines


@dataclass
class Clean:
    """One clean table to be checked: the live files of every partition that changed."""

    table: str
    files: list[Path]
    live: list[str]
    suite: ExpectationSuite


def check_clean(spark: SparkSession, lake: Lake, source: str, data_docs: Path) -> CheckReport:
    """Hold what changed in the clean tables of `source` to its suites, as Spark batches.

    A table is read in the partitions that have new files since it last passed; the same table with
    another suite is read whole. Raises ExpectationsFailed; tables that hold are remembered.
    """
    suites = importlib.import_module(f"expectations.clean.{source}").SUITES
    state = Verdicts(lake.clean / source / STATE)
    report = CheckReport()
    waiting = []
    for table, suite in suites.items():
        live = manifest_files(lake, source, table)
        changed = changed_partitions(live, state.files(table, suite))
        if changed:
            folder = lake.clean_table(source, table)
            waiting.append(Clean(table, [folder / name for name in changed], live, suite))
        elif live:
            report.unchanged += 1
    if waiting:
        validate_clean(spark, source, waiting, data_docs, state, report)
    if report.broken:
        raise ExpectationsFailed("\n".join(report.broken))
    return report


def validate_clean(
    spark: SparkSession, source: str, waiting: list[Clean], data_docs: Path, state: Verdicts, report: CheckReport
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
        held = report.add(clean.suite, result)
        state.keep(clean.table, clean.suite, clean.live if held else None)
    checks.write_pages()


def manifest_files(lake: Lake, source: str, table: str) -> list[str]:
    path = lake.manifest(source, table)
    return json.loads(path.read_text())["files"] if path.exists() else []


def changed_partitions(live: Iterable[str], checked: Iterable[str]) -> list[str]:
    """All live files of each partition folder that has a file which was not checked yet."""
    known = set(checked)
    touched = {Path(name).parent for name in live if name not in known}
    return [name for name in live if Path(name).parent in touched]


class Verdicts:
    """Which files passed which suite, per table; replaced atomically."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tables: dict[str, dict] = json.loads(path.read_text()) if path.exists() else {}

    def files(self, table: str, suite: ExpectationSuite) -> list[str]:
        known = self.tables.get(table, {})
        return known.get("files", []) if known.get("suite") == fingerprint(suite) else []

    def keep(self, table: str, suite: ExpectationSuite, files: list[str] | None) -> None:
        """Remember that `files` hold; None: that the table does not, until it is checked again."""
        if files is None:
            self.tables[table] = {"failed": True}
        else:
            self.tables[table] = {"suite": fingerprint(suite), "files": files}
        replace_text(self.path, json.dumps(self.tables, indent=1))


def fingerprint(suite: ExpectationSuite) -> str:
    """Another expectation, another fingerprint."""
    told = [[each.expectation_type, each.configuration.kwargs] for each in suite.expectations]
    return sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]


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
    return f"{suite}: {config.type} ({about}, {promised}): {seen(result)}"


def seen(result) -> str:
    """The values that broke a promise, or the error that kept it from being looked at."""
    for about in (result.exception_info or {}).values():
        if isinstance(about, dict) and about.get("raised_exception"):
            return f"could not be checked: {about['exception_message']}"
    found = result.result
    values = found.get("partial_unexpected_list") or found.get("details", {}).get("unexpected_rows")
    if values:
        count = found.get("unexpected_count") or found.get("observed_value")
        return f"saw {values[:5]} ({count} of {found.get('element_count', 'the')} rows)"
    return f"saw {found.get('observed_value')}"
