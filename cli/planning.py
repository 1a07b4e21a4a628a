"""What the next landing will cost, as a table; nothing is sent upstream."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ingestion.pipeline import plan
from trendhouse.settings import Settings


def show_plan(console: Console, settings: Settings, sources: list[str]) -> None:
    """Print requests, GraphQL points and seconds per source and resource, and what each rests on."""
    table = Table(title=f"Next landing, world {settings.effective_world}", title_justify="left")
    for heading in ("source", "resource"):
        table.add_column(heading)
    for heading in ("requests", "points", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("estimated from")
    plans = [plan(name, settings) for name in sources]
    for each in plans:
        for line in each.estimates:
            table.add_row(
                each.source,
                line.resource,
                f"{line.requests:,}",
                f"{line.points:,}",
                f"{line.seconds:,.0f}",
                line.basis,
            )
    table.add_section()
    table.add_row(
        "all",
        "",
        f"{sum(each.requests for each in plans):,}",
        f"{sum(each.points for each in plans):,}",
        f"{sum(each.seconds for each in plans):,.0f}",
        "",
    )
    console.print(table)
