"""Errors that have a remedy are told in a line, with the exit code that scripts can rely on."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from simulator.running import SimulatorFailed
from trendhouse.disk import disk_trouble
from trendhouse.errors import Exit, TrendhouseError
from trendhouse.settings import ROOT
from trendhouse.state import StateBroken
from trendhouse.terminable import asked, exit_code, interruptible

log = logging.getLogger(__name__)

SHOWN = 5


@contextmanager
def ended_by(console: Console) -> Iterator[None]:
    """A command from its start to its end: known errors are told with their exit codes, and one that is
    told to end (Ctrl-C, SIGTERM) says so in a line and exits with 130 or 143, whatever came of it."""
    with interruptible(lambda: take_leave(console)):
        try:
            with told(console):
                yield
        except BaseException:
            if not asked():
                raise
        if asked():
            sys.exit(exit_code())


def take_leave(console: Console) -> None:
    """Say at once that the command ends; what its threads say of work that is given up, nobody needs."""
    console.print(
        f"Ended by {asked().name}. What was finished stays; start it again, it goes on from there.",
        highlight=False,
        soft_wrap=True,
    )
    sys.stderr.flush()
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.__stderr__.fileno())


@contextmanager
def told(console: Console) -> Iterator[None]:
    """Print a known error and exit with its code; let every other one show where it comes from."""
    try:
        yield
    except Exception as error:
        if asked():
            raise
        if isinstance(error, (TrendhouseError, SimulatorFailed)):
            code = getattr(error, "exit_code", Exit.FAILED)
            said = escape(str(error))
            console.print(f"[red]error:[/] {said}", highlight=False, soft_wrap=True)
            if code == Exit.FAILED and not isinstance(error, StateBroken):
                tell_of_broken(console)
            sys.exit(code)
        if said := disk_trouble(error) or not_installed(error) or refused_by_snowflake(error):
            console.print(f"[red]error:[/] {escape(said)}", highlight=False, soft_wrap=True)
            sys.exit(1)
        if tell_of_broken(console):
            console.print(
                f"[red]error:[/] {escape(str(error).strip().split(chr(10))[0])}", soft_wrap=True
            )
            log.info("ended by what is broken", exc_info=error)
            sys.exit(1)
        raise


def not_installed(error: BaseException | None) -> str | None:
    """The line for people, if a package of an extra is missing that a setting asks for."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            package = error.name.partition(".")[0]
            if not (ROOT / package).is_dir():
                return (
                    f"The Python package `{package}` is not installed here. What asks for it (a target, an "
                    "address of a lake, dashboards, Airflow) says in docs/ how to install it."
                )
        error = error.__cause__ or error.__context__
    return None


def refused_by_snowflake(error: Exception) -> str | None:
    """What Snowflake's own client says, if it is what raised the error."""
    if not type(error).__module__.startswith("snowflake.connector"):
        return None
    return f"Snowflake: {str(error).strip()} Mend what docs/snowflake.md says to set."


def tell_of_broken(console: Console) -> bool:
    """After a failure: name what is broken of the current world's state, which is the likely cause."""
    from orchestration.pieces import broken_pieces
    from trendhouse.settings import load_settings
    from trendhouse.state import REMEDY

    try:
        found = list(broken_pieces(load_settings().place))
    except Exception as error:  # the failure itself is what has to be told
        log.info("what is broken is not known: %s", error)
        return False
    for each in found[:SHOWN]:
        console.print(
            f"broken: {each.path} {each.wrong}", highlight=False, soft_wrap=True, markup=False
        )
    if found:
        console.print(f"{len(found)} broken. {REMEDY}", highlight=False, soft_wrap=True)
    return bool(found)
