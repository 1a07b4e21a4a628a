"""Release dates and cycles of products, one JSON file each: dated snapshots, a flat folder or a base URL."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import duckdb
import orjson

from ingestion.budget import Estimate, Plan
from ingestion.connectors.archive_files import Damage, SourceFile, base_url, folder_of
from ingestion.connectors.downloads import Answer, Downloads, Wanted
from ingestion.connectors.feeds import ASSUMED_SECONDS, land_folder, plan_folder
from ingestion.landing import Context, Failure, Item, Remember, Rows
from ingestion.readings import reading
from ingestion.spec import SourceSpec
from orchestration.settings import ROOT, Settings

SNAPSHOT = re.compile(r"^\d{4}-\d\d-\d\d$")
WATCHLIST = ROOT / "ingestion" / "watchlist.csv"


@dataclass(frozen=True)
class Statement:
    """What a file says of a product: name, slug, when it was true and the label of its snapshot."""

    product: str
    product_name: str
    observed_at: datetime
    snapshot: str


def land(context: Context) -> Iterator[Item]:
    """Every product whose file is new or changed. One row per version, one per cycle."""
    folder = folder_of(context.spec)
    names = watched(context.settings)
    if folder is None:
        yield from land_products(context, names)
    elif not folder.is_dir():
        yield Failure("release_dates", "*", f"{folder} is no folder; set TRENDHOUSE_ENDOFLIFE_URL")
    else:
        now = context.now()

        def read(file: SourceFile) -> Iterator[Item]:
            yield from land_file(file, stated(file, names, now))

        yield from land_folder(context, folder, "release_dates", files(folder), read)


def plan(spec: SourceSpec, state: dict[str, Any], settings: Settings) -> Plan:
    """One request per product of the watchlist; none for a folder."""
    folder = folder_of(spec)
    if folder is not None:
        return plan_folder(spec, folder, "release_dates", files(folder), state)
    products, tags = watched(settings), state.get("tags", {})
    each = state.get("seconds_per_file")
    known = sum(product in tags for product in products)
    basis = f"{len(products)} products of the watchlist, {known} asked for only if changed"
    basis += "" if each else f"; {ASSUMED_SECONDS:g} s a file assumed"
    seconds = len(products) * (each or ASSUMED_SECONDS)
    return Plan(spec.name, [Estimate("release_dates", len(products), 0, seconds, basis)])


def watched(settings: Settings) -> dict[str, str]:
    """{slug: product name} of the watchlist's enabled products of this kind."""
    path = settings.watchlist or WATCHLIST
    with path.open(newline="", encoding="utf-8") as file:
        return {
            row["target"]: row["product_name"] or row["target"]
            for row in csv.DictReader(file)
            if row["kind"] == "endoflife" and row["enabled"].strip().lower() == "true"
        }


def files(folder: Path) -> list[Path]:
    """The JSON files of a folder and of its dated subfolders, older snapshots first."""
    dated = [path for path in folder.glob("*/*.json") if SNAPSHOT.match(path.parent.name)]
    return sorted(
        [*folder.glob("[!.]*.json"), *dated], key=lambda path: (path.parent.name, path.name)
    )


def stated(file: SourceFile, names: dict[str, str], now: datetime) -> Statement:
    """A file of a dated folder was true at that day's start, one without at the start of today."""
    product, snapshot = file.path.stem, file.path.parent.name
    day = now.date()
    if SNAPSHOT.match(snapshot):
        day = datetime.fromisoformat(snapshot).date()
    at = datetime.combine(day, time(), UTC)
    return Statement(product, names.get(product, product), at, f"{day:%Y-%m-%d}")


def land_products(context: Context, names: dict[str, str]) -> Iterator[Item]:
    """Ask for the file of every product; one that has vanished upstream keeps its last values."""
    base, tags = base_url(context.spec), dict(context.state.get("tags", {}))
    wanted = [Wanted(f"{slug}.json", f"{base}/{slug}.json", tags.get(slug)) for slug in names]
    done = 0
    with Downloads(context, is_json) as downloads:
        answers = downloads.answers(wanted, "release_dates")
        for (slug, name), answer in zip(names.items(), answers, strict=False):
            yield from land_answer(context, slug, name, answer)
            done += 1
    if done < len(wanted):
        left = f"the deadline came first: {len(wanted) - done} products are left for the next run"
        yield Failure("release_dates", list(names)[done], left)


