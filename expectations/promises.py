"""The words that suites are written in: what a table declares, and a few promises by short names."""

from __future__ import annotations

import os
import warnings
from typing import Any, ClassVar

from trendhouse.declared.marts import contracts
from trendhouse.declared.sources import LOAD_COLUMNS, Column, SourceSpec, Table

# Before the import: GX would otherwise report usage to its maker.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

with warnings.catch_warnings():
    # Where Snowflake's connector is installed, it complains of a newer chardet when GX loads it.
    warnings.simplefilter("ignore")
    import great_expectations.expectations as gxe
    from great_expectations import ExpectationSuite
    from great_expectations.core.metric_domain_types import MetricDomainTypes
    from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
    from great_expectations.execution_engine import SparkDFExecutionEngine
    from great_expectations.expectations.expectation import BatchExpectation, Expectation
    from great_expectations.expectations.metrics.metric_provider import metric_partial
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

SPARK_TYPES = {
    "string": "StringType",
    "json": "StringType",
    "bigint": "LongType",
    "double": "DoubleType",
    "boolean": "BooleanType",
    "date": "DateType",
    "timestamp": "TimestampNTZType",
}
SHOWN = 3


class KeyCollisions(TableMetricProvider):
    """Rows beyond the first of their key, counted in the same pass as all other counts."""

    metric_name = "table.key_collisions"
    value_keys = ("key_columns",)

    @metric_partial(
        engine=SparkDFExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _spark(
        cls,
        execution_engine,
        metric_domain_kwargs,
        metric_value_kwargs,
        metrics,
        runtime_configuration,
    ):
        from pyspark.sql import functions as F

        key = F.struct(*[F.col(name) for name in metric_value_kwargs["key_columns"]])
        return F.count(F.lit(1)) - F.count_distinct(key), metric_domain_kwargs, {}


class ExpectUniqueKey(BatchExpectation):
    """Expect one row per key. GX's own form needs a window over the whole batch; this one a count."""

    key_columns: list[str]

    metric_dependencies: ClassVar = ("table.key_collisions",)
    success_keys: ClassVar = ("key_columns",)
    args_keys: ClassVar = ("key_columns",)
    domain_keys: ClassVar = ("batch_id",)

    def _validate(
        self, metrics: dict, runtime_configuration=None, execution_engine=None
    ) -> dict[str, Any]:
        surplus = metrics["table.key_collisions"]
        return {
            "success": surplus == 0,
            "result": {"observed_value": f"{surplus} rows beyond the first of their key"},
        }


class ExpectDeclaredColumns(BatchExpectation):
    """Expect exactly the declared columns with the declared Spark types."""

    declared: dict[str, str]

    metric_dependencies: ClassVar = ("table.column_types",)
    success_keys: ClassVar = ("declared",)
    args_keys: ClassVar = ("declared",)
    domain_keys: ClassVar = ("batch_id",)

    def _validate(
        self, metrics: dict, runtime_configuration=None, execution_engine=None
    ) -> dict[str, Any]:
        found = {
            column["name"]: type(column["type"]).__name__
            for column in metrics["table.column_types"]
        }
        wrong = {
            name: f"{found.get(name, 'no such column')} instead of {self.declared.get(name, 'no such column')}"
            for name in {**self.declared, **found}
            if self.declared.get(name) != found.get(name)
        }
        return {"success": not wrong, "result": {"observed_value": wrong or "as declared"}}


class ExpectNoRows(gxe.UnexpectedRowsExpectation):
    """Expect a query to find nothing; unlike its parent it shows the first rows found."""

    def _validate(
        self, metrics: dict, runtime_configuration=None, execution_engine=None
    ) -> dict[str, Any]:
        count = metrics["unexpected_rows_query.row_count"]
        rows = [
            {name: str(value) for name, value in row.items()}
            for row in metrics["unexpected_rows_query.table"][:SHOWN]
        ]
        return {
            "success": count == 0,
            "result": {"observed_value": count, "details": {"unexpected_rows": rows}},
        }


class ExpectOneRowPerKey(ExpectNoRows):
    """Expect no key to stand twice: a promise of the whole table, which no number of rows excuses."""


def declared_suites(
    spec: SourceSpec,
    promises: dict[str, list[Expectation]] | None = None,
    keys: dict[str, list[str]] | None = None,
) -> dict[str, ExpectationSuite]:
    """One suite per clean table: what its source declares, then `promises` that no row can break alone.

    A promise about single rows is declared beside its column: the deduplication keeps it, and here it
    is held again. `keys` gives the key of a table whose records become several rows each. Raises
    KeyError for a promise about a table that the source does not have.
    """
    promises = promises or {}
    if unknown := set(promises) - set(spec.tables):
        raise KeyError(f"{spec.name} declares no table {', '.join(sorted(unknown))}")
    return {
        name: ExpectationSuite(
            name=f"clean.{spec.name}.{name}",
            expectations=[
                *declared(table, (keys or {}).get(name, table.key)),
                *promises.get(name, []),
            ],
        )
        for name, table in spec.tables.items()
    }


def declared(table: Table, key: list[str]) -> list[Expectation]:
    """Columns and types, what is never null, the key, and the promises of single rows, as the source's
    YAML declares them."""
    types = {name: SPARK_TYPES[column.type] for name, column in table.columns.items()}
    # The load columns come last; `observed_at` may be among the declared ones only as a key.
    types |= {name: SPARK_TYPES[kind] for name, kind in LOAD_COLUMNS.items()}
    required = [name for name, column in table.columns.items() if not column.nullable]
    required += ["collected_at", "observed_at", "load_id", "clean_version"]
    return [
        ExpectDeclaredColumns(declared=types),
        *never_null(*dict.fromkeys([*required, *key])),
        ExpectUniqueKey(key_columns=key),
        *(each for name, column in table.columns.items() for each in of_column(name, column)),
        *(never_less(name, than=other) for name, other in table.comparisons),
    ]


def of_column(name: str, column: Column) -> list[Expectation]:
    """What a column promises of every row, as its source declares it."""
    found = []
    if column.min is not None or column.max is not None:
        found.append(between(name, column.min, column.max))
    if column.pattern is not None:
        found.append(matches(name, column.pattern))
    if column.one_of is not None:
        found.append(one_of(name, *column.one_of))
    return found


def promised(
    mart: str,
    key: str,
    *promises: Expectation,
    domain: str,
    columns: str = "",
    nullable: str = "",
) -> ExpectationSuite:
    """The suite of a mart: its `key` (empty: it has none) has one row and is never null, but for the
    columns in `nullable`; neither is what dbt's tests say is never null. Readers rely on `columns` as well.
    """
    keys = key.split()
    contract = contracts().get(mart)
    required = (
        [name for name, each in contract.columns.items() if each.is_required] if contract else []
    )
    return ExpectationSuite(
        name=f"marts.{domain}.{mart}",
        expectations=[
            gxe.ExpectTableColumnsToMatchSet(
                column_set=[*keys, *columns.split()], exact_match=False
            ),
            *never_null(
                *(n for n in dict.fromkeys([*keys, *required]) if n not in nullable.split())
            ),
            *([unique(*keys)] if keys else []),
            *promises,
        ],
    )


def never_null(*columns: str) -> list[Expectation]:
    return [gxe.ExpectColumnValuesToNotBeNull(column=name) for name in columns]


def at_least(least: Any, *columns: str) -> list[Expectation]:
    return [gxe.ExpectColumnValuesToBeBetween(column=name, min_value=least) for name in columns]


def between(column: str, least: Any, most: Any) -> Expectation:
    return gxe.ExpectColumnValuesToBeBetween(column=column, min_value=least, max_value=most)


def one_of(column: str, *values: str) -> Expectation:
    return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values))


def matches(column: str, pattern: str) -> Expectation:
    """For Spark only: DuckDB has no regular expressions in GX."""
    return gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern)


def never_less(column: str, than: str) -> Expectation:
    """`column` >= `than` wherever both are known."""
    return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=column, column_B=than, or_equal=True, ignore_row_if="either_value_is_missing"
    )


def never(condition: str, sentence: str) -> Expectation:
    """No row fulfils the SQL `condition`; `sentence` says what that means."""
    return ExpectNoRows(
        unexpected_rows_query=f"select * from {{batch}} where {condition}", description=sentence
    )


def unique(*key: str) -> Expectation:
    """One row per key, in SQL that every warehouse speaks."""
    names = ", ".join(key)
    return ExpectOneRowPerKey(
        unexpected_rows_query=f"select {names}, count(*) as row_count from {{batch}} "
        f"group by {names} having count(*) > 1",
        description=f"one row per {names}",
    )
