"""Release dates of products, in both formats that their history knows, with restatements."""

from __future__ import annotations

from functools import lru_cache

import orjson
from packaging.version import InvalidVersion, Version

from simulator.chance import DAY, Dice
from simulator.instants import day, read
from simulator.repositories import Repository
from simulator.world import World

# From this day on files are {releases, versions: {v: {name, date}}}; before {version: date}.
NESTED_SINCE = read("2024-01-01")
# Products that are not on GitHub, and when their first version came out.
ELSEWHERE = {"tidalnix": "2015-04-20", "quarrel-db": "2017-09-12"}
# Products that are: the index of the repository whose releases they follow, not quite exactly.
ON_GITHUB = (0, 1)
RESTATED_SHARE = 0.06
WITHDRAWN_SHARE = 0.02


def products(world: World) -> list[str]:
    """The names of the products there is a file for."""
    return [world.repositories[index].aliases[0].name for index in ON_GITHUB] + list(ELSEWHERE)


def document(world: World, product: str, at: int) -> bytes | None:
    """A product's file as it was at an instant; None where there is no such product."""
    dates = release_dates(world, product, at)
    if dates is None:
        return None
    if at < NESTED_SINCE:
        return orjson.dumps(dates, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    newest = sorted(dates, key=lambda version: (dates[version], version), reverse=True)
    cycles: dict[str, dict[str, str]] = {}
    for version in reversed(newest):
        cycle = ".".join(version.split(".")[:2])
        cycles.setdefault(cycle, {"name": cycle, "releaseDate": dates[version]})
    content = {
        "releases": dict(reversed(cycles.items())),
        "versions": {version: {"name": version, "date": dates[version]} for version in newest},
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)


def release_dates(world: World, product: str, at: int) -> dict[str, str] | None:
    """Version and date as believed at an instant.

    Some dates are corrected some weeks later, and some versions are taken back again.
    """
    if product in ELSEWHERE:
        history = elsewhere(world.seed, product)
    else:
        followed = {world.repositories[i].aliases[0].name: i for i in ON_GITHUB}
        if product not in followed:
            return None
        history = on_github(world, world.repositories[followed[product]])
    known = {}
    for version, released_at in history:
        dice = Dice(world.seed, "release date", product, version)
        restated, withdrawn = dice.chance(RESTATED_SHARE), dice.chance(WITHDRAWN_SHARE)
        changed_at = released_at + 5 * DAY + dice.wait(30)
        if released_at > at or (withdrawn and changed_at <= at):
            continue
        off = DAY * (1 + dice.below(3)) if restated and at < changed_at else 0
        known[version] = day(released_at - off).isoformat()
    return known


@lru_cache(maxsize=32)
def elsewhere(seed: int, product: str) -> tuple[tuple[str, int], ...]:
    """All versions that a product will ever have, with their instants, until 2030."""
    dice = Dice(seed, "product", product)
    at, major, minor, patch = read(ELSEWHERE[product]), 1, 0, 0
    made = []
    while at < read("2030-01-01"):
        made.append((f"{major}.{minor}.{patch}", at))
        at += dice.wait(40)
        share = dice.unit()
        if share < 0.06:
            major, minor, patch = major + 1, 0, 0
        elif share < 0.35:
            minor, patch = minor + 1, 0
        else:
            patch += 1
    return tuple(made)


def on_github(world: World, repository: Repository) -> list[tuple[str, int]]:
    """The stable versions of a repository's releases that people noted down, a few a day late."""
    noted = []
    for tag in world.tags(repository.index):
        version = tag.name.removeprefix("v")
        if tag.published_at is None or tag.is_prerelease or not is_version(version):
            continue
        dice = Dice(world.seed, "noted", repository.index, version)
        if not dice.chance(0.04):
            noted.append((version, tag.published_at + (DAY if dice.chance(0.1) else 0)))
    return noted


def is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
