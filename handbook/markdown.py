"""The Markdown that generated pages are made of: headings, tables, text that is safe within them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; cells may hold Markdown, `None` is an empty one."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines) + "\n"


def facts(*told: tuple[str, object]) -> str:
    """A list of what is known, by name; what is empty is left out."""
    return "\n".join(f"- {name}: {value}" for name, value in told if value)


def cell(value: object) -> str:
    """One line that ends no column."""
    text = "" if value is None else " ".join(str(value).split())
    return text.replace("|", "\\|").replace("<", "&lt;")


def code(value: object) -> str:
    """A value as code; nothing for an empty one."""
    return f"`{value}`" if value not in (None, "") else ""


def codes(values: Iterable[object]) -> str:
    return ", ".join(map(code, values))


def page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", *(part.strip() for part in parts if part)]) + "\n"


def fence(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```"
