"""The page of the command line, from the commands that Typer makes of the code."""

from __future__ import annotations

import sys
from enum import Enum
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from handbook.markdown import cell, code, codes, fence, page, table


def write() -> str:
    import typer.main

    (command,) = entry_points(group="console_scripts", name="trendhouse")
    group = typer.main.get_command(sys.modules[command.load().__module__].app)
    return page(
        "Commands",
        "`trendhouse VERB`, in the activated environment; `make` has the same by its own names. Exit codes: "
        "[operations](../operations.md#exit-codes).",
        *(described(name, command) for name, command in sorted(group.commands.items())),
    )


def described(name: str, command: Any) -> str:
    """One verb: how it is typed, what it does, its arguments and options."""
    if not command.add_help_option:  # its options are argparse's, see `simulate` in cli/main.py
        from simulator.__main__ import parser

        options = parser()
        options.prog = f"trendhouse {name}"
        return f"## {name}\n\n{paragraphs(command.help)}\n\n{fence('text', options.format_help())}"
    typed = ["trendhouse", name, *filter(None, map(placed, command.params))]
    if any(map(is_option, command.params)):
        typed.append("[OPTIONS]")
    told = [
        f"## {name}",
        fence("text", " ".join(typed)),
        paragraphs(command.help),
    ]
    rows = [
        (
            codes(each.opts) if is_option(each) else code(each.name),
            values(each),
            default(each),
            each.help,
        )
        for each in command.params
    ]
    if rows:
        told.append(table(("", "value", "default", "meaning"), rows))
    return "\n\n".join(told)


def paragraphs(help_text: str | None) -> str:
    return "\n\n".join(cell(part) for part in (help_text or "").split("\n\n"))


def is_option(parameter: Any) -> bool:
    return parameter.param_type_name == "option"


def placed(parameter: Any) -> str:
    """An argument in the line that is typed, in brackets if it may be left out, with dots if repeated;
    empty for an option."""
    if is_option(parameter):
        return ""
    name = parameter.name.upper() + ("..." if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def values(parameter: Any) -> str:
    """What may be given: the words of a choice, or a kind of value; nothing for a switch."""
    kind = parameter.type_descriptor.annotation
    if is_option(parameter) and parameter.is_flag:
        return ""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return codes(each.value for each in kind)
    return {str: "text", int: "whole number", float: "number", Path: "path"}.get(
        kind, kind.__name__
    )


def default(parameter: Any) -> str:
    if parameter.default in (None, False, "") or callable(parameter.default):
        return ""
    value = parameter.default
    return code(value.value if isinstance(value, Enum) else value)
