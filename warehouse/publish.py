"""Swap what readers see: the marts as immutable Parquet behind one pointer, if the suites allow."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from trendhouse.declared.marts import SCHEMA, Period, foreign_marts, periods
from trendhouse.lake.lake import replace_text
from trendhouse.run_records import newest_run
from trendhouse.settings import Place
from trendhouse.state import read_state
from trendhouse.worlds import world_clock
from warehouse import floors
from warehouse.file import opened
from warehouse.fitness import PublicationBlocked, fit, refusals, require_verdicts
from warehouse.published import CURRENT
from warehouse.published_files import entry, is_whole
from warehouse.snowflake.account import is_target
from warehouse.upgrade import code_of_marts, settle

VERSIONS = "versions"
# Up to here every row is compared; beyond, what changed is told by the change feed, in constant time.
COMPARED_ROWS = 200_000
WHOLE = "all"
# What makes the name of a period its first day.
FIRST_DAYS = {"year": "-01-01", "month": "-01", "day": ""}


@dataclass
class Publication:
    """One publication: its version, what was rewritten, which partitions are shown as they were since
    their floor is not met, which marts were kept back, and what was only flagged."""

    version: int
    mart_count: int
    row_count: int
    written: list[str] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        counts = {
            "partitions as they were": self.held_back,
            "marts kept back": self.refused,
            "flagged": self.flagged,
        }
        told = "".join(f", {len(lines)} {state}" for state, lines in counts.items() if lines)
        return (
            f"version {self.version}: {self.mart_count} marts, {self.row_count:,} rows, "
            f"{len(self.written)} files rewritten{told}"
        )


def publish(place: Place, domain: str = "opensource", run_id: str | None = None) -> Publication:
    """Publish the marts of `domain` as the warehouse holds them; only what changed is written.

    One immutable file per mart and period; the pointer `CURRENT.json` is replaced last, so a kill at
    any moment leaves the state before or the state after. A partition below its floor is in the marts as
    it was when the floor was last met, and is named; of a mart whose suite does not hold readers keep the
    last version. Raises PublicationBlocked if this very warehouse or what it was built from was not
    checked, or no mart holds.
    """
    if is_target():
        from warehouse.snowflake import publish as on_snowflake

        return on_snowflake.publish(place, domain, run_id)
    if not place.warehouse.exists():
        raise PublicationBlocked(
            f"There is no warehouse at {place.warehouse}. Build it: `trendhouse build`."
        )
    verdicts = require_verdicts(place, domain)
    before = state_before(place)
    with opened(place.warehouse) as connection:
        connection.execute("set TimeZone = 'UTC'")
        held_back, flagged = short_of_floors(connection, domain)
        writer = Writer(place.published, connection, domain, before, code_of_marts(place.warehouse))
        names = fit(mart_names(connection, domain), verdicts)
        marts = {name: writer.publish(name) for name in names}
        rates = floors.capture_rates(connection)
    kept = {*foreign_marts(domain), *verdicts.refused}
    others = {name: mart for name, mart in before["marts"].items() if name in kept}
    marts = dict(sorted({**others, **marts}.items()))
    changed = writer.written or marts != before["marts"]
    state = {
        "version": writer.version if changed else before["version"],
        "run_id": run_id or newest_run(place.runs),
        "published_at": world_clock(place).isoformat(),
        "capture_rates": rates,
        "marts": marts,
    }
    point_to(place, state, before)
    known = settle(place)
    return Publication(
        version=state["version"],
        mart_count=len(marts),
        row_count=sum(mart["row_count"] for mart in marts.values()),
        written=writer.written,
        held_back=held_back,
        flagged=[*flagged, *verdicts.told, *known.warning],
        refused=refusals(verdicts, marts),
    )


def state_before(place: Place) -> dict[str, Any]:
    """The published state as CURRENT.json has it; version 0 without marts if there is none."""
    path = place.published / CURRENT
    return read_state(path) if path.exists() else {"version": 0, "marts": {}}


def point_to(place: Place, state: dict[str, Any], before: dict[str, Any]) -> None:
    """Let readers see `state`, whole; the files of the state before are kept, older ones are deleted."""
    replace_text(place.published / VERSIONS / f"{state['version']}.json", json.dumps(state))
    replace_text(place.published / CURRENT, json.dumps(state, indent=1))
    vacuum(place.published, {before["version"], state["version"]})


def short_of_floors(connection: floors.Asked, domain: str) -> tuple[list[str], list[str]]:
    """(what the floors hold back, what is published and flagged: short partitions of a floor that only
    flags, and streams whose floor could not be checked)."""
    short = floors.shortfalls(connection, domain)
    held_back = [str(each) for each in short if each.is_refused]
    flagged = [str(each) for each in short if not each.is_refused]
    return held_back, flagged + floors.unread(connection, domain)


def mart_names(connection: duckdb.DuckDBPyConnection, domain: str) -> list[str]:
    """The marts that the warehouse holds. Raises PublicationBlocked if there is none."""
    found = connection.execute(
        "select table_name from information_schema.tables where table_schema = ? order by 1",
        [SCHEMA],
    ).fetchall()
    names = [name for (name,) in found if name not in foreign_marts(domain)]
    if not names:
        raise PublicationBlocked(
            f"The warehouse holds no mart of `{domain}`. Build it: `trendhouse build`."
        )
    return names


class Writer:
    """Writes the periods of marts that differ from the published ones, under one new version."""

    def __init__(
        self,
        folder: Path,
        connection: duckdb.DuckDBPyConnection,
        domain: str,
        before: dict[str, Any],
        code: Callable[[str], str],
    ) -> None:
        self.folder = folder
        self.code = code
        self.connection = connection
        self.periods = periods(domain)
        self.before = before["marts"]
        # While the folder is kept no number is used twice, also after a restore: a file's name says
        # what it holds.
        known = [int(path.stem) for path in (folder / VERSIONS).glob("*.json")]
        self.version = max([before["version"], *known]) + 1
        self.written: list[str] = []

    def publish(self, mart: str) -> dict[str, Any]:
        """Columns, row_count and partitions of a mart; what has its old fingerprint keeps its file."""
        columns = self.columns(mart)
        period = self.periods.get(mart)
        if period and period.column not in columns:
            raise PublicationBlocked(
                f"{mart} is declared to be published by {period.column}, which it does not have: "
                "mend publish_by in dbt_project.yml."
            )
        known = self.before.get(mart, {})
        kept = known.get("partitions", {}) if known.get("columns") == columns else {}
        partitions, row_count = {}, 0
        for name, rows, fingerprint in self.fingerprints(mart, columns, period):
            row_count += rows
            old = kept.get(name, {})
            if old.get("fingerprint") == fingerprint and is_whole(self.folder, old):
                partitions[name] = old
            else:
                file = self.write(mart, name, period)
                partitions[name] = entry(self.folder, file, rows, fingerprint)
        return {"columns": columns, "row_count": row_count, "partitions": partitions}

    def columns(self, mart: str) -> dict[str, str]:
        found = self.connection.execute(f'describe {SCHEMA}."{mart}"').fetchall()
        return {row[0]: row[1] for row in found}

    def fingerprints(
        self, mart: str, columns: dict[str, str], period: Period | None
    ) -> list[tuple[str, int, str]]:
        """(period, rows, fingerprint), by period; a mart that is not cut, or is empty, is one."""
        relation = f'{SCHEMA}."{mart}"'
        count = self.connection.execute(f"select count(*) from {relation}").fetchone()[0]
        if count > COMPARED_ROWS and "clean_version" in columns:
            kind, what = f"feed {self.code(mart)}", "max(clean_version), sum(clean_version)"
        else:
            kind, what = f"rows {duckdb.__version__}", f'sum(hash("{mart}"))'
        start = f"date_trunc('{period.by}', {period.column})" if period else "null"
        found = self.connection.execute(
            f"select {start} as start, count(*), concat_ws(' ', count(*), {what}) "
            f"from {relation} group by start order by start"
        ).fetchall()
        found = found or [(None, 0, "0")]
        return [(label(period, start, rows), rows, f"{kind} {told}") for start, rows, told in found]

    def write(self, mart: str, name: str, period: Period | None) -> str:
        """Write one period beside, then give it its name; the name relative to the folder."""
        file = f"{mart}/{name}/{self.version}.parquet"
        target = self.folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_suffix(".part")
        self.copy(mart, within(period, name), beside)
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(beside, target)
        self.written.append(file)
        return file

    def copy(self, mart: str, condition: str, target: Path) -> None:
        """Write the rows of a mart that meet a condition (SQL, or nothing) as Parquet."""
        self.connection.execute(
            f"copy (select * from {SCHEMA}.\"{mart}\" {condition}) to '{quoted(target)}' "
            "(format parquet, compression zstd)"
        )


def label(period: Period | None, start: date | str | None, rows: int) -> str:
    """The folder of a period: `2026`, `2026-01`, `undated`; `all` if the mart is not cut or empty.

    Its first day is cut as text: Python has no date after 9999, and its formats no zeros for the year 1.
    """
    if period is None or not rows:
        return WHOLE
    day = str(start).partition(" ")[0]
    return "undated" if start is None else day.removesuffix(FIRST_DAYS[period.by])


def within(period: Period | None, name: str) -> str:
    """The SQL condition for the rows of a period, in a form that skips what lies outside."""
    if period is None or name == WHOLE:
        return ""
    if name == "undated":
        return f"where {period.column} is null"
    start = f"date '{name}{FIRST_DAYS[period.by]}'"
    return (
        f"where {period.column} >= {start} and {period.column} < {start} + interval '1 {period.by}'"
    )


def quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def vacuum(folder: Path, versions: set[int]) -> int:
    """Delete every file that none of `versions` names; how many. Also what killed runs have left."""
    named = set()
    for path in (folder / VERSIONS).glob("*.json"):
        if int(path.stem) in versions:
            marts = read_state(path)["marts"].values()
            named |= {part["file"] for mart in marts for part in mart["partitions"].values()}
        else:
            path.unlink()
    dead = [path for path in folder.glob("*/*/*") if str(path.relative_to(folder)) not in named]
    for path in dead:
        path.unlink()
    return len(dead)
