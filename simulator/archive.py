"""The public event archive of the world by the hour: gzipped lines, in the form of their time."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from simulator import activity, archive_payloads, history
from simulator.chance import DAY, Dice, unit
from simulator.instants import iso, moment, read
from simulator.people import Account
from simulator.repositories import Repository
from simulator.shapes import API
from simulator.world import World

FIRST_HOUR = read("2011-02-12T00:00:00Z")
# Between these two the archive was made from the public timeline, with other names for things.
TIMELINE_SINCE = read("2012-03-11T00:00:00Z")
TIMELINE_UNTIL = read("2015-01-01T00:00:00Z")
# From here on payloads are cut down, and most stars never reach the archive.
CUT_SINCE = read("2025-10-07T00:00:00Z")
CAPTURE_BEFORE_CUT = 0.98
CAPTURE_SINCE_CUT = 0.19
# What happens to an item more than so long after it was opened leaves no event.
ITEM_LIFE = 90 * DAY
# Of a hundred hours so many repeat an event, and so many end in a line that is broken off.
REPEATING_HOURS = 20
BROKEN_HOURS = 8
HOUR_EVENTS = 100_000


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in public; `detail` is what its payload is made from."""

    kind: str
    at: int
    actor: Account
    repository: Repository | None
    detail: Any = None


def packed(world: World, start: int) -> bytes:
    """The gzipped lines of the hour that begins at `start`; the same whenever it is asked for."""
    return gzip.compress(b"\n".join(lines(world, start)) + b"\n", compresslevel=5, mtime=0)


