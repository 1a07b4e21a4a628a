"""The bundle that Superset and Preset import: one zip of databases, datasets, charts and dashboards."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

from dashboards.charts import chart
from dashboards.contracts import Mart
from dashboards.engine import SCHEMA
from dashboards.pages import page
from dashboards.specs import Domain, Metric, columns_in, domains, load, uuid_of

ROOT = "trendhouse"
# The smallest time that a zip can state: the bundle is the same bytes whenever it is made.
STAMP = (1980, 1, 1, 0, 0, 0)
MADE = "2026-01-01T00:00:00+00:00"


class Warehouse(StrEnum):
    """Where the marts of a bundle lie."""

    duckdb = "duckdb"
    snowflake = "snowflake"


class Purpose(StrEnum):
    """What Superset is told that a bundle is: of `assets` an import replaces every part."""

    dashboards = "Dashboard"
    assets = "assets"


@dataclass(frozen=True)
class Connection:
    """The database of a bundle: its name, and its address without any secret."""

    warehouse: Warehouse
    uri: str

    @property
    def asset(self) -> dict[str, Any]:
        return {
            "database_name": f"Trendhouse ({self.warehouse})",
            "sqlalchemy_uri": self.uri,
            "expose_in_sqllab": True,
            "allow_run_async": False,
            "allow_ctas": False,
            "allow_cvas": False,
            "allow_dml": False,
            "allow_csv_upload": False,
            "extra": {"allows_virtual_table_explore": True},
            "uuid": uuid_of("databases", self.warehouse),
            "version": "1.0.0",
        }


def bundle(connection: Connection, purpose: Purpose = Purpose.dashboards) -> bytes:
    """The zip with the dashboards of every domain; the same content is the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, asset in sorted(assets(connection, purpose).items()):
            entry = zipfile.ZipInfo(f"{ROOT}/{name}.yaml", STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, yaml.safe_dump(asset, sort_keys=True, allow_unicode=True))
    return packed.getvalue()


def assets(connection: Connection, purpose: Purpose = Purpose.dashboards) -> dict[str, Any]:
    """Every asset by its path in the bundle."""
    found: dict[str, Any] = {
        "metadata": {"version": "1.0.0", "type": purpose.value, "timestamp": MADE},
        f"databases/{ROOT}": connection.asset,
    }
    for name in domains():
        domain = load(name)
        for mart in sorted(domain.all_used_marts):
            found[f"datasets/{ROOT}/{mart}"] = dataset(domain, domain.marts[mart], connection)
        for each in domain.dashboards:
            found[f"dashboards/{name}_{each.slug}"] = page(domain, each)
            for spec in each.charts:
                file = re.sub(r"[^a-z0-9]+", "_", spec.name.lower()).strip("_")
                found[f"charts/{name}_{each.slug}_{file}"] = chart(domain, each.slug, spec)
    return found


def dataset(domain: Domain, mart: Mart, connection: Connection) -> dict[str, Any]:
    """A mart as it is, with dbt's words; no SQL stands between."""
    temporal = [each.name for each in mart.columns.values() if each.is_temporal]
    return {
        "table_name": mart.name,
        "description": mart.description,
        "schema": SCHEMA,
        "sql": None,
        "main_dttm_col": temporal[0] if temporal else None,
        "filter_select_enabled": True,
        "columns": [
            {
                "column_name": each.name,
                "verbose_name": words(each.name),
                "description": each.description,
                "type": each.type.upper(),
                "is_dttm": each.is_temporal,
                "groupby": True,
                "filterable": True,
                "is_active": True,
            }
            for each in mart.columns.values()
        ],
        "metrics": list(measures(mart, domain.metrics.get(mart.name, {}))),
        "uuid": uuid_of(domain.name, "marts", mart.name),
        "database_uuid": connection.asset["uuid"],
        "version": "1.0.0",
    }


def measures(mart: Mart, metrics: dict[str, Metric]) -> Iterator[dict[str, Any]]:
    """A mart's metrics, each explained by the column that it is made of."""
    for each in metrics.values():
        named = columns_in(each.expression, mart)
        about = mart.columns[named[0]].description if named else mart.description
        yield {
            "metric_name": each.name,
            "verbose_name": words(each.name),
            "expression": each.expression,
            "description": about,
            "d3format": each.format,
        }


def words(name: str) -> str:
    """A column's name as a heading: `star_growth_7d` is `Star growth 7d`."""
    return name.replace("_", " ").capitalize()
