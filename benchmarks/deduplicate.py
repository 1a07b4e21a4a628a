"""Spark against DuckDB: raw JSON-column Parquet in, typed deduplicated Parquet out, the same rows."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import orjson
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table as Grid

from ingestion.lake import Lake
from ingestion.spec import SourceSpec, load_spec

START = datetime(2026, 1, 1, tzinfo=UTC)
DUCK_TYPES = {"bigint": "bigint", "boolean": "boolean", "timestamp": "timestamp", "json": "json"}
WORDS = [f"word{n}" for n in range(5000)]
RAW = pa.schema(
    [
        *((name, pa.string()) for name in ("record", "context", "record_key", "cursor_value")),
        *((name, pa.string()) for name in ("partition_name", "source_url")),
        *((name, pa.timestamp("us", tz="UTC")) for name in ("collected_at", "observed_at")),
        ("load_id", pa.string()),
    ]
)


def person(n: int) -> dict:
    links = (
        "followers",
        "following",
        "gists",
        "starred",
        "subscriptions",
        "organizations",
        "repos",
        "events",
    )
    url = f"https://api.github.com/users/person{n}"
    return {
        "login": f"person{n}", "id": n, "node_id": f"U_{n}", "type": "User", "site_admin": False,
        "avatar_url": f"https://avatars.githubusercontent.com/u/{n}?v=4", "url": url,
        **{f"{link}_url": f"{url}/{link}" for link in links},
    }  # fmt: skip


def issue(n: int, edition: int, rng: random.Random) -> dict:
    """A record in the shape of the issues list, about 3.4 KB."""
    opened = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=n * 37)
    api = f"https://api.github.com/repos/own/name{n % 50}/issues/{n}"
    body = " ".join(rng.choices(WORDS, k=150))
    return {
        "url": api, "repository_url": api, "labels_url": f"{api}/labels", "comments_url": f"{api}/comments",
        "events_url": f"{api}/events", "html_url": f"https://github.com/own/name{n % 50}/issues/{n}",
        "id": n, "node_id": f"I_{n}", "number": n // 50, "title": f"Issue {n}: {body[:40]}",
        "user": person(n % 9000), "labels": [{"id": k, "name": f"label{k}", "color": "ffffff"} for k in range(2)],
        "state": "open" if edition % 2 else "closed", "locked": False, "assignee": person(n % 700),
        "assignees": [person(n % 700)], "milestone": None, "comments": edition,
        "created_at": f"{opened:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{opened + timedelta(hours=edition):%Y-%m-%dT%H:%M:%SZ}",
        "closed_at": None, "author_association": "NONE", "active_lock_reason": None, "body": body,
        "reactions": {"url": f"{api}/reactions", "total_count": 0, "+1": 0, "-1": 0, "laugh": 0},
        "timeline_url": f"{api}/timeline", "performed_via_github_app": None, "state_reason": None,
    }  # fmt: skip


def generate(lake: Lake, gigabytes: float) -> int:
    """Raw files of one load a day for seven days, 70 % of the records distinct; returns the rows."""
    rng = random.Random(7)
    total, day, rows, written = int(gigabytes * 2**30), 0, [], 0
    size = keys = count = 0
    while size < total:
        again = keys > 10 and rng.random() < 0.3
        n = rng.randrange(keys) if again else keys
        keys += not again
        text = orjson.dumps(issue(n, day if again else 0, rng)).decode()
        size += len(text)
        at = START + timedelta(days=day, seconds=count % 80_000)
        rows.append(
            (
                text,
                f'{{"repository_id": {n % 50}}}',
                str(n),
                None,
                str(n % 50),
                "http://x",
                at,
                at,
                f"load{day}",
            )
        )
        count += 1
        if len(rows) >= 20_000 or size >= total:
            columns = [
                pa.array(values, field.type)
                for values, field in zip(zip(*rows, strict=True), RAW, strict=True)
            ]
            folder = lake.raw_table("github", "issues") / f"{at:%Y/%m/%d}"
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(
                pa.table(columns, RAW), folder / f"load{day}.{written}.parquet", compression="zstd"
            )
            rows, written, day = [], written + 1, min(6, int(7 * size / total))
    return count


def duck_columns(spec: SourceSpec) -> str:
    """The same declared columns, read by DuckDB's JSON functions."""
    parts = []
    for name, column in spec.tables["issues"].columns.items():
        place = column.path or name
        text = f"context->>'$.{place[1:]}'" if place.startswith("@") else f"record->>'$.{place}'"
        kind = DUCK_TYPES.get(column.type)
        parts.append(
            f'{f"try_cast({text} as {kind})" if kind and kind != "json" else text} as "{name}"'
        )
    return ", ".join(parts)


