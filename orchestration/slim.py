"""Slim CI: build what a change touches, beside the warehouse, and read all else from the warehouse as it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from orchestration.settings import Place
from orchestration.warehouse import Build, BuildFailed, Node, dbt, require_warehouse

# DuckDB knows no clone: the change goes into a file of its own. Elsewhere the target is a clone already.
BESIDE = {"duckdb": "ci"}


def build(state: Path, place: Place, progress: Callable[[str], None] = lambda text: None) -> Build:
    """Build the nodes that differ from `state/manifest.json`, and what lies below them.

    The warehouse is only read (dbt's defer), and no reader sees what comes out. Raises BuildFailed
    with dbt's messages, or if there is no manifest; NoWarehouse before the first build.
    """
    require_warehouse(place)
    if not (state / "manifest.json").exists():
        raise BuildFailed(
            f"There is no manifest.json in {state}. Keep the one that a build of the older state left "
            "in dbt_project/target."
        )
    place.ci_warehouse.parent.mkdir(exist_ok=True)
    place.ci_warehouse.unlink(missing_ok=True)
    target = os.environ.get("DBT_TARGET", "duckdb")
    arguments = ("--target", BESIDE.get(target, target), "--defer", "--favor-state")
    chosen = ("--state", str(state), "--select", "state:modified+")

    def tell(node: Node) -> None:
        progress(node.name)

    return dbt("build", *arguments, *chosen, place=place, on_node=tell)
