"""What `trendhouse status` shows: the last run, completeness, gaps, quarantine, drift, freshness, what blocks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.gaps import gaps
from trendhouse.declared.sources import landed_specs
from trendhouse.settings import Place
from trendhouse.state import read_state
from trendhouse.verdicts import CLEAN, Verdicts
from trendhouse.worlds import world_clock
from warehouse import floors
from warehouse.published import NothingPublished, connect, current

LIMIT = 15


def status(console: Console, place: Place) -> None:
    """Print how complete, clean and fresh the published marts are, and what keeps the next from being
    published."""
    console.print(last_run(place), highlight=False, soft_wrap=True)
    try:
        state = current(place)
    except NothingPublished as nothing:
        console.print(str(nothing), soft_wrap=True)
    else:
        console.print(
            f"Published: version {state['version']}, {len(state['marts'])} marts, at {moment(state['published_at'])}",
            highlight=False,
            soft_wrap=True,
        )
        with connect(place) as connection:
            console.print(completeness(state["capture_rates"]))
            for line in gaps(connection, state["marts"]):
                console.print(f"Missing: {line}", highlight=False, soft_wrap=True)
            console.print(freshness(connection, world_clock(place)))
            for shown in (flags(connection), quarantine(connection), drift(connection)):
                console.print(shown)
    for line in blocks(place):
        console.print(f"[red]blocked:[/] {line}", highlight=False, soft_wrap=True)


def last_run(place: Place) -> str:
    """The newest record of a whole run: when, how long, how it ended, what failed.

    Airflow makes whole runs of single tasks: where it works, its newest task is told beside it.
    """
    whole, task = "Last run: none yet.", None
    for path in sorted(place.runs.glob("*.json"), reverse=True):
        run = read_state(path)
        if run["command"] == "run":
            whole = told("Last run", run)
            break
        if task is None and run["command"].startswith("airflow "):
            task = told(f"Last task of Airflow, {run['command'].removeprefix('airflow ')}", run)
    return "\n".join(filter(None, (whole, task)))


def told(name: str, run: dict[str, Any]) -> str:
    took = "still at work or killed" if run["seconds"] is None else f"{run['seconds']:.0f} s"
    code = "" if run["exit_code"] is None else f", exit code {run['exit_code']}"
    said = [f"  {failure}" for failure in run["failures"]]
    said += [f"  {run['error']}"] if run.get("error") else []
    return "\n".join([f"{name}: {run['run_id']}, {moment(run['started_at'])}, {took}{code}", *said])


def moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def completeness(rates: list[dict[str, Any]]) -> Table:
    """One line per source and stream over the newest reading of each partition."""
    table = titled(
        "Completeness, newest reading of each partition",
        "source stream",
        "partitions expected captured held worst_rate",
        "worst_partition",
    )
    for rate in rates:
        if rate["stream_name"] == "readings":
            continue
        worst = rate["worst_capture_rate"]
        table.add_row(
            rate["source_name"],
            rate["stream_name"],
            *[
                counted(rate.get(name))  # a publication may be older than a name
                for name in ("partition_count", "expected_count", "captured_count", "held_count")
            ],
            "no reading" if worst is None else f"{worst:.4f}",
            "" if worst is None or worst >= 1 else rate["worst_partition_name"],
        )
    return table


def freshness(connection: duckdb.DuckDBPyConnection, now: datetime) -> Table:
    """Age of the newest day in the ledger beside the age that the source promises; hours."""
    promised = {spec.name: spec.freshness_hours for spec in landed_specs()}
    rows = connection.execute("""
        select source_name, max(observed_date) from completeness
        where kept_count > 0 and stream_name <> 'readings' group by 1 order by 1
    """).fetchall()
    table = titled("Freshness", "source newest_day", "days_old promised_hours", "")
    for source, newest in rows:
        days = (now.astimezone(UTC).date() - newest).days
        table.add_row(source, f"{newest}", f"{days}", counted(promised.get(source)))
    return table


def flags(connection: duckdb.DuckDBPyConnection) -> Table | str:
    """The partitions below their floor by their newest reading, the worst first, and what is shown of them."""
    short = floors.shortfalls(connection, "opensource", "completeness")
    if not short:
        return "Below a floor: nothing."
    table = titled(
        f"Below a floor: {len(short):,}, the worst first",
        "source stream partition day",
        "rate floor",
        "shown_as_of",
    )
    for each in short[:LIMIT]:
        as_of = str(each.last_met or "never met") if each.is_refused else "that day"
        names = (each.source, each.stream, each.partition, str(each.day))
        table.add_row(*names, f"{each.rate:.4f}", f"{each.floor:g}", as_of)
    return table


def quarantine(connection: duckdb.DuckDBPyConnection) -> Table | str:
    rows = connection.execute(f"""
        select source_name, table_name, reason, count(*), max(collected_at)
        from quarantine group by 1, 2, 3 order by 4 desc, 1, 2, 3 limit {LIMIT}
    """).fetchall()
    if not rows:
        return "Quarantine: empty."
    total = connection.execute("select count(*) from quarantine").fetchone()[0]
    table = titled(
        f"Quarantine: {total:,} rows", "source table reason", "rows", "last_collected_at"
    )
    for source, name, reason, count, last in rows:
        table.add_row(source, name, reason, counted(count), f"{last}")
    return table


def drift(connection: duckdb.DuckDBPyConnection) -> Table | str:
    """The fields that the newest drift of each table brought; what was known before is only counted."""
    columns = {name for (name, *_) in connection.execute("describe drift").fetchall()}
    # What an older release has published says only which run saw a field last.
    first = "first_version" if "first_version" in columns else "clean_version"
    fields = f"""
        select *, {first} = max({first}) over (partition by source_name, table_name) as is_new
        from drift
    """
    new, known = connection.execute(
        f"select count(*) filter (where is_new), count(*) filter (where not is_new) from ({fields})"
    ).fetchone()
    if not new:
        return "Drift: none."
    rows = connection.execute(f"""
        select source_name, table_name, path, kind, occurrence_count, first_seen_at, example
        from ({fields}) where is_new order by first_seen_at desc, 1, 2, 3 limit {LIMIT}
    """).fetchall()
    before = f"; {known:,} known before are in the mart `drift`" if known else ""
    table = titled(
        f"Drift: {new:,} new fields, the newest first{before}",
        "source table path kind",
        "rows",
        "first_seen_at example",
    )
    for source, name, path, kind, count, first, example in rows:
        table.add_row(source, name, path, kind, counted(count), f"{first}", (example or "")[:40])
    return table


def blocks(place: Place) -> list[str]:
    """Why the warehouse, as it is now, would not be published; empty if it would."""
    found = [
        f"expectations of {suite} do not hold; see {place.data_docs / 'index.html'}"
        for spec in landed_specs()
        for suite in Verdicts(place.lake.clean / spec.name / CLEAN).failed
    ]
    for path in sorted(place.warehouse.parent.glob("checked_*.json")):
        found += [
            f"expectations of {suite} do not hold: that mart alone is kept back"
            for suite in Verdicts(path).failed
        ]
    return found


def titled(title: str, left: str, right: str, last: str) -> Table:
    """A table with columns to the left, numbers to the right, and what follows them."""
    table = Table(title=title, box=None, title_justify="left", header_style="dim")
    for names, justify in ((left, "left"), (right, "right"), (last, "left")):
        for name in names.split():
            table.add_column(name.replace("_", " "), justify=justify, overflow="fold")
    return table


def counted(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
