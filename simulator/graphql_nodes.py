"""What GraphQL reads off a repository: attributes are fields, methods are fields with arguments."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

from simulator import history, names, shapes
from simulator.activity import Item
from simulator.chance import DAY, Dice
from simulator.instants import iso, iso_or_none
from simulator.repositories import Repository, node_id
from simulator.world import World

FIRST_PROJECT_ID = 7_000_000
MAX_FIRST = 100


@dataclass(frozen=True)
class Count:
    """A connection of which only the size is asked."""

    totalCount: int


class Connection:
    """A connection whose nodes can be read page by page."""

    def __init__(
        self, items: Sequence[Any], make: Callable[[Any], Any], asked: dict[str, Any], name: str
    ) -> None:
        self.items, self.make, self.name = items, make, name
        self.first, self.last = asked.get("first"), asked.get("last")
        self.start = cursor_offset(asked.get("after"))
        if (self.first or 0) > MAX_FIRST or (self.last or 0) > MAX_FIRST:
            raise GraphQLError(
                f"Requesting {self.first or self.last} records on the `{name}` connection exceeds "
                f"the `first` limit of {MAX_FIRST} records.",
                extensions={"type": "EXCESSIVE_PAGINATION"},
            )

    @property
    def totalCount(self) -> int:
        return len(self.items)

    def window(self) -> tuple[int, int]:
        if self.first is None and self.last is None:
            raise GraphQLError(
                f"You must provide a `first` or `last` value to properly paginate the "
                f"`{self.name}` connection.",
                extensions={"type": "MISSING_PAGINATION_BOUNDARIES"},
            )
        if self.first is None:
            return max(0, len(self.items) - self.last), len(self.items)
        return self.start, min(len(self.items), self.start + self.first)

    def nodes(self, info: Any) -> list[Any]:
        start, stop = self.window()
        return [self.make(item) for item in self.items[start:stop]]

    def pageInfo(self, info: Any) -> dict[str, Any]:
        start, stop = self.window()
        return {
            "endCursor": cursor(stop) if stop > start else None,
            "startCursor": cursor(start + 1) if stop > start else None,
            "hasNextPage": stop < len(self.items),
            "hasPreviousPage": start > 0,
        }


def cursor(offset: int) -> str:
    return b64encode(f"cursor:{offset}".encode()).decode()


def cursor_offset(text: str | None) -> int:
    if not text:
        return 0
    try:
        return int(b64decode(text).decode().removeprefix("cursor:"))
    except ValueError as error:
        message = f"`{text}` does not appear to be a valid cursor."
        raise GraphQLError(message, extensions={"type": "INVALID_CURSOR_ARGUMENTS"}) from error


class RepositoryNode:
    """A repository as GraphQL shows it; each field is worked out only when asked for."""

    def __init__(self, world: World, repository: Repository) -> None:
        self.world = world
        self.repository = repository
        self.until = repository.last_activity(world.now)
        self.id = repository.node_id
        self.databaseId = repository.id
        self.createdAt = iso(repository.created_at)
        self.description = repository.description
        self.isDisabled = False
        self.isFork = False

    def nameWithOwner(self, info: Any) -> str:
        return self.repository.alias(self.world.now).full_name

    def name(self, info: Any) -> str:
        return self.repository.alias(self.world.now).name

    def url(self, info: Any) -> str:
        return f"{shapes.SITE}/{self.nameWithOwner(info)}"

    def stargazerCount(self, info: Any) -> int:
        return self.repository.stars(self.world.now)

    def forkCount(self, info: Any) -> int:
        return self.repository.fork_count(self.world.now)

    def diskUsage(self, info: Any) -> int:
        return shapes.size_kilobytes(self.world, self.repository)

    def isArchived(self, info: Any) -> bool:
        return self.repository.is_archived(self.world.now)

    def pushedAt(self, info: Any) -> str:
        return iso(shapes.pushed_at(self.world, self.repository))

    def updatedAt(self, info: Any) -> str:
        return iso(shapes.updated_at(self.world, self.repository))

    def watchers(self, info: Any, **asked: Any) -> Count:
        return Count(self.repository.watchers(self.world.now))

    def issues(self, info: Any, states: list[str] | None = None, **asked: Any) -> Connection:
        wanted = {state.lower() for state in states or ("OPEN", "CLOSED")}
        items = self.world.items(self.repository.index)
        held = [item for item in items if not item.is_pull and item.state in wanted]
        return Connection(ordered(held, asked), shown_item, asked, "issues")

    def pullRequests(self, info: Any, states: list[str] | None = None, **asked: Any) -> Connection:
        wanted = set(states or ("OPEN", "CLOSED", "MERGED"))
        held = [
            item
            for item in self.world.items(self.repository.index)
            if item.is_pull and ("MERGED" if item.merged_at else item.state.upper()) in wanted
        ]
        return Connection(ordered(held, asked), shown_item, asked, "pullRequests")

    def releases(self, info: Any, **asked: Any) -> Count:
        return Count(len(history.releases(self.world.tags(self.repository.index))))

    def refs(self, info: Any, refPrefix: str, **asked: Any) -> Connection:
        if refPrefix == "refs/tags/":
            tags = self.world.tags(self.repository.index)[::-1]
            return Connection(tags, self.tag_ref, asked, "refs")
        heads = [None] if refPrefix == "refs/heads/" else []
        return Connection(heads, lambda _: self.defaultBranchRef(info), asked, "refs")

    def tag_ref(self, tag: history.Tag) -> dict[str, Any]:
        target = CommitNode(self, tag.sha, tag.commit_at)
        ref = node_id("REF", tag.tagged_at)
        return {"id": ref, "name": tag.name, "prefix": "refs/tags/", "target": target}

    def defaultBranchRef(self, info: Any) -> dict[str, Any]:
        last = self.repository.commits.count(self.until) - 1
        sha = history.sha_of(self.world, self.repository, last)
        return {
            "id": node_id("REF", self.repository.id),
            "name": shapes.default_branch(self.repository),
            "prefix": "refs/heads/",
            "target": CommitNode(self, sha, self.repository.commits.instant(last)),
        }

    def primaryLanguage(self, info: Any) -> dict[str, Any]:
        name = self.repository.language
        return {"id": node_id("LAN", names.LANGUAGES.index(name)), "name": name}

    def licenseInfo(self, info: Any) -> dict[str, Any] | None:
        if (key := self.repository.license) is None:
            return None
        name, spdx, node = names.LICENSES[key]
        return {"id": node, "key": key, "name": name, "spdxId": spdx}

    def projectsV2(self, info: Any, **asked: Any) -> Connection:
        made = projects(self.world, self.repository, self.until)
        return Connection(made, lambda project: project, asked, "projectsV2")


def ordered(items: list[Item], asked: dict[str, Any]) -> list[Item]:
    """Items in the order of `orderBy`, by number without one."""
    order = asked.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
    keys = {
        "COMMENTS": lambda item: (item.comments, item.number),
        "CREATED_AT": lambda item: (item.created_at, item.number),
        "UPDATED_AT": lambda item: (item.updated_at, item.number),
    }
    return sorted(items, key=keys[order["field"]], reverse=order["direction"] == "DESC")


def shown_item(item: Item) -> dict[str, Any]:
    kind = "PR" if item.is_pull else "I"
    number, at = item.number, iso(item.updated_at)
    return {"id": node_id(kind, item.pull_id or item.id), "number": number, "updatedAt": at}


class CommitNode:
    """A commit as the target of a ref."""

    def __init__(self, repository: RepositoryNode, sha: str, committed_at: int) -> None:
        self.repository = repository
        self.oid = sha
        self.id = node_id("C", int(sha[:12], 16))
        self.committed_at = committed_at
        self.committedDate = iso(committed_at)

    def history(self, info: Any, **asked: Any) -> Connection:
        commits = range(self.repository.repository.commits.count(self.committed_at))
        return Connection(commits, lambda k: k, asked, "history")


def projects(world: World, repository: Repository, until: int) -> list[dict[str, Any]]:
    """Every sixth repository plans in projects: up to two, the first one closed after a year."""
    made = []
    for number in range(1, 1 + (0 if repository.index % 6 else 2)):
        dice = Dice(world.seed, "project", repository.index, number)
        created_at = repository.created_at + number * 200 * DAY + dice.wait(30)
        closed_at = created_at + 365 * DAY if number == 1 else None
        if created_at > until:
            continue
        if closed_at is not None and closed_at > until:
            closed_at = None
        id = FIRST_PROJECT_ID + repository.index * 10 + number
        owner = repository.alias(world.now).owner
        home = "orgs" if owner.kind == "Organization" else "users"
        made.append(
            {
                "id": node_id("PVT", id),
                "databaseId": id,
                "fullDatabaseId": str(id),
                "number": number,
                "title": f"Roadmap {number}",
                "shortDescription": None if dice.chance(0.5) else names.title(dice),
                "readme": f"## Roadmap {number}\n\nWhat comes next, and when."
                if number % 2
                else None,
                "closed": closed_at is not None,
                "createdAt": iso(created_at),
                "updatedAt": iso(closed_at or created_at),
                "closedAt": iso_or_none(closed_at),
                "url": f"{shapes.SITE}/{home}/{owner.login}/projects/{id}",
            }
        )
    return made
