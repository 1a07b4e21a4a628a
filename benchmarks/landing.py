"""Landing of issues against dlt's plain `rest_api`: rows/s and peak memory on the same simulated API.

`python -m benchmarks.landing` renders all pages beforehand and prints, without and with latency, what the
server itself can give (raw pages, nothing done with them), then each contender in a process of its own.
Seconds are those of the landing, after the first imports; what dlt imports later counts, as it does for
both. The whole process is shown beside it, and the seconds of CPU, which say more than the clock where
others work on the same machine. Memory is the process's own maximum. The default volume is that
of the figures in `stack.md`: some 60,000 records in 600 pages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
NOW = "2026-11-02T06:00:00Z"
SEARCH = "stars:>=0"
PARAMS = {"state": "all", "sort": "updated", "direction": "asc", "per_page": 100}
QUERY = "&".join(f"{key}={value}" for key, value in PARAMS.items())
AT_ONCE = 64
# Any text will do: the simulator, like GitHub, gives little to those who come without.
TOKEN = "benchmark"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
# What a landing of GitHub needs beside the list that is measured: who is watched and what they hold.
KEPT = {
    "watchlist", "repositories", "repository_counters", "projects", "tagged_commits", "tombstones",
    "readings", "issues",
}  # fmt: skip
LATENCIES = (0.0, 75.0)
GOAL_RATIO, GOAL_MB = 10, 500
CEILING = "server's ceiling (raw pages)"
BASELINE = "rest_api, defaults (jsonl)"
OURS = "trendhouse"


class Watch:
    """Seconds of clock and of this process's CPU since it was made, and the most memory it ever had."""

    def __init__(self) -> None:
        self.began = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        return {
            "seconds": time.perf_counter() - self.began[0],
            "cpu_seconds": time.process_time() - self.began[1],
            "peak_mb": peak_mb(),
        }


def peak_mb() -> float:
    """The most memory this process ever had, in MB (Linux counts KiB, macOS bytes)."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most * (1 if sys.platform == "darwin" else 1024) / 1e6


def distinct_ids(read: str, id: str) -> tuple[int, int]:
    """Rows and distinct issue ids of what was written, by an SQL table function and expression."""
    import duckdb

    return duckdb.execute(f"select count(*), count(distinct {id}) from {read}").fetchone()


async def raw_pages(urls: list[str]) -> None:
    """Fetch every page and drop it."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector, headers=BEARER) as session:

        async def one(url: str) -> None:
            async with session.get(url) as answer:
                await answer.read()
                answer.raise_for_status()

        await asyncio.gather(*(one(url) for url in urls))


def land_raw(asked: dict[str, Any], folder: Path) -> tuple[dict[str, float], tuple[int, int]]:
    """The server's ceiling; the rows are those that the pages hold, counted by nobody here."""
    import aiohttp  # noqa: F401  imports are left out of the seconds

    watch = Watch()
    asyncio.run(raw_pages(asked["pages"]))
    return watch.read(), (asked["rows"], asked["rows"])


def land_rest_api(asked: dict[str, Any], folder: Path) -> tuple[dict[str, float], tuple[int, int]]:
    """dlt's `rest_api` as its documentation has it, one resource per repository."""
    import dlt
    from dlt.sources.rest_api import rest_api_source

    watch = Watch()
    source = rest_api_source(
        {
            "client": {"base_url": asked["base_url"], "headers": BEARER},
            "resources": [
                {
                    "name": f"issues_{number}",
                    "table_name": "issues",
                    "endpoint": {"path": f"repos/{name}/issues", "params": PARAMS},
                }
                for number, name in enumerate(asked["names"])
            ],
        }
    )
    pipeline = dlt.pipeline(
        "rest_api",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.filesystem((folder / "lake").as_uri()),
        dataset_name="github",
    )
    pipeline.run(source, loader_file_format=asked["format"])
    found = watch.read()
    files = f"{folder}/lake/github/issues/*"
    read = {"jsonl": f"read_json('{files}', maximum_object_size = 100000000)"}
    return found, distinct_ids(read.get(asked["format"], f"read_parquet('{files}')"), "id")


def land_ours(asked: dict[str, Any], folder: Path) -> tuple[dict[str, float], tuple[int, int]]:
    """Our own landing, with the tables of the source cut down to what issues need."""
    from ingestion.pipeline import connector_of, run
    from trendhouse.declared.sources import load_spec
    from trendhouse.settings import load_settings

    spec = load_spec("github")
    spec = spec.model_copy(
        update={"tables": {name: table for name, table in spec.tables.items() if name in KEPT}}
    )
    connector_of(spec)
    settings = load_settings(home=folder)
    watch = Watch()
    landing = run(spec, settings)
    found = watch.read()
    if landing.failures:
        raise SystemExit(f"the landing failed: {landing.failures[:3]}")
    files = f"{settings.place.lake.raw}/github/issues/**/*.parquet"
    return found, distinct_ids(f"read_parquet('{files}')", "record ->> 'id'")


CONTENDERS = {"raw": land_raw, "rest_api": land_rest_api, "ours": land_ours}


