"""A product's mark: its initials on a colour of its own, made here, so that no page asks another host."""

from __future__ import annotations

import re
from zlib import crc32

COLOURS = 12  # as many as pages.css has classes for


def initials(name: str) -> str:
    """One or two letters of a product: `quarrel-db` gives `Qd`, `owner/spark` gives `Sp`."""
    words = [word for word in re.split(r"[^0-9A-Za-z가-힣]+", name.rsplit("/", 1)[-1]) if word]
    if not words:
        return "?"
    told = words[0][0] + words[1][0] if len(words) > 1 else words[0][:2]
    return told[0].upper() + told[1:].lower()


def colour(name: str) -> int:
    """The number of its colour, the same in every process."""
    return crc32(name.encode()) % COLOURS
