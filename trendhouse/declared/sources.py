"""The only reader of `sources/*.yml`: what a source is, checked, with errors that name the line."""

from __future__ import annotations

import difflib
import os
import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from trendhouse.declared.row_promises import RowPromise, comparison
from trendhouse.declared.source_text import (
    SpecError,
    explain,
    read_mapping,
    unknown_reference,
    wrong_reference,
)

SOURCES = Path(__file__).parents[2] / "ingestion" / "sources"

ColumnType = Literal["string", "bigint", "double", "boolean", "date", "timestamp", "json"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
CRON = re.compile(r"[\d*/,#A-Za-z-]+( [\d*/,#A-Za-z-]+){4}")

RAW_COLUMNS = (
    "record",
    "context",
    "record_key",
    "cursor_value",
    "partition_name",
    "source_url",
    "collected_at",
    "observed_at",
    "load_id",
)
LOAD_COLUMNS = {
    "partition_name": "string",
    "source_url": "string",
    "collected_at": "timestamp",
    "observed_at": "timestamp",
    "load_id": "string",
    "clean_version": "bigint",
}


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(Model, RowPromise):
    """A clean column: where its value stands in the record, what type and what values it must have.

    `path` is dotted (`owner.login`); `a|b` takes the first that is not null; `@name` reads the
    landing context, `$` the whole record, `$each.x` (or `$each`) the exploded element. A record that
    breaks what `min`, `max`, `pattern` or `one_of` promise goes to quarantine.
    """

    type: ColumnType
    path: str = ""
    nullable: bool = True
    description: str

    @model_validator(mode="after")
    def promise_what_its_type_can_hold(self) -> Column:
        self.require_fit(self.type)
        return self


class Endpoint(Model):
    """One upstream path: how it is asked, paged and resumed.

    A list in descending order is read until it reaches the table's cursor (`stop_at_cursor`) or, where
    the winner is not told by that order, the newest value landed of the column `stop_at`. `parents` is the
    column in which an item names those it came after, as a commit does.
    """

    path: str
    params: dict[str, str | int] = {}
    paging: Literal["link", "none"] = "none"
    conditional: bool = True
    since: str | None = None
    overlap_hours: float = 1
    stop_at_cursor: bool = False
    stop_at: Name | None = None
    parents: Name | None = None
    computed: bool = False
    optional: bool = False


class Query(Model):
    """One GraphQL document (`connectors/<source>_<name>.graphql`) asked for ids in batches."""

    document: str
    batch: int = Field(100, ge=1, le=100)


class Explode(Model):
    """A record whose winner becomes several clean rows: an array's items or a map's entries."""

    path: str
    kind: Literal["array", "map"]


class Partition(Model):
    """The attribute that cuts a clean table into folders; it never changes for a key."""

    column: str
    by: Literal["day", "month", "year", "bucket", "value"]
    buckets: int = Field(8, ge=1, le=1024)


class Floor(Model):
    """The least capture rate of a ledger partition, and what a shortfall does."""

    capture_rate: float = Field(ge=0, le=1)
    action: Literal["block", "flag"] = "block"


class Table(Model):
    """A clean table: what lands it, its key, its winner rule and its columns.

    `rules` compare two columns of a row (`issues_count >= open_issues_count`), where both are known.
    """

    description: str
    endpoint: Endpoint | None = None
    query: Query | None = None
    raw: Name | None = None
    key: list[Name] = Field(min_length=1)
    cursor: str | None = None
    explode: Explode | None = None
    partition: Partition | None = None
    floor: Floor | None = None
    ignore: list[str] = []
    rules: list[str] = []
    columns: dict[Name, Column] = Field(min_length=1)

    @property
    def measure(self) -> Literal["held", "landed"]:
        """What a reading is held against: a list that comes in parts, by the keys that are held; what
        comes whole, by the rows of that answer or file."""
        return "held" if self.endpoint and self.endpoint.paging == "link" else "landed"

    @property
    def comparisons(self) -> list[tuple[str, str]]:
        """Of each rule the column that is never less, and the one that it is compared with."""
        return [comparison(rule) for rule in self.rules]

    @model_validator(mode="after")
    def refer_to_declared_columns(self) -> Table:
        known = {*self.columns, "observed_at", "collected_at"}
        named: list[tuple[str | None, tuple[str | int, ...]]] = [
            *((name, ("key", place)) for place, name in enumerate(self.key)),
            (self.cursor, ("cursor",)),
            (self.partition and self.partition.column, ("partition", "column")),
            (self.endpoint and self.endpoint.stop_at, ("endpoint", "stop_at")),
            (self.endpoint and self.endpoint.parents, ("endpoint", "parents")),
        ]
        for name, at in named:
            if name is not None and name not in known:
                raise unknown_reference(name, "table's columns", known, *at)
        return self

    @model_validator(mode="after")
    def compare_declared_columns(self) -> Table:
        for place, rule in enumerate(self.rules):
            columns = comparison(rule, "rules", place)
            for name in columns:
                if name not in self.columns:
                    raise unknown_reference(name, "table's columns", self.columns, "rules", place)
            if len({self.columns[name].type for name in columns}) > 1:
                remedy = "compare columns of one type."
                raise wrong_reference(f"`{rule}` compares two types", remedy, "rules", place)
        return self


class Schedule(Model):
    """When a source is landed: a cron expression by the clocks of a named zone.

    Missed times are not made up for, since a landing goes on from its cursor; from
    `catchup_since` on they are, where every time has to have a run of its own.
    """

    cron: str
    timezone: str = "UTC"
    catchup_since: date | None = None

    @field_validator("cron")
    @classmethod
    def has_five_fields(cls, cron: str) -> str:
        if not CRON.fullmatch(cron):
            raise wrong_reference(f"`{cron}` is no cron expression", "write it as in `0 4 * * 2`.")
        return cron

    @field_validator("timezone")
    @classmethod
    def is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            near = difflib.get_close_matches(name, available_timezones(), n=1) or ["Asia/Seoul"]
            remedy = f"write it as in `{near[0]}`."
            raise wrong_reference(f"`{name}` is no time zone", remedy) from None
        return name


class Pool(Model):
    """The Airflow pool that a source's tasks take, one slot each."""

    name: Name
    slots: int = Field(1, ge=1)


class Location(Model):
    """Where it is found: a default and the variable over it; another, for the client's patience."""

    env: str
    default: str
    patience_env: str | None = None

    def resolve(self) -> str:
        return os.environ.get(self.env) or self.default

    def patience(self) -> float:
        """The factor on every pause. Raises SpecError for what is no number above 0."""
        said = os.environ.get(self.patience_env or "") or "1"
        if not re.fullmatch(r"\d*\.?\d+", said) or not float(said):
            raise SpecError(f"{self.patience_env} is `{said}`; give a number above 0, as 1.")
        return float(said)


class SourceSpec(Model):
    """One source, as its YAML declares it; `name` is the file's stem."""

    name: Name
    domain: Literal["opensource", "movies", "hotels", "warehouse"]
    description: str
    owner: str
    connector: Name | None
    location: Location | None = None
    schedule: Schedule | None = None
    pool: Pool | None = None
    retries: int = Field(2, ge=0)
    retry_minutes: float = Field(5, gt=0)
    # What upstream keeps apart for ever, so that a back-fill can ask for it again.
    history: Literal["hour", "day"] | None = None
    freshness_hours: int | None = None
    tables: dict[Name, Table]

    @model_validator(mode="after")
    def refer_to_declared_tables(self) -> SourceSpec:
        if self.connector and "readings" in self.tables:
            raise wrong_reference("every landed source has it", "remove it.", "tables", "readings")
        for name, table in self.tables.items():
            if table.raw is not None and table.raw not in self.tables:
                raise unknown_reference(
                    table.raw, "source's tables", self.tables, "tables", name, "raw"
                )
        return self

    def raw_name(self, table: str) -> str:
        """The raw table that a clean table is made of; several clean tables may share one."""
        return self.tables[table].raw or table

    def floor_of(self, table: str) -> Floor | None:
        """The floor of a clean table; what is made of the same raw rows is held to it as well."""
        return self.tables[table].floor or self.tables[self.raw_name(table)].floor


READINGS = Table(
    description="What the upstream said it holds, asked independently of the landing. "
    "One row per stream, partition and moment.",
    key=["stream_name", "partition_name_read", "observed_at"],
    cursor="observed_at",
    columns={
        "stream_name": Column(type="string", nullable=False, description="Table that is counted."),
        "partition_name_read": Column(
            type="string",
            path="partition_name",
            nullable=False,
            description="Ledger partition that is counted.",
        ),
        "expected_count": Column(
            type="bigint", nullable=False, min=0, description="Records upstream says there are."
        ),
        "method": Column(type="string", nullable=False, description="How the number was obtained."),
    },
)


@cache
def load_spec(name: str, folder: Path = SOURCES) -> SourceSpec:
    """The source `name`. Raises SpecError with file, line and remedy."""
    path = folder / f"{name}.yml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yml")))
        raise SpecError(f"No source is called `{name}`: {path} does not exist. Known: {known}.")
    text = path.read_text(encoding="utf-8")
    values = read_mapping(path, text)
    try:
        spec = SourceSpec.model_validate({**values, "name": name})
    except ValidationError as error:
        raise SpecError(explain(path, text, error, all_keys())) from error
    if spec.connector is None:
        return spec
    return spec.model_copy(update={"tables": {**spec.tables, "readings": READINGS}})


def load_specs(folder: Path = SOURCES) -> list[SourceSpec]:
    """Every declared source, by name."""
    return [load_spec(path.stem, folder) for path in sorted(folder.glob("*.yml"))]


def landed_specs(folder: Path = SOURCES) -> list[SourceSpec]:
    """The sources that something upstream lands (not the warehouse's own ledger)."""
    return [spec for spec in load_specs(folder) if spec.connector]


def all_keys() -> set[str]:
    """Every key that a source file may hold somewhere."""
    models = (SourceSpec, Table, Column, Endpoint, Query, Explode, Partition, Floor, Schedule)
    return {name for model in (*models, Pool, Location) for name in model.model_fields}
