"""The commands that only Snowflake has: cost, fetch."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import effective
from orchestration.display import console


def register(app: typer.Typer) -> None:
    """Make these commands verbs of `app`."""
    for verb in (cost, fetch):
        app.command()(verb)


def cost(
    days: Annotated[
        int, typer.Option(min=0, max=365, help="Whole days before today; 0: today alone.")
    ] = 7,
) -> None:
    """Snowflake: credits per model and day, by the tags of the statements."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from warehouse.snowflake.cost import costs

    require_target()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in ("day", "model", "dag"):
        table.add_column(title)
    for title in ("credits", "statements", "seconds"):
        table.add_column(title, justify="right")
    found = costs(days)
    for each in found:
        numbers = f"{each.credits:,.4f}", f"{each.statements:,}", f"{each.seconds:,.1f}"
        table.add_row(str(each.day), each.model, each.dag, *numbers)
    console.print(table)
    console.print(f"{sum(each.credits for each in found):,.4f} credits", highlight=False)


def fetch() -> None:
    """Snowflake: bring what is published into local files, for `serve` and all that reads them."""
    from warehouse.snowflake.fetch import fetch as fetch_published

    require_target()
    place = effective().place
    version = fetch_published(place)
    console.print(f"version {version} in {place.published}", soft_wrap=True, highlight=False)


def require_target() -> None:
    """Raises BadParameter where the warehouse is another one."""
    from warehouse.snowflake.account import is_target

    if not is_target():
        raise typer.BadParameter("This needs DBT_TARGET=snowflake, see docs/snowflake.md.")
