"""The lists below a repository: which items, in which order, in which shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator import history, item_shapes, shapes
from simulator.activity import Item
from simulator.instants import read
from simulator.repositories import Repository
from simulator.world import World


class Unprocessable(ValueError):
    """A parameter that GitHub would refuse with 422."""


@dataclass(frozen=True)
class Listing:
    """Items in the order asked for; `shape` renders one, so that only a page's are rendered."""

    items: Sequence[Any]
    shape: Callable[[Any], Any]


def instant(query: Mapping[str, str], name: str) -> int | None:
    """An optional ISO 8601 parameter; raises Unprocessable where it is none."""
    if not (text := query.get(name)):
        return None
    try:
        return read(text)
    except ValueError as error:
        raise Unprocessable(f"{name} is not a date: {text}") from error


def selected(items: list[Item], query: Mapping[str, str]) -> list[Item]:
    """Items by `state` and `since`, ordered by `sort` and `direction`."""
    state, since = query.get("state", "open"), instant(query, "since")
    if state not in ("open", "closed", "all"):
        raise Unprocessable(f"state is {state}")
    kept = [
        item
        for item in items
        if state in ("all", item.state) and (since is None or item.updated_at >= since)
    ]
    keys: dict[str, Callable[[Item], tuple[int, int]]] = {
        "created": lambda item: (item.created_at, item.number),
        "updated": lambda item: (item.updated_at, item.number),
        "comments": lambda item: (item.comments, item.number),
    }
    sort = query.get("sort", "created")
    if sort not in keys:
        raise Unprocessable(f"sort is {sort}")
    return sorted(kept, key=keys[sort], reverse=query.get("direction", "desc") != "asc")


def issues(world: World, repository: Repository, query: Mapping[str, str]) -> Listing:
    """Issues and pull requests together, as GitHub lists them."""
    items = selected(world.items(repository.index), query)
    return Listing(items, lambda item: item_shapes.issue(world, repository, item))


def pulls(world: World, repository: Repository, query: Mapping[str, str]) -> Listing:
    """Pull requests; this endpoint knows no `since`."""
    asked = {key: value for key, value in query.items() if key != "since"}
    items = selected([i for i in world.items(repository.index) if i.is_pull], asked)
    return Listing(items, lambda item: item_shapes.pull(world, repository, item))


def commits(world: World, repository: Repository, query: Mapping[str, str]) -> Listing:
    """Commits of the default branch, newest first; since and until look at the committer's date."""
    since, until = instant(query, "since"), instant(query, "until")
    made = [
        commit
        for commit in reversed(world.commits(repository.index))
        if (since is None or commit.committed_at >= since)
        and (until is None or commit.committed_at <= until)
    ]
    return Listing(made, lambda commit: item_shapes.commit(world, repository, commit))


def tags(world: World, repository: Repository, query: Mapping[str, str]) -> Listing:
    made = world.tags(repository.index)[::-1]
    return Listing(made, lambda tag: item_shapes.tag(world, repository, tag))


def releases(world: World, repository: Repository, query: Mapping[str, str]) -> Listing:
    made = history.releases(world.tags(repository.index))
    return Listing(made, lambda tag: item_shapes.release(world, repository, tag))


def forks(world: World, repository: Repository, query: Mapping[str, str]) -> Listing:
    count = repository.fork_count(world.now)
    newest_first = query.get("sort", "newest") != "oldest"
    order = range(count - 1, -1, -1) if newest_first else range(count)
    return Listing(order, lambda k: shapes.fork(world, repository, k))


def contributors(world: World, repository: Repository, query: Mapping[str, str]) -> Listing:
    everybody = history.contributors(world.commits(repository.index))
    if query.get("anon") not in ("1", "true"):
        everybody = [entry for entry in everybody if entry[0] is not None]
    return Listing(everybody, lambda entry: item_shapes.contributor(*entry))


LISTS: dict[str, Callable[[World, Repository, Mapping[str, str]], Listing]] = {
    "issues": issues,
    "pulls": pulls,
    "commits": commits,
    "tags": tags,
    "releases": releases,
    "forks": forks,
    "contributors": contributors,
}
