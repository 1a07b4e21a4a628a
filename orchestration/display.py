"""What a run shows while it works: one line a step, with its counts, rate and time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from trendhouse.redaction import Screen, redacted

# Where no terminal says how wide it is (a log, a pipe), lines of tables should not be cut at 80.
WIDTH = None if sys.stdout.isatty() else 140
console = Screen(width=WIDTH)
errors = Screen(stderr=True)

MARKS = {"waiting": "·", "running": "▶", "done": "✓", "partial": "!", "failed": "✗", "skipped": "–"}
COLOURS = {
    "waiting": "dim",
    "running": "cyan",
    "done": "green",
    "partial": "yellow",
    "failed": "red",
    "skipped": "dim",
}


@dataclass
class Line:
    """One step on the screen."""

    name: str
    state: str = "waiting"
    detail: str = ""
    rows: int = 0
    started: float = 0.0
    seconds: float = 0.0

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started if self.state == "running" else self.seconds

    @property
    def rate(self) -> str:
        if self.state in ("waiting", "running") or not self.rows or self.seconds < 0.05:
            return ""
        return f"{self.rows / self.seconds:,.0f}/s"


class Display:
    """The lines of a run; live on a terminal, one printed line per finished step elsewhere."""

    def __init__(self, console: Console, names: list[str]) -> None:
        self.console = console
        self.lines = {name: Line(name) for name in names}
        self.lock = Lock()
        self.live = Live(console=console, refresh_per_second=8, get_renderable=self.render)

    @contextmanager
    def shown(self) -> Iterator[Display]:
        if not self.console.is_terminal:
            yield self
            return
        with self.live:
            yield self

    def start(self, name: str) -> None:
        with self.lock:
            line = self.lines[name]
            line.state, line.started = "running", time.monotonic()

    def progress(self, name: str, detail: str) -> None:
        with self.lock:
            self.lines[name].detail = detail

    def finish(self, name: str, state: str, detail: str, rows: int = 0) -> None:
        with self.lock:
            line = self.lines[name]
            line.seconds = time.monotonic() - line.started if line.started else 0.0
            line.state, line.detail, line.rows = state, redacted(detail), rows
        if not self.console.is_terminal:
            self.console.print(
                f"{MARKS[state]} {name:<28} {line.seconds:6.1f} s  {line.detail} {line.rate}".rstrip(),
                highlight=False,
                markup=False,
                soft_wrap=True,
            )

    def render(self) -> Group:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("")
        table.add_column("step", no_wrap=True)
        table.add_column("what", ratio=1)
        table.add_column("rate", justify="right")
        table.add_column("s", justify="right")
        with self.lock:
            for line in self.lines.values():
                colour = COLOURS[line.state]
                table.add_row(
                    Text(MARKS[line.state], style=colour),
                    Text(line.name, style=colour),
                    Text(line.detail),
                    line.rate,
                    f"{line.elapsed:.1f}" if line.started else "",
                )
        return Group(table)
