"""What people read: the application against the same queries sent straight to DuckDB, and while a build runs."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table as Grid

from trendhouse.settings import ROOT, Place
from warehouse.published import connect

COMMAND = "from cli.main import main; main()"
# As serving.queries asks them of the read model, in DuckDB's words.
RELEASES = """
    select
        r.*,
        (select list({'source': o.source_name, 'day': o.released_date}) from releases o
            where o.product_name = r.product_name and o.version = r.version
                and not o.is_draft and not o.is_withdrawn and not o.is_deleted) as told,
        (select max_by(c.end_of_life_date, length(c.cycle_name)) from release_cycles c
            where c.product_name = r.product_name
                and (r.version = lower(c.cycle_name) or r.version like lower(c.cycle_name) || '.%')) as ends
    from releases r
    where released_date is not null and not is_draft and not is_withdrawn and not is_deleted
        and (is_version or release_kind = 'release')
    qualify row_number() over (
        partition by product_name, version
        order by case release_kind when 'release' then 1 when 'statement' then 2 else 3 end, source_name
    ) = 1
    order by released_date desc, coalesce(released_at, timestamp '1970-01-01') desc, product_name desc
    limit 51
"""
TOP = """
    select r.*, d.* exclude (repository_id, repository_name)
    from repositories r left join (
        select * from repositories_daily where calendar = 'UTC'
        qualify row_number() over (partition by repository_id order by observed_date desc) = 1
    ) d using (repository_id)
    where r.is_deleted is not true order by r.star_count desc, r.repository_id limit 100
"""
MOVES = """
    with moves as (
        select created_date as day, 1 as opened, 0 as closed from {mart} where repository_id = '{id}'
        union all
        select closed_date, 0, 1 from {mart} where repository_id = '{id}' and closed_date is not null
    ), daily as (select day, sum(opened) as opened, sum(closed) as closed from moves group by day)
    select *, sum(opened - closed) over (order by day) as open_count from daily order by day
"""
OF_ONE = (
    "select * from repositories where lower(repository_name) = lower('{name}')",
    "select * from repositories_daily where repository_id = '{id}' and calendar = 'UTC' order by observed_date",
    MOVES.replace("{mart}", "issues"),
    MOVES.replace("{mart}", "pull_requests"),
    "select * from commits_daily where repository_id = '{id}' and calendar = 'UTC' order by commit_date",
    "select * from languages where repository_id = '{id}' order by byte_count desc",
    "select * from topics where repository_id = '{id}' order by topic_name",
    "select * from contributors where repository_id = '{id}' order by commit_count desc limit 20",
    "select * from repository_names where repository_id = '{id}' order by name_number",
    "select * from releases where repository_id = '{id}' order by released_date",
)


def asked(place: Place) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What is measured: the address, and the statements that ask DuckDB for the same."""
    with connect(place) as connection:
        top = "select repository_id, repository_name from repositories order by star_count desc"
        number, name = connection.execute(top).fetchone()
    one = tuple(each.format(id=number, name=name) for each in OF_ONE)
    return {
        "release page": ("/", (RELEASES, "select * from products order by product_name")),
        "top-100 list, API": ("/api/v1/repositories", (TOP,)),
        "repository page": (f"/repositories/{name}/", one),
    }


@contextmanager
def serving(home: Path, port: int) -> Iterator[str]:
    """One worker, as `trendhouse serve` starts it; its address."""
    environment = {**os.environ, "TRENDHOUSE_HOME": str(home), "TRENDHOUSE_RATE_LIMIT": "none"}
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "serve", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        while load([f"{url}/readyz"], 0.1)["statuses"].keys() != {"200"}:
            assert process.poll() is None, "`trendhouse serve` has ended"
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def load(urls: list[str], seconds: float, *options: str) -> dict[str, Any]:
    """What the load generator has seen, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.load", "--seconds", str(seconds), *options, *urls]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def straight(
    connection: duckdb.DuckDBPyConnection, statements: tuple[str, ...], seconds: float
) -> dict[str, Any]:
    """The same numbers for statements that one connection answers, one after another."""
    latencies, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        for each in statements:
            connection.execute(each).fetchall()
        latencies.append(time.perf_counter() - began)
    ranked = sorted(latencies)
    return {
        "per_second": len(ranked) / sum(ranked),
        "p50_ms": 1000 * ranked[len(ranked) // 2],
        "p99_ms": 1000 * ranked[int(len(ranked) * 0.99)],
    }


@contextmanager
def building(home: Path) -> Iterator[Callable[[], int]]:
    """`trendhouse build` and `publish`, again and again; tells how often they ended."""
    script = (
        f"import subprocess, sys\nfor n in range(1000):\n"
        f"    for verb in (['build'], ['publish']):\n"
        f"        subprocess.run([sys.executable, '-c', {COMMAND!r}, *verb], check=True,"
        f" stdout=subprocess.DEVNULL)\n        print(verb, flush=True)\n"
    )
    log = home / "building.log"
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "TRENDHOUSE_HOME": str(home)},
            stdout=said,
            start_new_session=True,
        )
        try:
            time.sleep(3)
            yield lambda: len(log.read_text().splitlines())
            assert process.poll() is None, "the build has failed"
        finally:
            os.killpg(process.pid, 15)
            process.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--home", type=Path, default=ROOT / ".trendhouse", help="It is copied.")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=20, help="Requests a second beside a build.")
    parser.add_argument("--port", type=int, default=8765)
    given = parser.parse_args()
    os.environ["TRENDHOUSE_WORLD"] = "sample"
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(given.home / "sample", home / "sample", symlinks=True)
        place = Place(home / "sample")
        with serving(home, given.port) as url, connect(place) as connection:
            grid = Grid("what", "way", "p50, ms", "p99, ms", "per second")
            targets = asked(place)
            for what, (path, statements) in targets.items():
                one = load([url + path], given.seconds, "--clients", "1")
                four = load([url + path], given.seconds, "--clients", "4")
                duck = straight(connection, statements, given.seconds)
                for way, seen in (
                    ("HTTP, 1 client", one),
                    ("HTTP, 4 clients", four),
                    ("DuckDB", duck),
                ):
                    grid.add_row(what, way, *figures(seen))
            urls = [url + path for path, _ in targets.values()]
            rate = ("--rate", str(given.rate))
            quiet = load(urls, 3 * given.seconds, *rate)
            with building(home) as done:
                busy = load(urls, 6 * given.seconds, *rate)
                ended = done()
            for way, seen in (("quiet", quiet), (f"beside a build ({ended} steps ended)", busy)):
                grid.add_row(f"all, {given.rate:g} a second", way, *figures(seen))
            console.print(grid)
            console.print(
                f"p99 beside a build / quiet: {busy['p99_ms'] / quiet['p99_ms']:.2f}; "
                f"answers: {quiet['statuses']}, {busy['statuses']}"
            )


def figures(seen: dict[str, Any]) -> list[str]:
    return [f"{seen['p50_ms']:.1f}", f"{seen['p99_ms']:.1f}", f"{seen['per_second']:.0f}"]


if __name__ == "__main__":
    main()
