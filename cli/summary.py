"""The screen at the end of a run: what was built, how complete it is, what to type next."""

from __future__ import annotations

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from orchestration.run import Report
from trendhouse.settings import Place, Settings
from trendhouse.state import read_state
from warehouse import floors
from warehouse.published import NothingPublished, connect, current

NOTHING = "Nothing is published yet."
READ = (
    ('trendhouse query "select * from products"', "read a mart"),
    ("trendhouse status", "completeness, quarantine and drift, in full"),
    ("trendhouse docs", "every model and column, and the checks' results"),
)
AGAIN = {
    "sample": ("trendhouse run --advance 1", "move the sample world on by a day"),
    "live": ("trendhouse run --live", "land what is new upstream"),
    "recorded": ("trendhouse run --recorded FOLDER", "read the recordings again, for what is new"),
}


def show(console: Console, settings: Settings, report: Report) -> None:
    """Print the end of a run: what is published, and what became of this run where it did not get so far."""
    is_published = "publish" in report.outcomes
    try:
        state = current(settings.place)
    except NothingPublished:
        # Snowflake keeps what it publishes.
        told = f"Published: {report.outcomes['publish'].summary}." if is_published else NOTHING
        console.print(told, highlight=False)
    else:
        connection = connect(settings.place)
        before = "" if is_published else f" before, version {state['version']}"
        console.print(built(connection, f"Published marts{before}"))
        console.print(completeness(connection))
        if is_published:
            console.print(quarantined(connection))
    if not is_published:
        console.print(quarantined_now(settings.place, report))
    costs(console, report)
    for failure in report.failures:
        console.print(f"[yellow]partial[/] {failure}", soft_wrap=True)
    for broken in report.broken:
        console.print(f"[red]failed[/] {broken}", soft_wrap=True)
    if report.refused:
        console.print(Panel(report.refused, title="Publication refused", border_style="red"))
    next_commands = Table.grid(padding=(0, 2))
    for command, meaning in (*READ, AGAIN[settings.effective_world]):
        next_commands.add_row(f"[bold]{command}[/]", meaning)
    console.print(Panel(next_commands, title="Next", border_style="dim"))


def built(connection, title: str) -> Table:
    names = [
        row[0]
        for row in connection.execute(
            "select view_name from duckdb_views() where not internal order by 1"
        ).fetchall()
    ]
    table = Table(title=title, box=None, title_justify="left")
    for _ in range(3):
        table.add_column("mart")
        table.add_column("rows", justify="right")
    cells = []
    for name in names:
        count = connection.execute(f'select count(*) from "{name}"').fetchone()[0]
        cells.append((name, f"{count:,}"))
    for start in range(0, len(cells), 3):
        row = [text for pair in cells[start : start + 3] for text in pair]
        table.add_row(*row)
    return table


def completeness(connection) -> Table:
    """One line a source and stream: newest readings, and the worst partition among them."""
    table = Table(title="Completeness", box=None, title_justify="left")
    left = ("source", "stream", "worst partition")
    for heading in (*left[:2], "partitions", "expected", "captured", "worst rate", left[2]):
        table.add_column(heading, justify="left" if heading in left else "right")
    for rate in floors.capture_rates(connection, "completeness"):
        worst = rate["worst_capture_rate"]
        if worst is None or rate["stream_name"] == "readings":
            continue
        table.add_row(
            rate["source_name"],
            rate["stream_name"],
            f"{rate['partition_count']:,}",
            f"{rate['expected_count']:,}",
            f"{rate['captured_count']:,}",
            f"{worst:.4f}",
            rate["worst_partition_name"] if worst < 1 else "",
        )
    return table


def quarantined(connection) -> Table | str:
    rows = connection.execute(
        "select source_name, table_name, reason, count(*) from quarantine group by all order by 4 desc limit 10"
    ).fetchall()
    return told("Quarantine", rows) if rows else "Quarantine: empty."


def quarantined_now(place: Place, report: Report) -> Table | str:
    """What this run put into quarantine, read from the clean lake: no mart tells of it yet."""
    rows = []
    for name, outcome in report.outcomes.items():
        if name.startswith("deduplicate "):
            source = name.removeprefix("deduplicate ")
            hit = {
                (each.table_name, each.clean_version)
                for each in outcome.detail
                if each.quarantined_count
            }
            for table, version in sorted(hit):
                rows += [
                    (source, table, reason, count)
                    for reason, count in reasons(place, source, table, version)
                ]
    return told("Quarantined by this run", rows) if rows else "Quarantined by this run: nothing."


def reasons(place: Place, source: str, table: str, version: int) -> list[tuple[str, int]]:
    """(reason, rows) of what one deduplication put into quarantine, the most frequent first."""
    import duckdb

    path = place.lake.manifest(source, table)
    names = read_state(path)["ledger"].get("quarantine", [])
    files = [str(file) for file in place.lake.here(path.parent / name for name in names)]
    with duckdb.connect() as connection:
        return connection.execute(
            "select reason, count(*) from read_parquet(?) where clean_version = ? "
            "group by all order by 2 desc, 1",
            [files, version],
        ).fetchall()


def told(title: str, rows: list[tuple]) -> Table:
    table = Table(title=title, box=None, title_justify="left")
    for heading in ("source", "table", "reason", "rows"):
        table.add_column(heading)
    for row in rows:
        table.add_row(*map(str, row))
    return table


def costs(console: Console, report: Report) -> None:
    """What each landing was planned to cost beside what it really cost."""
    for name, outcome in report.outcomes.items():
        landing = outcome.detail
        if name.startswith("land ") and getattr(landing, "planned", None) is not None:
            console.print(
                f"[dim]{name}: planned {landing.planned.requests:,} requests, {landing.planned.points:,} points; "
                f"really {landing.requests:,} and {landing.points:,}[/]"
            )
