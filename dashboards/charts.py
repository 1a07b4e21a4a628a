"""A chart as Superset knows it: the parameters of its form, and the query that they stand for."""

from __future__ import annotations

import json
from typing import Any

from dashboards.specs import Chart, Domain, uuid_of

VIZ = {
    "number": "big_number_total",
    "table": "table",
    "rows": "table",
    "bar": "echarts_timeseries_bar",
    "line": "echarts_timeseries_line",
    "pie": "pie",
}
GRAINS = {"day": "P1D", "week": "P1W", "month": "P1M", "quarter": "P3M", "year": "P1Y"}
SERIES = 10
SHARE = ".1%"
TIME_FORMAT = "%Y-%m-%d"


def chart(domain: Domain, slug: str, spec: Chart) -> dict[str, Any]:
    """The asset of one chart of a dashboard."""
    params = {"viz_type": VIZ[spec.kind], **PARAMS[spec.kind](domain, spec)}
    params["adhoc_filters"] = conditions(domain, spec)
    return {
        "slice_name": spec.name,
        "description": spec.about or domain.marts[spec.mart].description,
        "viz_type": VIZ[spec.kind],
        "params": params,
        "query_context": json.dumps(context(domain, spec, params), sort_keys=True),
        "cache_timeout": None,
        "uuid": uuid_of(domain.name, slug, spec.name),
        "version": "1.0.0",
        "dataset_uuid": uuid_of(domain.name, "marts", spec.mart),
    }


def is_over_time(domain: Domain, spec: Chart) -> bool:
    """Whether a period can be chosen for the chart."""
    return bool(spec.x) and domain.marts[spec.mart].columns[spec.x].is_temporal


def conditions(domain: Domain, spec: Chart) -> list[dict[str, Any]]:
    """The chart's own conditions, and an open one that a dashboard's period closes."""
    found = [
        {
            "clause": "WHERE",
            "expressionType": "SIMPLE",
            "subject": column,
            "operator": operator,
            "comparator": value[0] if value else None,
        }
        for column, operator, *value in spec.where
    ]
    if is_over_time(domain, spec):
        found.append(
            {
                "clause": "WHERE",
                "expressionType": "SIMPLE",
                "subject": spec.x,
                "operator": "TEMPORAL_RANGE",
                "comparator": "No filter",
            }
        )
    return found


def number(domain: Domain, spec: Chart) -> dict[str, Any]:
    metric = domain.metrics[spec.mart][spec.metrics[0]]
    return {
        "metric": metric.name,
        "y_axis_format": metric.format,
        "header_font_size": 0.4,
        "subheader_font_size": 0.15,
    }


def table(domain: Domain, spec: Chart) -> dict[str, Any]:
    return {
        "query_mode": "aggregate",
        "groupby": spec.columns,
        "metrics": spec.metrics,
        "timeseries_limit_metric": spec.order or spec.metrics[0],
        "order_desc": not spec.ascending,
        **appearance(domain, spec),
    }


def rows(domain: Domain, spec: Chart) -> dict[str, Any]:
    order = [json.dumps([spec.order, spec.ascending])] if spec.order else []
    return {
        "query_mode": "raw",
        "all_columns": spec.columns,
        "order_by_cols": order,
        **appearance(domain, spec),
    }


def appearance(domain: Domain, spec: Chart) -> dict[str, Any]:
    columns = domain.marts[spec.mart].columns
    formats = {
        name: {"d3NumberFormat": SHARE if columns[name].type == "double" else ",d"}
        for name in spec.columns
        if columns[name].type in ("double", "bigint")
    }
    # A bar in every cell is a bar code: only what the table is sorted by has one.
    beside = {name: {"showCellBars": False} for name in spec.metrics if name != spec.order}
    return {
        "row_limit": spec.limit,
        "server_pagination": False,
        "page_length": 0,
        "table_timestamp_format": TIME_FORMAT,
        "show_cell_bars": spec.kind == "table",
        "color_pn": False,
        "column_config": {**formats, **beside},
    }


def series(domain: Domain, spec: Chart) -> dict[str, Any]:
    over_time = is_over_time(domain, spec)
    formats = {domain.metrics[spec.mart][name].format for name in spec.metrics}
    return {
        "x_axis": spec.x,
        "time_grain_sqla": GRAINS.get(spec.grain),
        "x_axis_time_format": "%Y-%m" if spec.grain in ("month", "quarter") else TIME_FORMAT,
        "x_axis_sort": None if over_time else spec.metrics[0],
        # Lying bars are drawn from below: the largest is on top.
        "x_axis_sort_asc": spec.flat,
        "metrics": spec.metrics,
        "groupby": [spec.by] if spec.by else [],
        "limit": SERIES if spec.by else None,
        "order_desc": True,
        "timeseries_limit_metric": spec.order or None,
        "row_limit": 50_000 if over_time else spec.limit,
        "orientation": "horizontal" if spec.flat else "vertical",
        "stack": "Stack" if spec.stacked else None,
        "show_legend": len(spec.metrics) > 1 or bool(spec.by),
        "legendOrientation": "top",
        "rich_tooltip": True,
        "y_axis_format": min(formats) if len(formats) == 1 else "SMART_NUMBER",
        "truncateYAxis": spec.kind == "line",
        "y_axis_bounds": [0, 1] if formats == {SHARE} else [None, None],
        "color_scheme": "supersetColors",
    }


def pie(domain: Domain, spec: Chart) -> dict[str, Any]:
    return {
        "groupby": [spec.x],
        "metric": spec.metrics[0],
        "row_limit": spec.limit,
        "sort_by_metric": True,
        "donut": True,
        "innerRadius": 40,
        "outerRadius": 70,
        "label_type": "key_percent",
        "labels_outside": True,
        "show_legend": False,
        "number_format": domain.metrics[spec.mart][spec.metrics[0]].format,
        "color_scheme": "supersetColors",
    }


PARAMS = {
    "number": number,
    "table": table,
    "rows": rows,
    "bar": series,
    "line": series,
    "pie": pie,
}


def context(domain: Domain, spec: Chart, params: dict[str, Any]) -> dict[str, Any]:
    """What `/api/v1/chart/<id>/data/` asks: the same as the form, without a browser to work it out."""
    order = spec.order or (spec.metrics[0] if spec.metrics else "")
    query = {
        "columns": [each for each in (*spec.columns, axis(domain, spec), spec.by) if each],
        "metrics": spec.metrics if spec.kind != "rows" else [],
        "orderby": [[order, spec.ascending]] if order and not is_over_time(domain, spec) else [],
        "filters": [
            {
                "col": each["subject"],
                "op": each["operator"],
                "val": each["comparator"],
            }
            for each in params["adhoc_filters"]
        ],
        "row_limit": params.get("row_limit"),
        "extras": {"having": "", "where": ""},
        "is_timeseries": False,
    }
    return {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "queries": [query],
        "form_data": params,
        "result_format": "json",
        "result_type": "full",
    }


def axis(domain: Domain, spec: Chart) -> str | dict[str, Any]:
    """The column of the axis, cut by its grain."""
    if not is_over_time(domain, spec) or not spec.grain:
        return spec.x
    return {
        "timeGrain": GRAINS[spec.grain],
        "columnType": "BASE_AXIS",
        "sqlExpression": spec.x,
        "label": spec.x,
        "expressionType": "SQL",
    }
