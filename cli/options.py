"""What the commands share: the options that choose a world, and the consoles they print to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from trendhouse.ports import LAST
from trendhouse.settings import Settings, load_settings

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
Port = Annotated[int, typer.Option(min=0, max=LAST, help="Port to listen at.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for another run instead of stopping.")]


def a_pattern(text: str | None) -> str | None:
    """The option's value, if it is a regular expression. Raises BadParameter."""
    try:
        re.compile(text or "")
    except re.error as error:
        raise typer.BadParameter(f"no regular expression: {error}") from error
    return text


def effective() -> Settings:
    """The settings as the environment gives them. Raises SettingsError."""
    from cli.variables import check_sources

    check_sources()
    return load_settings()


def chosen(live: bool, recorded: Path | None) -> Settings:
    """The settings of the world that the options name; without one, of the last run's world."""
    from trendhouse import worlds

    if live or recorded:
        return worlds.choose(effective(), live=live, recorded=recorded)
    return effective()


def sources_of(source: str | None) -> list[str]:
    """The one source that was named, checked, or all of them. Raises SpecError for an unknown one."""
    from orchestration.run import sources
    from trendhouse.declared.sources import load_spec

    if source is None:
        return sources()
    if load_spec(source).connector is None:
        raise typer.BadParameter(
            f"`{source}` is written by the house itself and lands from nowhere. "
            f"Sources: {', '.join(sources())}."
        )
    return [source]