def lines(world: World, start: int) -> list[bytes]:
    """One JSON document per event, by time; now and then one repeated, now and then one broken."""
    view = world.seen_at(start + 3599)
    events = sorted(happened(view, start), key=lambda event: event.at)
    first = (start - FIRST_HOUR) // 3600 * HOUR_EVENTS + 1_000_000_000
    made = [
        orjson.dumps(render(view, event, first + number)) for number, event in enumerate(events)
    ]
    luck = int(unit(world.seed, "hour", start) * 100)
    if luck < REPEATING_HOURS and made:
        made.append(made[0])
    if luck >= 100 - BROKEN_HOURS and made:
        made.append(made[-1][: len(made[-1]) // 2])
    return made


def count(world: World, start: int) -> int:
    """How many different events an hour holds."""
    return sum(1 for _ in happened(world.seen_at(start + 3599), start))


def happened(view: World, start: int) -> Iterator[Event]:
    """Every event of the hour, unordered; `view` is the world as seen at the hour's end."""
    alive = list(view.alive())
    for repository in alive:
        until = repository.last_activity(view.now)
        if until >= start:
            yield from pushes(view, repository, start, until)
            yield from items(view, repository, start, until)
            yield from tags(view, repository, start, until)
            yield from admirers(view, repository, start)
    if alive:
        yield from rarities(view, alive, start)


def pushes(view: World, repository: Repository, start: int, until: int) -> Iterator[Event]:
    commits = repository.commits
    for k in range(commits.count(start - 1), commits.count(until)):
        made = history.commit(view, repository, k)
        actor = made.account or view.people.member(repository.index, 0)
        yield Event("PushEvent", made.committed_at, actor, repository, made)


ITEM_EVENTS = {"opened": "opened", "closed": "closed", "merged": "closed", "reopened": "reopened"}


def items(view: World, repository: Repository, start: int, until: int) -> Iterator[Event]:
    for k in reversed(range(repository.items.count(until))):
        if repository.items.instant(k) < start - ITEM_LIFE:
            break
        item = activity.draw(view, repository, k, until)
        for step in item.steps if item is not None else ():
            if step.at < start:
                continue
            if step.what == "commented":
                yield Event("IssueCommentEvent", step.at, item.author, repository, item)
            elif step.what in ITEM_EVENTS:
                kind = "PullRequestEvent" if item.is_pull else "IssuesEvent"
                detail = (ITEM_EVENTS[step.what], item)
                yield Event(kind, step.at, item.author, repository, detail)


def tags(view: World, repository: Repository, start: int, until: int) -> Iterator[Event]:
    # A release follows its tag within two hours.
    if repository.tags.count(start - 7201) == repository.tags.count(until):
        return
    for tag in history.tags(view, repository):
        if tag.tagged_at >= start:
            yield Event("CreateEvent", tag.tagged_at, tag.author, repository, ("tag", tag.name))
        if tag.published_at is not None and tag.published_at >= start:
            yield Event("ReleaseEvent", tag.published_at, tag.author, repository, tag)


def admirers(view: World, repository: Repository, start: int) -> Iterator[Event]:
    """Stars given and forks made; a star taken back leaves no event."""
    capture = CAPTURE_SINCE_CUT if start >= CUT_SINCE else CAPTURE_BEFORE_CUT
    gained = repository.stars(start + 3600) - repository.stars(start)
    for number in range(gained):
        dice = Dice(view.seed, "star", repository.index, start, number)
        if dice.chance(capture):
            at = start + dice.below(3600)
            yield Event("WatchEvent", at, view.people.visitor(dice), repository)
    for k in range(repository.fork_count(start - 1), repository.fork_count(view.now)):
        at = repository.forks.instant(k)
        owner = view.people.person(repository.index * 31 + k * 7)
        yield Event("ForkEvent", at, owner, repository, k)


RARITIES = (
    "CreateEvent", "DeleteEvent", "GollumEvent", "MemberEvent", "PublicEvent",
    "CommitCommentEvent", "PullRequestReviewEvent", "PullRequestReviewCommentEvent",
)  # fmt: skip
REVIEWS_SINCE = read("2020-08-01T00:00:00Z")
OLD_RARITIES = ("FollowEvent", "GistEvent", "DownloadEvent")


def rarities(view: World, alive: list[Repository], start: int) -> Iterator[Event]:
    """What the world keeps no account of beyond the event itself."""
    dice = Dice(view.seed, "rarities", start)
    kinds = RARITIES + (OLD_RARITIES if start < TIMELINE_UNTIL else ())
    if start < REVIEWS_SINCE:
        kinds = tuple(kind for kind in kinds if kind != "PullRequestReviewEvent")
    for number in range(12 + dice.below(12)):
        kind, at = dice.pick(kinds), start + dice.below(3600)
        repository = None if kind in ("FollowEvent", "GistEvent") else dice.pick(alive)
        detail = ("branch", f"work-{start // 3600}-{number}")
        yield Event(kind, at, view.people.visitor(dice), repository, detail)


def render(view: World, event: Event, number: int) -> dict[str, Any]:
    """An event in the form that the archive had at its time."""
    if TIMELINE_SINCE <= event.at < TIMELINE_UNTIL:
        return timeline_form(view, event)
    actor, repository = event.actor, event.repository
    shown: dict[str, Any] = {
        "id": str(number),
        "type": event.kind,
        "actor": {
            "id": actor.id,
            "login": actor.login,
            "display_login": actor.login.removesuffix("[bot]"),
            "gravatar_id": "",
            "url": f"{API}/users/{actor.login}",
            "avatar_url": f"https://avatars.githubusercontent.com/u/{actor.id}?",
        },
        "repo": {"id": 0, "name": "/", "url": f"{API}/repos//"},
        "payload": archive_payloads.payload(view, event),
        "public": True,
        "created_at": iso(event.at),
    }
    if event.at < TIMELINE_UNTIL:
        del shown["actor"]["display_login"]
    if repository is not None:
        alias = repository.alias(event.at)
        url = f"{API}/repos/{alias.full_name}"
        shown["repo"] = {"id": repository.id, "name": alias.full_name, "url": url}
        if alias.owner.kind == "Organization":
            owner = alias.owner
            shown["org"] = {
                "id": owner.id,
                "login": owner.login,
                "gravatar_id": "",
                "url": f"{API}/orgs/{owner.login}",
                "avatar_url": f"https://avatars.githubusercontent.com/u/{owner.id}?",
            }
    return shown


def timeline_form(view: World, event: Event) -> dict[str, Any]:
    """2012 to 2014: the actor is a login, the repository an object of its own, no event id."""
    local = moment(event.at - 8 * 3600).strftime("%Y-%m-%dT%H:%M:%S-08:00")
    shown: dict[str, Any] = {
        "type": event.kind,
        "actor": event.actor.login,
        "actor_attributes": {
            "login": event.actor.login,
            "type": "User",
            "name": event.actor.name,
            "email": event.actor.email,
        },
        "payload": archive_payloads.timeline_payload(event),
        "public": True,
        "created_at": local,
        "url": "https://github.com/",
    }
    if (repository := event.repository) is not None:
        alias = repository.alias(event.at)
        shown["url"] = f"https://github.com/{alias.full_name}"
        shown["repository"] = {
            "id": repository.id,
            "name": alias.name,
            "url": shown["url"],
            "owner": alias.owner.login,
            "description": repository.description,
            "language": repository.language,
            "watchers": repository.stars(event.at),
            "stargazers": repository.stars(event.at),
            "forks": repository.fork_count(event.at),
            "fork": False,
            "private": False,
            "created_at": iso(repository.created_at),
        }
    return shown
