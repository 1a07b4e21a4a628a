"""A simulated GitHub, a watchlist of some of its repositories, and what landing them leaves in raw."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import orjson

from ingestion.landing import Landing
from ingestion.pipeline import plan, run
from simulator.instants import read
from simulator.running import RunningSimulator
from simulator.world import World
from trendhouse.settings import Settings, load_settings

DAY_1, DAY_2, DAY_3 = (f"2026-11-0{day}T06:00:00Z" for day in (2, 3, 4))
SCRIPT = """
import sys
import ingestion.pipeline as pipeline
from trendhouse.settings import load_settings
pipeline.CHECKPOINT_SECONDS = 0.3
pipeline.run("github", load_settings())
"""


def name_of(index: int, now: str) -> str:
    """The name that a repository of the default world has at an instant."""
    return World().repositories[index].alias(read(now)).full_name


def id_of(index: int) -> str:
    return str(World().repositories[index].id)


class GitHubWorld:
    """One home that lands from one running simulator."""

    def __init__(
        self, folder: Path, upstream: RunningSimulator, set_env: Callable[..., None]
    ) -> None:
        self.home = folder / "home"
        self.upstream = upstream
        self.watchlist = folder / "watchlist.csv"
        self.set_env = set_env
        set_env("TRENDHOUSE_GITHUB_URL", upstream.base_url)
        set_env("TRENDHOUSE_GITHUB_PATIENCE", "0.005")

    def watch(self, *names: str, **more: tuple[str, ...]) -> None:
        """Watch repositories by name, and what `search` and `owner` name."""
        entries = [(name.split("/")[1], "github", name, "true") for name in names]
        entries += [(t, kind, t, "true") for kind, targets in more.items() for t in targets]
        with self.watchlist.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("product_name", "kind", "target", "enabled"))
            writer.writerows(entries)

    def settings(self, now: str, token: str = "secret-token", **settings: Any) -> Settings:
        self.set_env("GITHUB_TOKEN", token)
        return load_settings(
            home=self.home, world="sample", now=now, watchlist=self.watchlist, **settings
        )

    def land(self, now: str = DAY_1, token: str = "secret-token", **settings: Any) -> Landing:
        self.upstream.move_to(now)
        return run("github", self.settings(now, token, **settings))

    def plan(self, now: str = DAY_1) -> Any:
        return plan("github", self.settings(now))

    def start(self, now: str = DAY_1) -> subprocess.Popen[bytes]:
        """A landing in a process of its own, to be killed."""
        variables = {
            "TRENDHOUSE_HOME": self.home, "TRENDHOUSE_WORLD": "sample", "TRENDHOUSE_NOW": now,
            "TRENDHOUSE_WATCHLIST": self.watchlist, "GITHUB_TOKEN": "secret-token",
        }  # fmt: skip
        environment = {**os.environ, **{key: str(value) for key, value in variables.items()}}
        return subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Raw rows of a table, oldest load first; record and context parsed."""
        files = load_settings(home=self.home, world="sample").place.lake.raw_files("github", table)
        if not files:
            return []
        found = duckdb.sql(
            f"select * from read_parquet({[str(path) for path in files]}) order by load_id"
        )
        names = found.columns
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        for row in rows:
            row["record"], row["context"] = (
                json.loads(row["record"]),
                json.loads(row["context"]),
            )
        return rows

    def keys(self, table: str) -> set[tuple[str, str]]:
        return {(row["partition_name"], row["record_key"]) for row in self.rows(table)}

    def fetch(self, path: str) -> Any:
        """What upstream says itself, asked without any of our code."""
        headers = {"Authorization": "Bearer test"}
        asked = urllib.request.Request(f"{self.upstream.base_url}/{path}", headers=headers)
        with urllib.request.urlopen(asked) as answer:
            return orjson.loads(answer.read())

    def requests(self) -> dict[str, int]:
        """Requests by path class so far."""
        counts: dict[str, int] = {}
        for row in self.upstream.requests()["requests"]:
            counts[row["path"]] = counts.get(row["path"], 0) + row["count"]
        return counts
