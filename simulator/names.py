"""Invented words: owners, projects, people, titles; none is meant to be a real one."""

from __future__ import annotations

from simulator.chance import Dice

HEADS = ("lum", "bra", "qui", "fen", "tor", "ves", "kal", "mir", "zol", "dre")
TAILS = ("ren", "dal", "vik", "pora", "nix", "lanth")
WORDS = tuple(head + tail for tail in TAILS for head in HEADS)
KINDS = ("kit", "flow", "base", "works", "lab", "forge", "grid", "mesh", "line", "yard")
GIVEN = ("ada", "ben", "chi", "dov", "eun", "fay", "gil", "hana", "ivo", "jun", "kai", "lea")
FAMILY = ("abrel", "bonth", "cordu", "delvo", "eskin", "farro", "gwend", "holtz", "imsal", "jarvo")
LANGUAGES = ("Python", "Go", "Rust", "TypeScript", "Java", "C++", "Kotlin", "Shell")
TOPICS = (
    "data", "streaming", "database", "testing", "networking", "compiler", "graph", "cloud",
    "machine-learning", "visualization", "security", "automation",
)  # fmt: skip
LICENSES = {
    "mit": ("MIT License", "MIT", "MDc6TGljZW5zZTEz"),
    "apache-2.0": ("Apache License 2.0", "Apache-2.0", "MDc6TGljZW5zZTI="),
    "bsd-3-clause": ('BSD 3-Clause "New" or "Revised" License', "BSD-3-Clause", "MDc6TGljZW5zZTU="),
    "gpl-3.0": ("GNU General Public License v3.0", "GPL-3.0", "MDc6TGljZW5zZTk="),
    "mpl-2.0": ("Mozilla Public License 2.0", "MPL-2.0", "MDc6TGljZW5zZTE0"),
}
VERBS = ("Fix", "Add", "Speed up", "Document", "Remove", "Rework", "Test", "Guard", "Split")
OBJECTS = (
    "the parser", "retry logic", "the cache", "paging", "time zones", "the reader", "locking",
    "error messages", "the scheduler", "unicode names", "the build", "memory use", "timeouts",
)  # fmt: skip
CAUSES = (
    "on empty input", "under load", "after a restart", "for nested lists", "on slow disks",
    "when the clock moves back", "in the morning run", "with many workers", "for 한글 names",
)  # fmt: skip
LABELS = (
    ("bug", "d73a4a", "Something is not working"),
    ("enhancement", "a2eeef", "New feature or request"),
    ("documentation", "0075ca", "Improvements to the documentation"),
    ("good first issue", "7057ff", "Good for newcomers"),
    ("question", "d876e3", "Further information is requested"),
)
BOTS = ("dependency-steward[bot]", "release-herald[bot]", "stale-sweeper[bot]", "lint-warden[bot]")


def word(number: int) -> str:
    """The number-th project word; every number has its own."""
    name = WORDS[number % len(WORDS)]
    turn = number // len(WORDS)
    if turn:
        name += f"-{KINDS[(turn - 1) % len(KINDS)]}"
    if turn > len(KINDS):
        name += f"-{(turn - 1) // len(KINDS) + 1}"
    return name


def owner_login(number: int) -> str:
    """The number-th owner's login; every number has its own, and none is a person's."""
    return f"{word(number * 7 + 3)}-hq" if number % 3 else f"{word(number * 7 + 3)}hub"


def person_login(number: int) -> str:
    """The number-th person's login; every number has its own."""
    names = len(GIVEN) * len(FAMILY)
    given, family = GIVEN[number % len(GIVEN)], FAMILY[number // len(GIVEN) % len(FAMILY)]
    return f"{given}-{family}{number // names or ''}"


def person_name(number: int) -> str:
    given, family = GIVEN[number % len(GIVEN)], FAMILY[number // len(GIVEN) % len(FAMILY)]
    return f"{given.capitalize()} {family.capitalize()}"


def title(dice: Dice) -> str:
    return f"{dice.pick(VERBS)} {dice.pick(OBJECTS)} {dice.pick(CAUSES)}"


def paragraph(dice: Dice, sentences: int) -> str:
    return "\n\n".join(f"{title(dice)}. {title(dice)}." for _ in range(sentences))
