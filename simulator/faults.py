"""What goes wrong upstream, on demand: decided by hash of seed, address and attempt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.chance import below, unit
from simulator.http import Answer, error_answer, json_answer

SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
)
SECONDARY_PAGE = (
    "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
    "#about-secondary-rate-limits"
)
HTML_502 = b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"

# Faults that pass: a client that tries again sees the true answer.
PASSING = (
    "429-retry-after", "429", "403-retry-after", "403", "500", "502", "503", "slow", "cut",
    "malformed", "no-quota", "202", "301", "shift", "incomplete",
)  # fmt: skip
# Faults that look like the truth (gone, blocked): only on when named.
DECEIVING = ("404", "451")
KINDS = PASSING + DECEIVING
MAX_IN_A_ROW = 3
FILES = ("/gharchive/", "/rankings/", "/endoflife/")


@dataclass
class Faults:
    """Which requests go wrong and how.

    `rate` is the share of requests with a fault, `kinds` the faults to choose from. The same
    address gets at most three faults in a row. `cut_page` is a pattern: a page whose path and
    query match it loses half its items while its Link header stays right, every time. `down` is
    another: whatever matches it answers 503, every time.
    """

    rate: float = 0.0
    seed: int = 0
    kinds: tuple[str, ...] = PASSING
    retry_after: int = 1
    slow_seconds: float = 0.4
    cut_page: str | None = None
    down: str | None = None
    attempts: dict[str, int] = field(default_factory=dict)
    in_a_row: dict[str, int] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = set(self.kinds) - set(KINDS)
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; known: {KINDS}")
        self.cut_pattern = re.compile(self.cut_page) if self.cut_page else None
        self.down_pattern = re.compile(self.down) if self.down else None

    def decide(self, address: str) -> str | None:
        """The fault of this request of an address (path and query), or None."""
        if self.down_pattern is not None and self.down_pattern.search(address):
            self.shown["down"] = self.shown.get("down", 0) + 1
            return "503"
        if not self.rate:
            return None
        attempt = self.attempts.get(address, 0)
        self.attempts[address] = attempt + 1
        row = self.in_a_row.get(address, 0)
        choices = [kind for kind in self.kinds if kind != "shift" and applies(kind, address)]
        if row >= MAX_IN_A_ROW or not choices:
            self.in_a_row[address] = 0
            return None
        if unit("fault", self.seed, address, attempt) >= self.rate:
            self.in_a_row[address] = 0
            return None
        self.in_a_row[address] = row + 1
        kind = choices[below(len(choices), "kind", self.seed, address, attempt)]
        self.shown[kind] = self.shown.get(kind, 0) + 1
        return kind

    def shift(self, path: str, query: Mapping[str, str]) -> int:
        """By how many items a list has moved on once its first page was read (0 or 1)."""
        if not self.rate or "shift" not in self.kinds:
            return 0
        asked = sorted((key, value) for key, value in query.items() if key != "page")
        moved = unit("shift", self.seed, path, asked) < self.rate
        if moved and query.get("page", "1") != "1":
            self.shown["shift"] = self.shown.get("shift", 0) + 1
        return int(moved)

    def is_cut(self, address: str) -> bool:
        return self.cut_pattern is not None and self.cut_pattern.search(address) is not None

    def answer(self, kind: str) -> Answer | None:
        """The answer that replaces the true one; None where the true one is only disturbed."""
        wait = {"Retry-After": str(self.retry_after)}
        match kind:
            case "429-retry-after" | "403-retry-after":
                answer = error_answer(int(kind[:3]), SECONDARY, documentation=SECONDARY_PAGE)
                answer.headers.update(wait)
                return answer
            case "429" | "403":
                return error_answer(int(kind), SECONDARY, documentation=SECONDARY_PAGE)
            case "500":
                return error_answer(500, "Server Error")
            case "502":
                return Answer(502, HTML_502, {"Content-Type": "text/html"})
            case "503":
                return error_answer(503, "Service unavailable")
            case "202":
                return json_answer({}, 202)
            case "404":
                return error_answer(404, "Not Found")
            case "451":
                return error_answer(451, "Repository access blocked")
        return None


def applies(kind: str, address: str) -> bool:
    """Whether an address can show a fault: 202 is for statistics, 301 for names, incomplete for searches."""
    if kind == "202":
        return "/stats/" in address
    if kind == "incomplete":
        return address.startswith("/search/")
    if kind in ("301", "404", "451"):
        return address.startswith("/repos/")
    return kind != "no-quota" or not address.startswith(FILES)
