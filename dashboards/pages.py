"""A dashboard as Superset knows it: where each chart stands, and which charts each filter applies to."""

from __future__ import annotations

from typing import Any

from dashboards.charts import is_over_time
from dashboards.specs import WIDTH, Chart, Dashboard, Domain, Filter, Row, uuid_of

HEADING_HEIGHT = 8
ROOT, GRID = "ROOT_ID", "GRID_ID"


def page(domain: Domain, spec: Dashboard) -> dict[str, Any]:
    """The asset of one dashboard; its charts are numbered from 1, which importing replaces."""
    numbers = {chart.name: number for number, chart in enumerate(spec.charts, start=1)}
    return {
        "dashboard_title": spec.title,
        "description": spec.about,
        "css": "",
        "slug": f"{domain.name}-{spec.slug}",
        "uuid": uuid_of(domain.name, spec.slug),
        "position": position(domain, spec, numbers),
        "metadata": {
            "native_filter_configuration": [
                native_filter(domain, spec, each, numbers) for each in spec.filters
            ],
            "color_scheme": "supersetColors",
            "refresh_frequency": 0,
            "cross_filters_enabled": True,
            "filter_bar_orientation": "HORIZONTAL",
        },
        "published": True,
        "version": "1.0.0",
    }


def position(domain: Domain, spec: Dashboard, numbers: dict[str, int]) -> dict[str, Any]:
    """The tree of the page: a grid of rows, in each its charts or one heading."""
    lines = [f"ROW-{number}" for number in range(1, len(spec.rows) + 1)]
    found: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        ROOT: {"type": "ROOT", "id": ROOT, "children": [GRID]},
        GRID: {"type": "GRID", "id": GRID, "children": lines, "parents": [ROOT]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": spec.title}},
    }
    for line, row in zip(lines, spec.rows, strict=True):
        parents = [ROOT, GRID, line]
        held = heading(line, row, parents) if row.heading else {}
        for chart in row.charts:
            held |= box(domain, spec, row, chart, numbers[chart.name], parents)
        found[line] = {
            "type": "ROW",
            "id": line,
            "children": list(held),
            "parents": [ROOT, GRID],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        found |= held
    return found


def heading(line: str, row: Row, parents: list[str]) -> dict[str, Any]:
    name = f"MARKDOWN-{line}"
    return {
        name: {
            "type": "MARKDOWN",
            "id": name,
            "children": [],
            "parents": parents,
            "meta": {"width": WIDTH, "height": HEADING_HEIGHT, "code": f"### {row.heading}"},
        }
    }


def box(
    domain: Domain, spec: Dashboard, row: Row, chart: Chart, number: int, parents: list[str]
) -> dict[str, Any]:
    name = f"CHART-{number}"
    return {
        name: {
            "type": "CHART",
            "id": name,
            "children": [],
            "parents": parents,
            "meta": {
                "chartId": number,
                "uuid": uuid_of(domain.name, spec.slug, chart.name),
                "sliceName": chart.name,
                "width": chart.width,
                "height": row.height,
            },
        }
    }


def native_filter(
    domain: Domain, spec: Dashboard, each: Filter, numbers: dict[str, int]
) -> dict[str, Any]:
    """A filter of the page; charts that it says nothing about are out of its scope."""
    kind = choice(domain, each) if each.column else {"filterType": "filter_time", "targets": [{}]}
    return {
        "id": identity(domain, spec, each.name),
        "type": "NATIVE_FILTER",
        "name": each.name,
        "description": each.about,
        "cascadeParentIds": [identity(domain, spec, each.after)] if each.after else [],
        "scope": {
            "rootPath": [ROOT],
            "excluded": [
                numbers[chart.name] for chart in spec.charts if not applies(domain, each, chart)
            ],
        },
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "controlValues": {},
        **kind,
    }


def identity(domain: Domain, spec: Dashboard, name: str) -> str:
    return f"NATIVE_FILTER-{uuid_of(domain.name, spec.slug, 'filters', name)}"


def applies(domain: Domain, each: Filter, chart: Chart) -> bool:
    """Whether a chart follows a filter: its mart has the column, or the chart runs over time."""
    if not each.column:
        return is_over_time(domain, chart)
    if each.own:
        return chart.mart == each.mart
    return each.column in domain.marts[chart.mart].columns


def choice(domain: Domain, each: Filter) -> dict[str, Any]:
    """What a filter over a column's values offers, and what it has chosen at the start."""
    control = {
        "enableEmptyFilter": bool(each.value or each.first),
        "defaultToFirstItem": each.first,
        "multiSelect": not each.single,
        "searchAllOptions": True,
        "creatable": False,
        "inverseSelection": False,
        "sortAscending": not each.order,
    }
    said: dict[str, Any] = {
        "filterType": "filter_select",
        # Without this the first value is shown as chosen, and not applied.
        "requiredFirst": each.first,
        "targets": [
            {
                "datasetUuid": uuid_of(domain.name, "marts", each.mart),
                "column": {"name": each.column},
            }
        ],
        "controlValues": control,
    }
    if each.order:
        said["sortMetric"] = each.order
    if each.value:
        chosen = {"col": each.column, "op": "IN", "val": [each.value]}
        said["defaultDataMask"] = {
            "extraFormData": {"filters": [chosen]},
            "filterState": {"value": [each.value]},
            "ownState": {},
        }
    return said
