"""SVG elements, escaped by construction, with the style that they need where they stand alone."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

STATIC = Path(__file__).parents[1] / "static"
NAMESPACE = "http://www.w3.org/2000/svg"
# What XML 1.0 cannot hold.
FORBIDDEN = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]",
)


def printable(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return FORBIDDEN.sub("", text)


@cache
def style() -> str:
    """The rules that charts and badges share with the pages: colours, light and dark, and lines."""
    return "".join((STATIC / name).read_text() for name in ("tokens.css", "charts.css"))


def root(width: int, height: int, title: str, css_class: str, *, alone: bool) -> ET.Element:
    """An image with a title; `alone` it brings its size and style, in a page it has the page's."""
    image = ET.Element(
        "svg",
        {"viewBox": f"0 0 {width} {height}", "class": css_class, "role": "img"},
    )
    image.set("aria-label", printable(title))
    if alone:
        image.set("xmlns", NAMESPACE)
        image.set("width", str(width))
        image.set("height", str(height))
        add(image, "title", title)
        add(image, "style", style())
    return image


def add(parent: ET.Element, tag: str, text: str | None = None, **attributes: object) -> ET.Element:
    """A child; `class_` is its class, underscores in names are hyphens, numbers have one decimal."""
    child = ET.SubElement(parent, tag)
    for name, value in attributes.items():
        told = f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
        child.set(name.rstrip("_").replace("_", "-"), printable(told))
    if text is not None:
        child.text = printable(text)
    return child


def written(image: ET.Element) -> str:
    return ET.tostring(image, encoding="unicode")
