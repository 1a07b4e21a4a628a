"""Slim CI: build what a change touches, beside the warehouse, and read all else from the warehouse as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trendhouse.settings import Place
from warehouse.dbt import Build, BuildFailed, Node, dbt, require_warehouse, target_folder
from warehouse.snowflake.account import Account, is_target

# What dbt_project/macros/clones.sql asks of the name of a pull request's database.
CLONE = "_pr_"


def build(state: Path, place: Place, progress: Callable[[str], None] = lambda text: None) -> Build:
    """Build the nodes that differ from `state/manifest.json`, and what lies below them.

    The warehouse is only read (dbt's defer), and no reader sees what comes out: on DuckDB it goes into a
    file of its own, on Snowflake into a pull request's database. Raises BuildFailed with dbt's messages,
    or if there is no manifest or no such database; NoWarehouse before the first build.
    """
    require_warehouse(place)
    if not (state / "manifest.json").exists():
        raise BuildFailed(
            f"There is no manifest.json in {state}. Keep the one that a build of the older state left "
            f"in {target_folder(place)}."
        )
    chosen = ("--select", "state:modified+", "--defer", "--favor-state", "--state", str(state))

    def tell(node: Node) -> None:
        progress(node.name)

    return dbt("build", *beside(place), *chosen, place=place, on_node=tell)


def beside(place: Place) -> tuple[str, ...]:
    """Where a change is built, as dbt takes it. Raises BuildFailed rather than write where people read."""
    if is_target():
        if CLONE not in (database := Account().database):
            raise BuildFailed(
                f"SNOWFLAKE_DATABASE is {database!r}, which is no pull request's. Make a clone "
                "(`dbt run-operation clone_database`, docs/snowflake.md) and name it there."
            )
        return ()
    place.ci_warehouse.parent.mkdir(exist_ok=True)
    place.ci_warehouse.unlink(missing_ok=True)
    return ("--target", "ci")
