"""What the commands share: the options that choose a world, and the consoles they print to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from orchestration.settings import Settings, load_settings

# Where no terminal says how wide it is (a log, a pipe), lines of tables should not be cut at 80.
WIDTH = None if sys.stdout.isatty() else 140
console = Console(width=WIDTH)
errors = Console(stderr=True)

Live = Annotated[bool, typer.Option("--live", help="The real APIs; needs GITHUB_TOKEN.")]
Recorded = Annotated[
    Path | None,
    typer.Option(
        "--recorded", help="A folder of real data recorded by others, replayed.", file_okay=False
    ),
]
Source = Annotated[
    str | None, typer.Argument(help="One source, as in `github`; without it, every source.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for another run instead of stopping.")]


def effective() -> Settings:
    """The settings as the environment gives them."""
    return load_settings()


def chosen(live: bool, recorded: Path | None) -> Settings:
    """The settings of the world that the options name; without one, of the last run's world."""
    from orchestration import worlds

    if live or recorded:
        return worlds.choose(effective(), live=live, recorded=recorded)
    return effective()


def sources_of(source: str | None) -> list[str]:
    """The one source that was named, checked, or all of them."""
    from ingestion.spec import load_spec
    from orchestration.run import sources

    return [load_spec(source).name] if source else sources()