LOADED = "partition_name, source_url, collected_at, observed_at, load_id"


def duck_qualify(lake: Lake, spec: SourceSpec, out: Path) -> None:
    """Two fields read out of the raw text decide, the winners' text is carried along, then parsed."""
    duckdb.sql(
        f"""copy (select {duck_columns(spec)}, {LOADED} from (
        select * from read_parquet('{lake.raw}/github/issues/*/*/*/*.parquet')
        qualify row_number() over (partition by (record->>'$.id')::bigint order by
            (record->>'$.updated_at')::timestamp desc nulls last, collected_at desc, load_id desc) = 1))
        to '{out}' (format parquet, compression zstd)"""
    )


def duck_two_pass(lake: Lake, spec: SourceSpec, out: Path) -> None:
    """The winners on narrow columns first, then their text by file and row number, then parsed."""
    raw = f"read_parquet('{lake.raw}/github/issues/*/*/*/*.parquet', filename=true, file_row_number=true)"
    duckdb.sql(
        f"""copy (with winners as (select arg_max((filename, file_row_number),
            (coalesce((record->>'$.updated_at')::timestamp, '0001-01-01'), collected_at, load_id)) as place
            from {raw} group by (record->>'$.id')::bigint)
        select {duck_columns(spec)}, {LOADED} from {raw}
        where (filename, file_row_number) in (select place from winners))
        to '{out}' (format parquet, compression zstd)"""
    )


@contextmanager
def peak():
    """The most memory that this process and its children hold meanwhile, MB, in a list of one."""
    me, most, over = psutil.Process(), [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            alive = [p for p in (me, *me.children(recursive=True)) if p.is_running()]
            try:
                most[0] = max(most[0], sum(p.memory_info().rss for p in alive) / 1e6)
            except psutil.NoSuchProcess:
                continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def measure(name: str, work: Callable[[], None], files: Callable[[], list[Path]]) -> tuple:
    """(name, seconds, MB, rows out, an order-independent hash of the rows out)."""
    with peak() as most:
        began = time.perf_counter()
        work()
        took = time.perf_counter() - began
    columns = [c for c in load_spec("github").tables["issues"].columns if c != "labels"]
    names = ", ".join(f'"{c}"' for c in columns)
    rows, digest = duckdb.sql(
        f"select count(*), bit_xor(hash({names}, load_id)) from read_parquet({[str(f) for f in files()]})"
    ).fetchall()[0]
    return name, took, most[0], rows, digest


def run(folder: Path, gigabytes: float, rounds: int) -> list[tuple]:
    from spark.jobs.deduplicate import deduplicate
    from spark.session import start

    lake, spec = Lake(folder / "lake"), load_spec("github")
    rows = generate(lake, gigabytes)
    Console().print(f"{rows:,} raw rows of {gigabytes:g} GB JSON")
    results = []
    for name, form in (
        ("DuckDB, QUALIFY on raw text", duck_qualify),
        ("DuckDB, two passes", duck_two_pass),
    ):
        out = folder / f"{form.__name__}.parquet"
        for _ in range(rounds):
            results.append(measure(name, lambda f=form, o=out: f(lake, spec, o), lambda o=out: [o]))
    session = start()
    for n in range(rounds):
        shutil.rmtree(lake.clean, ignore_errors=True)
        results.append(
            measure(
                f"Spark, {'first' if n == 0 else 'warm'} (validated, drift and ledger too)",
                lambda: deduplicate(session, lake, spec, ["issues"]) and None,
                lambda: lake.clean_files("github", "issues"),
            )
        )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=1.0, help="JSON to generate, GB")
    parser.add_argument("--rounds", type=int, default=2, help="times that each form runs")
    parser.add_argument("--dir", type=Path, help="folder for the data (default: a temporary one)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as folder:
        results = run(Path(folder), arguments.gb, arguments.rounds)
    best = min(took for name, took, *_ in results if name.startswith("DuckDB"))
    grid = Grid("form", "s", "x DuckDB's best", "peak MB", "rows out", "same rows")
    for name, took, memory, rows, digest in results:
        same = "yes" if digest == results[0][4] else "NO"
        grid.add_row(name, f"{took:.1f}", f"{took / best:.1f}", f"{memory:,.0f}", f"{rows:,}", same)
    Console().print(grid)
    Console().print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; session start left out"
    )
    if any(digest != results[0][4] for *_, digest in results):
        raise SystemExit("the forms do not agree")


if __name__ == "__main__":
    main()
