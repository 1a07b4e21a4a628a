"""Release notes, which strangers wrote, as HTML without their HTML, and as a line of text."""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt

from serving.drawing.svg import printable

# Images would be fetched from their hosts.
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
MOST = 60_000  # characters of notes that are rendered
LINE = 180


@lru_cache(maxsize=2048)
def rendered(body: str | None) -> str:
    """HTML of Markdown; tags in it are shown as text, links go to the web or are none."""
    tokens = MARKDOWN.parse(printable(body or "")[:MOST])
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open":
                if not is_web(str(child.attrGet("href"))):
                    child.attrs.pop("href")
                child.attrSet("rel", "nofollow noopener")
    return MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})


@lru_cache(maxsize=8192)
def excerpt(body: str | None) -> str:
    """The first line or two of notes as plain text."""
    words: list[str] = []
    for token in MARKDOWN.parse(printable(body or "")[: LINE * 6]):
        words += [
            each.content for each in token.children or [] if each.type in ("text", "code_inline")
        ]
    text = " ".join(" ".join(words).split())
    return text if len(text) <= LINE else text[: LINE - 1].rsplit(" ", 1)[0] + "…"


def is_web(link: str | None) -> bool:
    """Whether a link may be followed: http and https only."""
    return bool(link) and link.lower().startswith(("https://", "http://"))