def land_answer(context: Context, slug: str, name: str, answer: Answer) -> Iterator[Item]:
    url, at = answer.wanted.url, answer.date or context.now()
    if answer.error is not None:
        yield Failure("release_dates", slug, f"{url}: {answer.error}")
    elif answer.is_missing:
        yield from land_vanished(context, slug, url, at)
    elif answer.path is not None:
        file = SourceFile(answer.wanted.name, answer.path, url)
        try:
            yield from land_file(file, Statement(slug, name, at, f"{at:%Y-%m-%d}"))
        except Damage as damage:
            yield Failure("release_dates", slug, str(damage))
            return
        yield Remember(("gone", slug), None)
        yield Remember(("seconds_per_file",), round(answer.seconds, 3))
        yield Remember(("tags", slug), answer.tag)


def land_vanished(context: Context, slug: str, url: str, at: datetime) -> Iterator[Item]:
    """A product that was there before is told of by a reading; one that never was is a mistake."""
    was_there = slug in context.state.get("tags", {})
    if not was_there and slug not in context.state.get("gone", {}):
        yield Failure("release_dates", slug, f"{url}: no such product (404); mend the watchlist")
        return
    method = "the product's file is gone upstream (404); the last values stay"
    yield reading("release_dates", slug, 0, method, source_url=url, observed_at=at)
    yield Remember(("gone", slug), context.state.get("gone", {}).get(slug) or at.isoformat())
    yield Remember(("tags", slug), None)


def is_json(path: Path) -> bool:
    try:
        orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        return False
    return True


def land_file(file: SourceFile, statement: Statement) -> Iterator[Item]:
    """The versions and cycles of a file with their counts. Raises Damage if it is not such a file."""
    try:
        content = orjson.loads(file.path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise Damage(f"{file.url}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise Damage(f"{file.url}: an object is expected, not a {type(content).__name__}")
    is_nested = any(isinstance(content.get(name), dict) for name in ("versions", "releases"))
    versions = content.get("versions") or {} if is_nested else content
    kind = "nested" if is_nested else "flat"
    yield from statements(file, statement, "release_dates", kind, versions)
    expected = {"release_dates": "versions" if is_nested else None}
    if is_nested and (cycles := content.get("releases")):
        yield from statements(file, statement, "release_cycles", kind, cycles)
        expected["release_cycles"] = "releases"
    for table, member in expected.items():
        yield reading(
            table,
            statement.product,
            count_keys(file.path, member),
            "keys counted by DuckDB",
            source_url=file.url,
            observed_at=statement.observed_at,
        )


def statements(
    file: SourceFile, statement: Statement, table: str, kind: str, entries: dict[str, Any]
) -> Iterator[Rows]:
    """One row per entry of a table's object; the entry's name is part of the context."""
    named = "version" if table == "release_dates" else "cycle"
    shared = {
        "product": statement.product,
        "product_name": statement.product_name,
        "snapshot": statement.snapshot,
        "file_format": kind,
    }
    yield Rows(
        table=table,
        records=[orjson.dumps(value) for value in entries.values()],
        partition_name=statement.product,
        source_url=file.url,
        observed_at=statement.observed_at,
        contexts=[orjson.dumps({**shared, named: name}).decode() for name in entries],
        keys=[f"{statement.product}/{name}" for name in entries],
    )


def count_keys(path: Path, member: str | None) -> int:
    """The keys of a JSON file's object, or of one of its members, counted by DuckDB."""
    with duckdb.connect(config={"threads": 1}) as connection:
        found = connection.execute(
            "select coalesce(len(json_keys(content, ?)), 0) from read_text(?) as file(name, content, size, changed)",
            [f"$.{member}" if member else "$", str(path)],
        ).fetchone()
    assert found is not None
    return int(found[0])
