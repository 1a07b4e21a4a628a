"""Daily rankings of repositories by stars and forks, as CSV, every day since 2018."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from simulator.chance import unit
from simulator.instants import iso
from simulator.repositories import RANKED_SINCE, Repository
from simulator.world import World

COLUMNS = (
    "rank", "item", "repo_name", "stars", "forks", "language", "repo_url", "username", "issues",
    "last_commit", "description",
)  # fmt: skip
# The real files hold 36 lists of 100 rows; the sample world has fewer and shorter ones.
LISTS = ("top-100-stars", "top-100-forks", "Python", "Go")
ROWS_PER_LIST = 10
NOMINAL_ROWS = len(LISTS) * ROWS_PER_LIST
# Collecting takes place late in the day of the file's name.
COLLECTED = 23 * 3600
MISSING_SHARE = 0.01
SHORT_SHARE = 0.02


def has_day(world: World, start: int) -> bool:
    """Whether a day (its midnight) has a file: one in a hundred was never published."""
    return start >= RANKED_SINCE and unit(world.seed, "ranking", start) >= MISSING_SHARE


def is_short(world: World, start: int) -> bool:
    """Whether a day's last list broke off half way."""
    return unit(world.seed, "short ranking", start) < SHORT_SHARE


def csv_of(world: World, start: int) -> bytes:
    """The file of a day, names as they were on that day."""
    at = start + COLLECTED
    alive = list(world.alive(at))
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    for item in LISTS:
        count = ROWS_PER_LIST
        if item == LISTS[-1] and is_short(world, start):
            count //= 2
        out.writerows(rows(item, alive, at, count))
    return text.getvalue().encode()


def rows(item: str, alive: list[Repository], at: int, count: int) -> list[tuple[object, ...]]:
    by_stars: Callable[[Repository], int] = lambda r: r.stars(at)
    by_forks: Callable[[Repository], int] = lambda r: r.fork_count(at)
    measure = by_forks if item == "top-100-forks" else by_stars
    listed = alive if item.startswith("top-") else [r for r in alive if r.language == item]
    best = sorted(listed, key=lambda r: (-measure(r), r.id))[:count]
    return [row(rank, item, repository, at) for rank, repository in enumerate(best, start=1)]


def row(rank: int, item: str, repository: Repository, at: int) -> tuple[object, ...]:
    alias = repository.alias(at)
    commits = repository.commits.count(repository.last_activity(at))
    return (
        rank,
        item,
        alias.name,
        repository.stars(at),
        repository.fork_count(at),
        repository.language,
        f"https://github.com/{alias.full_name}",
        alias.owner.login,
        repository.items.count(repository.last_activity(at)) // 5,
        iso(repository.commits.instant(commits - 1)),
        repository.description or "",
    )
