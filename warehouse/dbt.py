"""Run dbt on the warehouse and tell what it did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from trendhouse.child import child
from trendhouse.errors import TrendhouseError
from trendhouse.run_records import newest_run
from trendhouse.settings import ROOT, Place
from trendhouse.state import read_state
from warehouse.snowflake.account import is_target

DBT_PROJECT = ROOT / "dbt_project"


class BuildFailed(TrendhouseError):
    """dbt ended with errors; the message names each node and what it said."""


class NoWarehouse(TrendhouseError):
    """There is no warehouse yet; the message says how to build it."""


def is_there(place: Place) -> bool:
    """Whether there is a warehouse; on Snowflake whoever asks it is told."""
    return is_target() or place.warehouse.exists()


def require_warehouse(place: Place) -> None:
    """Raises NoWarehouse before the first build."""
    if not is_there(place):
        raise NoWarehouse(
            f"There is no warehouse at {place.warehouse}. Build it: `make run` or `trendhouse build`."
        )


@dataclass(frozen=True)
class Node:
    """A node that dbt has finished: its id, type and name, how it ended, what dbt said."""

    unique_id: str
    kind: str
    name: str
    status: str
    message: str

    @property
    def has_failed(self) -> bool:
        return self.status.startswith(("error", "fail"))

    @property
    def has_warned(self) -> bool:
        return self.status.startswith("warn")


@dataclass
class Build:
    """What one dbt invocation did: finished nodes by resource type, what failed, and what only warned."""

    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def node_count(self) -> int:
        return sum(self.counts.values())

    @property
    def summary(self) -> str:
        return ", ".join(
            f"{count} {kind.replace('_', ' ')}s" for kind, count in sorted(self.counts.items())
        )


def dbt(
    command: str,
    *arguments: str,
    place: Place,
    on_node: Callable[[Node], None] = lambda node: None,
) -> Build:
    """Run `dbt <command>` in a process of its own, so that the warehouse file is free afterwards.

    Raises BuildFailed with dbt's own messages, Locked if another process holds the warehouse's file,
    StateBroken if that is no database.
    """
    place.warehouse.parent.mkdir(parents=True, exist_ok=True)
    if not is_target():
        from warehouse.file import require_free

        require_free(place.warehouse)
    build, said = Build(), []
    with child(
        [
            Path(sys.executable).parent / "dbt",
            "--log-format",
            "json",
            "--no-use-colors",
            command,
            *arguments,
        ],
        cwd=ROOT,
        env={**os.environ, **project_variables(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for event in events(process.stdout, said):
            follow(event, build, on_node)
    if process.returncode != 0:
        told = "\n".join([*build.failures, *said[-20:]])
        raise BuildFailed(f"dbt {command} ended with {process.returncode}.\n{told}")
    return build


def project_variables(place: Place) -> dict[str, str]:
    """Where dbt finds project, profile, lake and warehouse, and the run that it works for."""
    run_id = newest_run(place.runs)
    return {
        **({"TRENDHOUSE_RUN_ID": run_id} if run_id else {}),
        "DBT_PROJECT_DIR": str(DBT_PROJECT),
        "DBT_PROFILES_DIR": str(ROOT),
        "DBT_TARGET_PATH": str(target_folder(place)),
        "TRENDHOUSE_ROOT": str(ROOT),
        "TRENDHOUSE_LAKE": str(place.lake.root),
        "TRENDHOUSE_WAREHOUSE": str(place.warehouse),
        "TRENDHOUSE_CI_WAREHOUSE": str(place.ci_warehouse),
    }


def target_folder(place: Place) -> Path:
    """Where dbt writes what it makes of the project; one a world, so that no world parses another's again."""
    given = os.environ.get("DBT_TARGET_PATH")
    return Path(given) if given else place.dbt_target


def models_of(place: Place) -> set[str]:
    """The ids of all models and seeds that dbt builds, as of its last command."""
    nodes = read_state(target_folder(place) / "manifest.json")["nodes"]
    return {
        unique_id
        for unique_id, node in nodes.items()
        if node["resource_type"] in ("model", "seed")
        and node["config"]["materialized"] != "ephemeral"
    }


def events(lines: Iterator[str], said: list[str]) -> Iterator[dict]:
    """dbt's structured events; what is no event, and every error, is kept in `said`."""
    for line in lines:
        try:
            event = json.loads(line)
            info = event["info"]
        except (ValueError, KeyError, TypeError):
            said.append(line.rstrip())
            continue
        if info.get("level") == "error":
            said.append(info.get("msg", ""))
        yield event


def follow(event: dict, build: Build, on_node: Callable[[Node], None]) -> None:
    """Count a finished node: dbt tells of it in `LogModelResult`, `LogTestResult` and their like."""
    name, data = event["info"].get("name", ""), event.get("data", {})
    told = data.get("node_info")
    if not (name.startswith("Log") and name.endswith("Result") and told):
        return
    node = Node(
        unique_id=told.get("unique_id", ""),
        kind=told.get("resource_type", "node"),
        name=told.get("node_name", ""),
        status=str(data.get("status", "")).lower(),
        message=event["info"].get("msg", ""),
    )
    build.counts[node.kind] = build.counts.get(node.kind, 0) + 1
    on_node(node)
    if node.has_failed:
        build.failures.append(f"{node.unique_id}: {node.message or node.status}")
    elif node.has_warned:
        build.warnings.append(f"{node.unique_id}: {node.message or node.status}")
