"""Repository search: the qualifiers of GitHub's query language that rankings are asked with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simulator.instants import DAY, read
from simulator.repositories import Repository
from simulator.shapes import pushed_at
from simulator.world import World

Test = Callable[[Repository], bool]
RANGE = re.compile(r"^(?P<sign>>=|<=|>|<)?(?P<low>[^.<>][^<>]*?)(?:\.\.(?P<high>.+))?$")
SORTS = ("stars", "forks", "updated")


class BadQuery(ValueError):
    """The query cannot be understood; the message says which part."""


@dataclass(frozen=True)
class Query:
    """A parsed query: what must hold, and the order it asks for itself (`sort:stars`)."""

    tests: tuple[Test, ...]
    sort: str | None


def parse(text: str, world: World) -> Query:
    """Parse a search query.

    Raises BadQuery where it is empty or holds a qualifier this simulator does not know.
    """
    tests, sort = [], None
    for term in text.split():
        key, colon, value = term.partition(":")
        if colon and key == "sort":
            sort = value.removesuffix("-desc")
        elif colon:
            tests.append(qualifier(key, value.strip('"'), world))
        else:
            tests.append(contains(term.strip('"').lower(), world))
    if not text.strip() or (sort is not None and sort not in SORTS):
        raise BadQuery(text)
    return Query(tuple(tests), sort)


def contains(word: str, world: World) -> Test:
    def holds(repository: Repository) -> bool:
        name = repository.alias(world.now).full_name
        return word in f"{name} {repository.description or ''}".lower()

    return holds


def qualifier(key: str, value: str, world: World) -> Test:
    now = world.now
    numbers: dict[str, Callable[[Repository], int]] = {
        "stars": lambda r: r.stars(now),
        "forks": lambda r: r.fork_count(now),
    }
    dates: dict[str, Callable[[Repository], int]] = {
        "created": lambda r: r.created_at,
        "pushed": lambda r: pushed_at(world, r),
    }
    if key in numbers:
        return within(numbers[key], value, int)
    if key in dates:
        return within(dates[key], value, read, span=0 if "T" in value else DAY - 1)
    exact: dict[str, Test] = {
        "language": lambda r: r.language.lower() == value.lower(),
        "topic": lambda r: value.lower() in r.topics,
        "license": lambda r: r.license == value.lower(),
        "user": lambda r: r.alias(now).owner.login.lower() == value.lower(),
        "org": lambda r: r.alias(now).owner.login.lower() == value.lower(),
        "archived": lambda r: r.is_archived(now) == (value == "true"),
        "is": lambda r: value == "public",
        "fork": lambda r: value in ("true", "false"),
    }
    if key not in exact:
        raise BadQuery(f"{key}:{value}")
    return exact[key]


def within(
    measure: Callable[[Repository], int], text: str, convert: Callable[[str], int], span: int = 0
) -> Test:
    """`>n`, `>=n`, `<n`, `<=n`, `n`, `a..b`; `span` is how much a bound itself covers (a day)."""
    match = RANGE.match(text)
    try:
        if match is None:
            raise ValueError(text)
        low = None if match["low"] == "*" else convert(match["low"])
        high = convert(match["high"]) if match["high"] not in (None, "*") else None
    except ValueError as error:
        raise BadQuery(text) from error
    if match["high"] is not None:
        return lambda r: (
            (low is None or measure(r) >= low) and (high is None or measure(r) <= high + span)
        )
    if low is None:
        raise BadQuery(text)
    return {
        ">": lambda r: measure(r) > low + span,
        ">=": lambda r: measure(r) >= low,
        "<": lambda r: measure(r) < low,
        "<=": lambda r: measure(r) <= low + span,
        None: lambda r: low <= measure(r) <= low + span,
    }[match["sign"]]


def run(query: Query, world: World, sort: str | None, descending: bool) -> list[Repository]:
    """Everything that matches, ordered; ties by age, the older first."""
    found: Iterable[Repository] = (r for r in world.alive() if all(t(r) for t in query.tests))
    measure: Callable[[Repository], int] = {
        "forks": lambda r: r.fork_count(world.now),
        "updated": lambda r: pushed_at(world, r),
    }.get(sort or query.sort or "stars", lambda r: r.stars(world.now))
    sign = -1 if descending else 1
    return sorted(found, key=lambda r: (sign * measure(r), r.id))
