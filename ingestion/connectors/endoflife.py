"""Release dates and cycles of products, one JSON file each: dated snapshots, a flat folder or a base URL."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import duckdb

from ingestion.budget import Estimate, Plan
from ingestion.connectors.archive_files import Damage, SourceFile, base_url, folder_of
from ingestion.connectors.downloads import Answer, Downloads, Wanted
from ingestion.connectors.feeds import ASSUMED_SECONDS, land_folder, plan_folder
from ingestion.landing import Context, Failure, Item, Remember, Rows
from ingestion.readable import TooDeep, read_json, storable, write_json
from ingestion.readings import reading
from ingestion.records import Malformed
from ingestion.watchlist import read_watchlist
from trendhouse.declared.sources import SourceSpec
from trendhouse.settings import Settings

log = logging.getLogger(__name__)

SNAPSHOT = re.compile(r"^\d{4}-\d\d-\d\d$")
# The tables by the member of a nested file that they are read from, and what names an entry.
TABLES = {"release_dates": ("versions", "version"), "release_cycles": ("releases", "cycle")}


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
    """{slug: product name} of the watchlist's enabled products of this kind; the first line's name."""
    names: dict[str, str] = {}
    for entry in read_watchlist(settings):
        if entry.kind == "endoflife" and entry.is_enabled:
            names.setdefault(entry.target, entry.product_name)
    return names


def files(folder: Path) -> list[Path]:
    """The JSON files of a folder and of its dated subfolders, older snapshots first."""
    dated = [path for path in folder.glob("*/*.json") if snapshot_of(path)]
    return sorted(
        [*folder.glob("[!.]*.json"), *dated], key=lambda path: (path.parent.name, path.name)
    )


def snapshot_of(path: Path) -> date | None:
    """The day that the folder of a file is named by; None if it names none."""
    name = path.parent.name
    try:
        return date.fromisoformat(name) if SNAPSHOT.match(name) else None
    except ValueError:
        return None


def stated(file: SourceFile, names: dict[str, str], now: datetime) -> Statement:
    """A file of a dated folder was true at that day's start, one without at the start of today."""
    product, day = storable(file.path.stem), snapshot_of(file.path) or now.date()
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
    """Whether asking again is no use: the file is whole, whatever stands in it."""
    try:
        read_json(path.read_bytes())
    except TooDeep:
        return True
    except Malformed:
        return False
    return True


def land_file(file: SourceFile, statement: Statement) -> Iterator[Item]:
    """The versions and cycles of a file with their counts; what is of another shape ends in quarantine.

    Raises Damage, after the row for the quarantine, if the file is no JSON: it may come whole next time.
    """
    content = file.path.read_bytes()
    try:
        landed = [*entries(file, statement, read_json(content), content)]
    except Malformed as error:
        yield from land_refused(file, statement, "release_dates", content, f"the file is {error}")
        if not isinstance(error, TooDeep):
            raise Damage(f"{file.url}: {error}") from error
        return
    yield from landed


def entries(file: SourceFile, statement: Statement, content: Any, text: bytes) -> Iterator[Rows]:
    """The rows and readings of a file's tables. Raises TooDeep."""
    if not isinstance(content, dict):
        reason = f"the file is {kind_of(content)}, not an object"
        yield from land_refused(file, statement, "release_dates", text, reason)
        return
    is_nested = any(not isinstance(content.get(name, ""), str) for name, _ in TABLES.values())
    if not is_nested:
        yield from land_entries(file, statement, "release_dates", content, None)
        return
    for table, (member, _) in TABLES.items():
        found = content.get(member)
        if found is None:
            found = {}
        if not isinstance(found, dict):
            reason = f"`{member}` is {kind_of(found)}, not an object"
            yield from land_refused(file, statement, table, write_json(found).encode(), reason)
        elif found or table == "release_dates":
            yield from land_entries(file, statement, table, found, member)


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    named = {list: "a list", dict: "an object", str: "a text", bool: "true or false"}
    return "null" if value is None else named.get(type(value), "a number")


def land_entries(
    file: SourceFile,
    statement: Statement,
    table: str,
    found: dict[str, Any],
    member: str | None,
) -> Iterator[Rows]:
    """One row per entry of a table's object (its name is part of the context), and how many there are."""
    said = {**said_of(statement), "file_format": "nested" if member else "flat"}
    _, named = TABLES[table]
    yield Rows(
        table=table,
        records=[write_json(value) for value in found.values()],
        partition_name=statement.product,
        source_url=file.url,
        observed_at=statement.observed_at,
        contexts=[write_json({**said, named: name}) for name in found],
        keys=[storable(f"{statement.product}/{name}") for name in found],
    )
    expected, method = count_keys(file.path, member, len(found))
    yield reading(
        table, statement.product, expected, method,
        source_url=file.url, observed_at=statement.observed_at,
    )  # fmt: skip


def land_refused(
    file: SourceFile, statement: Statement, table: str, text: bytes, reason: str
) -> Iterator[Rows]:
    """A row that ends in quarantine with its reason; nobody knows how many records it stands for."""
    log.warning("%s: %s; it goes to quarantine", file.url, reason)
    yield Rows(
        table=table,
        records=[text.decode("utf-8", "backslashreplace")],
        partition_name=statement.product,
        source_url=file.url,
        observed_at=statement.observed_at,
        contexts=write_json({**said_of(statement), "reason": reason}),
    )
    yield reading(
        table, statement.product, 1, f"lower bound: {reason}",
        source_url=file.url, observed_at=statement.observed_at,
    )  # fmt: skip


def said_of(statement: Statement) -> dict[str, str]:
    return {
        "product": statement.product,
        "product_name": statement.product_name,
        "snapshot": statement.snapshot,
    }


def count_keys(path: Path, member: str | None, landed: int) -> tuple[int, str]:
    """(distinct keys of a JSON file's object, or of one of its members, how counted)."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        with duckdb.connect(config={"threads": 1}) as connection:
            found = connection.execute(
                "select coalesce(len(list_distinct(json_keys(?, ?))), 0)",
                [text, f"$.{member}" if member else "$"],
            ).fetchone()
    except duckdb.Error:
        return landed, "keys as they were read; DuckDB does not take the file"
    assert found is not None
    return int(found[0]), "keys counted by DuckDB"
