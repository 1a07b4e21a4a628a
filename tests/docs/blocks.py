"""The code in the documents: fenced and indented blocks, commands in the text, and why one is not run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from trendhouse.settings import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHELL = ("", "bash")  # an indented block has no language: it is what one types
CODE = (*SHELL, "sql", "python", "yaml")
NO_CODE = ("text", "html", "mermaid")
MARKER = re.compile(r"<!-- not run: (.*?) -->", re.DOTALL)
COMMAND = re.compile(r"(?:trendhouse|make|python -m) \S")


@dataclass(frozen=True)
class Block:
    """A block of code: page and line, language, text, and the reason why it is only checked, if so."""

    page: Path
    line: int
    language: str
    text: str
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Every block of a page; a marker right before one gives the reason why it is not run."""
    reason = None
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            language = token.info.strip() if token.type == "fence" else ""
            yield Block(page, token.map[0] + 1, language, token.content, reason)
        marker = MARKER.fullmatch(token.content.strip()) if token.type == "html_block" else None
        reason = marker[1] if marker else None


def spans(page: Path) -> Iterator[Block]:
    """Commands of ours that stand in a sentence or a table, each as a block of one line."""
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            if child.type == "code_inline" and COMMAND.match(child.content):
                yield Block(page, (token.map or [0])[0] + 1, "bash", child.content)


def every(*languages: str) -> list[Block]:
    """The blocks of all pages in one of the languages."""
    return [block for page in PAGES for block in blocks(page) if block.language in languages]
