"""Panels and dashboards as this project draws them: a title, a unit, expressions with their legends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models.common import GraphDrawStyle, LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
)

SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
WIDTH, HEIGHT = 24, 8
STAT_HEIGHT = 4


@dataclass(frozen=True)
class Graph:
    """Lines over time; `of` is legend -> PromQL."""

    title: str
    unit: str
    of: Mapping[str, str]
    about: str = ""
    span: int = WIDTH // 2


@dataclass(frozen=True)
class Figure:
    """One figure; from `bad` on (or, turned round, below it) it is red."""

    title: str
    unit: str
    of: Mapping[str, str]
    bad: float
    about: str = ""
    below: bool = False
    span: int = WIDTH // 6


@dataclass(frozen=True)
class Board:
    """One dashboard: its rows by title, each with panels."""

    uid: str
    title: str
    about: str
    rows: Mapping[str, tuple[Graph | Figure, ...]]

    @property
    def expressions(self) -> list[str]:
        return [
            expression
            for panels in self.rows.values()
            for panel in panels
            for expression in panel.of.values()
        ]


def build(board: Board) -> Dashboard:
    """The dashboard as Grafana's own model."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags(["trendhouse"])
        .time("now-24h", "now")
        .refresh("1m")
        .timezone("browser")
        .readonly()
    )
    for title, panels in board.rows.items():
        built = built.with_row(dashboard.Row(title))
        for panel in panels:
            built = built.with_panel(graph(panel) if isinstance(panel, Graph) else figure(panel))
    drawn = built.build()
    for number, panel in enumerate(drawn.panels or (), 1):  # links to a panel name it by this
        panel.id_val = number
    return drawn


def graph(panel: Graph) -> timeseries.Panel:
    drawn = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(8)
        .draw_style(GraphDrawStyle.LINE)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.BOTTOM)
            .calcs(["lastNotNull", "max"])
        )
        .span(panel.span)
        .height(HEIGHT)
    )
    return asked(drawn, panel)


def figure(panel: Figure) -> stat.Panel:
    colours = ("red", "green") if panel.below else ("green", "red")
    steps = [Threshold(value=None, color=colours[0]), Threshold(value=panel.bad, color=colours[1])]
    drawn = (
        stat.Panel()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        .span(panel.span)
        .height(STAT_HEIGHT)
    )
    return asked(drawn, panel)


def asked(drawn: Any, panel: Graph | Figure) -> Any:
    """The panel with its title, unit and queries."""
    drawn = drawn.title(panel.title).description(panel.about).unit(panel.unit).datasource(SOURCE)
    for place, (legend, expression) in enumerate(panel.of.items()):
        query = prometheus.Dataquery().expr(expression).legend_format(legend).datasource(SOURCE)
        drawn = drawn.with_target(query.ref_id(chr(ord("A") + place)))
    return drawn
