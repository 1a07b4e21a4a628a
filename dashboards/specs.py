"""What a domain's folder says: its metrics, and its dashboards with their filters and rows of charts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

import yaml

from dashboards.contracts import Mart, marts
from trendhouse.errors import TrendhouseError

FOLDER = Path(__file__).parent
METRICS = "metrics.yml"
WIDTH = 12


class AssetError(TrendhouseError):
    """A file of a domain's folder names what does not exist; the message says which and where."""


def uuid_of(*names: str) -> str:
    """The same for the same names, on every machine and in every release."""
    return str(uuid5(NAMESPACE_URL, "/".join(("trendhouse", "dashboards", *names))))


@dataclass(frozen=True)
class Metric:
    """A figure of a mart: an aggregate expression that DuckDB and Snowflake both know."""

    name: str
    expression: str
    format: str = ",d"


@dataclass(frozen=True)
class Chart:
    """One chart over one mart.

    `table` shows `columns` with `metrics` per combination, `rows` the mart's own rows; `bar` and `line`
    draw `metrics` over `x`, a series for each value of `by`; `pie` shares one metric out over `x`;
    `number` is one metric. `order` is a metric, of `rows` a column; the largest comes first unless
    `ascending`. `where` lists conditions: column, operator, value.
    """

    name: str
    mart: str
    kind: Literal["number", "table", "rows", "bar", "line", "pie"]
    about: str = ""
    columns: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    x: str = ""
    by: str = ""
    grain: str = ""
    order: str = ""
    ascending: bool = False
    limit: int = 1000
    where: list[list[Any]] = field(default_factory=list)
    width: int = 4
    stacked: bool = False
    flat: bool = False

    @property
    def order_column(self) -> str:
        return self.order if self.kind == "rows" else ""

    @property
    def named_columns(self) -> list[str]:
        """Every column of the mart that the chart cannot do without."""
        conditions = [condition[0] for condition in self.where]
        named = [*self.columns, self.x, self.by, self.order_column, *conditions]
        return [name for name in named if name]

    @property
    def named_metrics(self) -> list[str]:
        order = self.order if self.kind != "rows" else ""
        return [name for name in (*self.metrics, order) if name]


@dataclass(frozen=True)
class Filter:
    """A choice of the reader: values of a mart's column, or a period if there is no column.

    It applies to every chart whose mart has the column; `own` keeps it to the charts of its own mart.
    `value` is chosen at the start; `first` chooses the first value instead, which is the largest by the
    metric `order`; `after` names the filter whose choice narrows the values of this one.
    """

    name: str
    mart: str = ""
    column: str = ""
    about: str = ""
    value: str = ""
    first: bool = False
    single: bool = False
    order: str = ""
    after: str = ""
    own: bool = False


@dataclass(frozen=True)
class Row:
    """A line of charts side by side, twelve columns wide; or a heading above what follows."""

    charts: list[Chart] = field(default_factory=list)
    height: int = 40
    heading: str = ""


@dataclass(frozen=True)
class Dashboard:
    """One page: its filters, and its rows from top to bottom."""

    slug: str
    title: str
    about: str
    filters: list[Filter]
    rows: list[Row]

    @property
    def charts(self) -> list[Chart]:
        return [chart for row in self.rows for chart in row.charts]


@dataclass(frozen=True)
class Domain:
    """A domain's marts, metrics and dashboards, every name in them resolved."""

    name: str
    marts: dict[str, Mart]
    metrics: dict[str, dict[str, Metric]]
    dashboards: list[Dashboard]

    def used_marts(self, dashboard: Dashboard) -> set[str]:
        """The marts that a dashboard's charts and filters read."""
        return {each.mart for each in (*dashboard.charts, *dashboard.filters) if each.mart}

    @property
    def all_used_marts(self) -> set[str]:
        return set().union(*map(self.used_marts, self.dashboards))


def domains(folder: Path = FOLDER) -> list[str]:
    """Every folder with metrics is a domain."""
    return sorted(path.parent.name for path in folder.glob(f"*/{METRICS}"))


def load(domain: str, known: dict[str, Mart] | None = None, folder: Path = FOLDER) -> Domain:
    """A domain as its folder describes it, over the marts `known`, else those of dbt. Raises AssetError."""
    declared = yaml.safe_load((folder / domain / METRICS).read_text(encoding="utf-8"))
    metrics = {
        mart: {name: metric(name, said) for name, said in figures.items()}
        for mart, figures in declared.items()
    }
    paths = sorted(path for path in (folder / domain).glob("*.yml") if path.name != METRICS)
    found = [dashboard(path) for path in paths]
    loaded = Domain(domain, known or marts(domain), metrics, found)
    complaints = [*complaints_of_metrics(loaded), *complaints_of_dashboards(loaded)]
    if complaints:
        raise AssetError("\n".join(complaints))
    return loaded


def metric(name: str, said: str | dict[str, str]) -> Metric:
    return Metric(name, said) if isinstance(said, str) else Metric(name, **said)


def dashboard(path: Path) -> Dashboard:
    """One file's dashboard. Raises AssetError for a word that no chart, filter or row knows."""
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        filters = [Filter(**each) for each in said.pop("filters")]
        rows = []
        for each in said.pop("rows"):
            charts = [Chart(**chart) for chart in each.pop("charts", [])]
            rows.append(Row(charts=charts, **each))
        return Dashboard(slug=path.stem, filters=filters, rows=rows, **said)
    except (TypeError, KeyError) as error:
        raise AssetError(f"{path.name}: {error}") from error


def columns_in(expression: str, mart: Mart) -> list[str]:
    """The mart's columns that an expression names, in its order."""
    words = re.findall(r"[a-z_][a-z0-9_]*(?!\w*\()", expression)
    return [word for word in words if word in mart.columns]


def complaints_of_metrics(domain: Domain) -> list[str]:
    found = []
    for name, metrics in domain.metrics.items():
        mart = domain.marts.get(name)
        if mart is None:
            found.append(f"{METRICS}: there is no mart {name}")
            continue
        for each in metrics.values():
            words = set(re.findall(r"\b[a-z_][a-z0-9_]*\b(?!\()", each.expression))
            for word in sorted(words - set(mart.columns) - {"distinct"}):
                found.append(f"{METRICS}: {each.name} names {word}, which {name} does not have")
    return found


def complaints_of_dashboards(domain: Domain) -> list[str]:
    found = []
    for page in domain.dashboards:
        for each in (*page.charts, *page.filters):
            named = each.named_columns if isinstance(each, Chart) else [each.column]
            metrics = each.named_metrics if isinstance(each, Chart) else [each.order]
            if not each.mart:
                continue
            place, mart = f"{page.slug}: {each.name}", domain.marts.get(each.mart)
            if mart is None:
                found.append(f"{place} is over {each.mart}, which is no mart of {domain.name}")
                continue
            found += [
                f"{place} names {name}, which {mart.name} does not have"
                for name in named
                if name not in mart.columns
            ]
            found += [
                f"{place} shows {name}, which is no metric of {mart.name}"
                for name in filter(None, metrics)
                if name not in domain.metrics.get(mart.name, {})
            ]
    return found
