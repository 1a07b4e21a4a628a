"""Spark against DuckDB: raw JSON-column Parquet in, typed deduplicated Parquet out, the same rows."""

from __future__ import annotations

import argparse
import math
import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import orjson
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table as Grid

from trendhouse.declared.sources import SourceSpec, load_spec
from trendhouse.lake.lake import Lake

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


@dataclass
class Used:
    """What a piece of work took: seconds, CPU seconds, and the most memory (MB) of Python and of the JVM."""

    seconds: float = 0.0
    cpu: float = 0.0
    python: float = 0.0
    jvm: float = 0.0

    def see_memory(self, processes: list[psutil.Process]) -> None:
        python, *children = (process.memory_info().rss / 1e6 for process in processes)
        self.python, self.jvm = max(self.python, python), max(self.jvm, sum(children))


def family() -> list[psutil.Process]:
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def cpu_seconds() -> float:
    return sum(sum(process.cpu_times()[:2]) for process in family())


@contextmanager
def watched() -> Iterator[Used]:
    """What is used meanwhile by this process and its children."""
    used, over = Used(), threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            with suppress(psutil.NoSuchProcess):
                used.see_memory(family())

    thread = threading.Thread(target=watch)
    thread.start()
    began, cpu = time.perf_counter(), cpu_seconds()
    try:
        yield used
    finally:
        used.seconds, used.cpu = time.perf_counter() - began, cpu_seconds() - cpu
        over.set()
        thread.join()


@dataclass
class Result:
    """One run of one form: what it used, the rows out, and a hash of them without regard to their order."""

    form: str
    used: Used
    rows: int
    digest: int


def measure(form: str, work: Callable[[], None], files: Callable[[], list[Path]]) -> Result:
    with watched() as used:
        work()
    columns = [c for c in load_spec("github").tables["issues"].columns if c != "labels"]
    names = ", ".join(f'"{c}"' for c in columns)
    rows, digest = duckdb.sql(
        f"select count(*), bit_xor(hash({names}, load_id)) from read_parquet({[str(f) for f in files()]})"
    ).fetchall()[0]
    return Result(form, used, rows, digest)


def run(folder: Path, gigabytes: float, rounds: int, only: str | None) -> list[Result]:
    lake = Lake(folder / "lake")
    rows = generate(lake, gigabytes)
    Console().print(f"{rows:,} raw rows of {gigabytes:g} GB JSON")
    duck = run_duckdb(folder, lake, rounds) if only != "spark" else []
    return [*duck, *(run_spark(lake, rounds) if only != "duckdb" else [])]


def run_duckdb(folder: Path, lake: Lake, rounds: int) -> list[Result]:
    spec = load_spec("github")
    forms = {"DuckDB, QUALIFY on raw text": duck_qualify, "DuckDB, two passes": duck_two_pass}
    results = []
    for name, form in forms.items():
        out = folder / f"{form.__name__}.parquet"
        for _ in range(rounds):
            results.append(measure(name, lambda f=form, o=out: f(lake, spec, o), lambda o=out: [o]))
    return results


def run_spark(lake: Lake, rounds: int) -> list[Result]:
    """Validation, drift and ledger are part of the work; the start of the session is not."""
    from spark.jobs.deduplicate import deduplicate, waiting_bytes
    from spark.session import start

    spec, results = load_spec("github"), []
    session = start(raw_bytes=waiting_bytes(lake, spec, ["issues"]))
    for n in range(rounds):
        shutil.rmtree(lake.clean, ignore_errors=True)
        results.append(
            measure(
                f"Spark, {'first' if n == 0 else 'warm'}",
                lambda: deduplicate(session, lake, spec, ["issues"]) and None,
                lambda: lake.clean_files("github", "issues"),
            )
        )
    return results


def show(results: list[Result]) -> None:
    duck = [result.used for result in results if result.form.startswith("DuckDB")]
    least = min((used.seconds for used in duck), default=math.nan)
    least_cpu = min((used.cpu for used in duck), default=math.nan)
    grid = Grid("form", "s", "ratio", "CPU s", "ratio", "Python MB", "JVM MB", "rows out", "same")
    for result in results:
        used = result.used
        grid.add_row(
            result.form,
            *(f"{used.seconds:.1f}", f"{used.seconds / least:.1f}"),
            *(f"{used.cpu:.1f}", f"{used.cpu / least_cpu:.1f}"),
            *(f"{used.python:,.0f}", f"{used.jvm:,.0f}", f"{result.rows:,}"),
            "yes" if result.digest == results[0].digest else "NO",
        )
    Console(width=110).print(grid)
    Console().print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; session start left out; "
        "ratios are to DuckDB's best form"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=1.0, help="JSON to generate, GB")
    parser.add_argument("--rounds", type=int, default=2, help="times that each form runs")
    parser.add_argument("--dir", type=Path, help="folder for the data (default: a temporary one)")
    parser.add_argument("--only", choices=("duckdb", "spark"), help="leave the other one out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.dir) as folder:
        results = run(Path(folder), asked.gb, asked.rounds, asked.only)
    show(results)
    if any(result.digest != results[0].digest for result in results):
        raise SystemExit("the forms do not agree")


if __name__ == "__main__":
    main()