def contend(kind: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Run one contender in a process of its own; what its watch says, process_seconds, rows, ids.

    Raises RuntimeError where it fails, or does not hold every issue exactly once.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "watchlist.csv").write_text(
            f"product_name,kind,target,enabled\nall,search,{SEARCH},true\n"
        )
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("TRENDHOUSE_", "GITHUB_TOKEN"))
        }
        environment = {
            **inherited,
            "PYTHONPATH": str(ROOT),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "ERROR",
            "PROVIDERS__ENABLE_AIRFLOW_SECRETS": "false",  # costs seconds where Airflow is installed
            "TRENDHOUSE_GITHUB_URL": asked["base_url"],
            "TRENDHOUSE_GITHUB_PATIENCE": "0.005",
            "TRENDHOUSE_WATCHLIST": f"{folder}/watchlist.csv",
            "TRENDHOUSE_WORLD": "sample",
            "TRENDHOUSE_NOW": NOW,
            "GITHUB_TOKEN": TOKEN,
        }
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.landing", "--contender", kind],
            input=json.dumps(asked),
            cwd=folder,
            env=environment,
            capture_output=True,
            check=False,
            text=True,
        )
        process_seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{kind} failed:\n{done.stderr[-3000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    if found["rows"] != asked["rows"] or found["ids"] != asked["rows"]:
        raise RuntimeError(f"{kind} holds {found}, but upstream has {asked['rows']} issues")
    return {**found, "process_seconds": process_seconds}


def upstream(base_url: str) -> dict[str, Any]:
    """What is to be landed: the repositories' names, every page's address and the number of issues."""
    names, pages, rows = [], [], 0
    url: str | None = f"{base_url}/search/repositories?q={SEARCH}&per_page=100"
    while url:
        with opened(url) as answer:
            names += [item["full_name"] for item in json.load(answer)["items"]]
            url = following(answer)
    for name in names:
        url = f"{base_url}/repos/{name}/issues?{QUERY}"
        while url:
            pages.append(url)
            with opened(url) as answer:
                rows += len(json.load(answer))
                url = following(answer)
    return {"base_url": base_url, "names": names, "pages": pages, "rows": rows}


def opened(url: str) -> Any:
    return urllib.request.urlopen(urllib.request.Request(url, headers=BEARER), timeout=60)


def following(answer: Any) -> str | None:
    link = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link") or "")
    return link[1] if link else None


def rounds_at(latency: float, asked: argparse.Namespace) -> list[tuple[str, dict[str, Any]]]:
    """Each contender's figures with so many milliseconds of latency, on a fresh server."""
    from simulator.running import serve

    options = {"core_limit": 10**8, "search_limit": 10**6, "graphql_limit": 10**8, "now": NOW}
    world = {"repositories": asked.repositories, "scale": asked.scale}
    with serve(**world, **options, latency_ms=latency, prerender=[f"issues?{QUERY}"]) as simulator:
        if asked.work is None:
            asked.work = upstream(simulator.base_url)
        work = {
            **asked.work,
            "base_url": simulator.base_url,
            "pages": [
                page.replace(asked.work["base_url"], simulator.base_url)
                for page in asked.work["pages"]
            ],
        }
        contend("ours", work)  # upstream works out its counters when they are first asked for
        return [
            (CEILING, contend("raw", work)),
            (BASELINE, contend("rest_api", {**work, "format": "jsonl"})),
            ("rest_api, parquet", contend("rest_api", {**work, "format": "parquet"})),
            (OURS, contend("ours", work)),
        ]


def verdict(latency: float, found: dict[str, dict[str, Any]]) -> str:
    """Whether the goals are met at one latency, in a sentence; the rows are the same for all."""

    def times(other: str, seconds: str = "seconds") -> float:
        return found[other][seconds] / found[OURS][seconds]

    ratio, most_mb = times(BASELINE), found[OURS]["peak_mb"]
    is_met = ratio >= GOAL_RATIO and most_mb < GOAL_MB
    return (
        f"{latency:.0f} ms: {ratio:.1f} times rest_api's rows/s (goal {GOAL_RATIO}; "
        f"{times(BASELINE, 'cpu_seconds'):.1f} by CPU, "
        f"{times(BASELINE, 'process_seconds'):.1f} by whole processes), {most_mb:.0f} MB "
        f"(goal below {GOAL_MB}), {times(CEILING):.0%} of the server's ceiling: "
        f"{'met' if is_met else 'NOT met'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repositories", type=int, default=20)
    parser.add_argument("--scale", type=float, default=120.0, help="multiplies the world's history")
    parser.add_argument("--latency", type=float, nargs="+", default=LATENCIES, help="milliseconds")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.contender:
        found, (rows, ids) = CONTENDERS[asked.contender](json.load(sys.stdin), Path.cwd())
        print(json.dumps({**found, "rows": rows, "ids": ids}))
        return
    asked.work = None
    grid = Table()
    for heading in ("latency, ms", "who"):
        grid.add_column(heading)
    for heading in ("rows/s", "of rest_api", "s", "CPU, s", "whole process, s", "peak MB"):
        grid.add_column(heading, justify="right")
    verdicts = []
    for latency in asked.latency:
        found = rounds_at(latency, asked)
        rates = {name: each["rows"] / each["seconds"] for name, each in found}
        for name, each in found:
            grid.add_row(
                f"{latency:.0f}", name, f"{rates[name]:,.0f}",
                f"{rates[name] / rates[BASELINE]:.1f}", f"{each['seconds']:.1f}",
                f"{each['cpu_seconds']:.1f}", f"{each['process_seconds']:.1f}", f"{each['peak_mb']:,.0f}",
            )  # fmt: skip
        grid.add_section()
        verdicts.append(verdict(latency, dict(found)))
    work = asked.work
    grid.title = (
        f"Landing {work['rows']:,} issues of {len(work['names'])} repositories, "
        f"{len(work['pages']):,} pages"
    )
    console = Console(width=max(100, Console().width))
    console.print(grid)
    for line in verdicts:
        console.print(line)


if __name__ == "__main__":
    main()
