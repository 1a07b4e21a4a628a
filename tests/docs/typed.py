"""What a person types, read without running it: commands, their options, the variables that are set."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cli import variables
from tests.docs.blocks import SHELL, blocks
from trendhouse.settings import ROOT

ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)
# `<what the reader puts in>`, and what another command answers.
PLACEHOLDER = re.compile(r"<[^<>\n]+>|\$\((?:'[^']*'|[^()'])*\)")
ENDS = {"&&", "||", "|", ";", "&"}
OURS = re.compile(r"(TRENDHOUSE|SNOWFLAKE|DBT|GITHUB)_")
# Programs of others: that they are there and take these options is not ours to say.
FOREIGN = {
    *("aws", "cd", "curl", "docker", "gcloud", "git", "kubectl", "openssl", "sed", "snow"),
    "spark-submit",
}


@dataclass(frozen=True)
class Command:
    """One command with its words, and the variables that are set for it."""

    words: tuple[str, ...]
    variables: dict[str, str]


def commands(text: str) -> Iterator[Command]:
    """The commands of a block, comments left out; `<what stands in angles>` is a word to be replaced."""
    for line in lines(text.replace("\\\n", " ")):
        words: list[str] = []
        for word in (*line, ";"):
            if word not in ENDS:
                words.append(word)
            elif words:
                yield command(words)
                words = []


def lines(text: str) -> Iterator[list[str]]:
    """The words of each line; what is in quotes may go on over several."""
    open_line = ""
    for line in text.splitlines(keepends=True):
        open_line += PLACEHOLDER.sub("PLACEHOLDER", line)
        lexer = shlex.shlex(open_line, posix=True, punctuation_chars="&|;")
        lexer.whitespace_split = True
        try:
            yield list(lexer)
        except ValueError:  # no closing quotation
            continue
        open_line = ""
    assert not open_line.strip(), f"a quotation is not closed: {open_line}"


def command(words: list[str]) -> Command:
    """Assignments before the command, or of `export`, are its variables; a redirection is no word."""
    if words[0] == "export":
        words = words[1:]
    given = {}
    while words and (found := ASSIGNMENT.fullmatch(words[0])):
        given[found[1]] = found[2]
        words = words[1:]
    if ">" in words:
        words = words[: words.index(">")]
    return Command(tuple(words), given)


def complaints(typed: Command) -> Iterator[str]:
    """What is wrong with a command; nothing if it could be typed like this."""
    for name in typed.variables:
        if OURS.match(name) and name not in documented():
            yield f"no setting is called {name}"
    if not typed.words:
        return
    program, *arguments = typed.words
    if program == "trendhouse":
        yield from trendhouse(arguments)
    elif program == "make":
        yield from make(arguments)
    elif program.rsplit("/", 1)[-1] == "python":
        yield from python(arguments)
    elif program == "dbt":
        yield from dbt(arguments)
    elif program == ".":
        yield from (f"{name} does not exist" for name in arguments if not known_path(name))
    elif "/" in program:
        yield from [] if (ROOT / program).exists() else [f"{program} does not exist"]
    elif program not in FOREIGN | {"airflow", "dlt"}:
        yield f"`{program}` is no program that the documents may name"
    yield from (
        f"{name} does not exist"
        for name in arguments
        if name.startswith(("deploy/", "docs/", "tests/", "ingestion/", "dbt_project/", "spark/"))
        and not known_path(name)
    )


@cache
def documented() -> set[str]:
    listed = [*variables.of_settings(), *variables.of_sources(), *variables.beside()]
    return {each.name for each in listed}


def known_path(name: str) -> bool:
    """Whether a path is there, or is made by our own commands."""
    made = (".venv/", ".trendhouse/", "deploy/secrets", "deploy/emr/made")
    return name.startswith(made) or (ROOT / name.split("::")[0]).exists()


def trendhouse(arguments: list[str]) -> Iterator[str]:
    """Parse a verb with its options as the command line would, up to its execution."""
    import typer.main

    from cli.main import app

    verb, *given = arguments
    found = typer.main.get_command(app).commands.get(verb)
    if found is None:
        yield f"trendhouse has no verb `{verb}`"
        return
    if "…" in given or not given:
        return
    try:
        found.make_context(verb, given)
    except Exception as error:
        if "does not exist" not in str(error):  # a folder that the reader is to give
            yield f"trendhouse {verb}: {error}"


def make(arguments: list[str]) -> Iterator[str]:
    """A target must be there; what ARGS passes on must be options of its verb."""
    recipes = makefile()
    for word in arguments:
        assigned = ASSIGNMENT.fullmatch(word)
        if not assigned and word not in recipes:
            yield f"make has no target `{word}`"
        verb = re.search(r"trendhouse (\w+) \$\(ARGS\)", recipes.get(arguments[0], ""))
        if assigned and assigned[1] == "ARGS" and verb and "…" not in assigned[2]:
            yield from trendhouse([verb[1], *shlex.split(assigned[2])])


@cache
def makefile() -> dict[str, str]:
    """The recipe of each target."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z]+):[^\n]*\n((?:\t[^\n]*\n)*)", text, re.MULTILINE))


def python(arguments: list[str]) -> Iterator[str]:
    if arguments[0] == "-m":
        if importlib.util.find_spec(arguments[1]) is None:
            yield f"there is no module {arguments[1]}"
    elif not arguments[0].startswith("-") and not (ROOT / arguments[0]).exists():
        yield f"{arguments[0]} does not exist"


def dbt(arguments: list[str]) -> Iterator[str]:
    """Parse a command of dbt with its options, up to its execution."""
    from dbt.cli.main import cli

    verb, *given = arguments
    if verb not in cli.commands:
        yield f"dbt has no command `{verb}`"
        return
    try:
        cli.commands[verb].make_context(verb, given)
    except Exception as error:
        yield f"dbt {verb}: {error}"


def typed_to(program: str, pages: list[Path]) -> list[tuple[str, ...]]:
    """The arguments of every call of a program in the blocks of the pages."""
    return [
        typed.words[1:]
        for page in pages
        for block in blocks(page)
        if block.language in SHELL
        for typed in commands(block.text)
        if typed.words and typed.words[0] == program
    ]
