"""The world: a pure function of seed, size, scale and now, asked piece by piece and never stored."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import lru_cache

from simulator import activity, history
from simulator.instants import read
from simulator.people import Account, People
from simulator.repositories import (
    FIRST_REPOSITORY_ID,
    REPOSITORY_STEP,
    Repository,
    RepositoryMaker,
)
from simulator.scenarios import DEFAULT_NOW, PINNED_FROM, PINS

DEFAULT_SEED = 20261102
DEFAULT_REPOSITORIES = 120
KEPT_REPOSITORIES = 96


@dataclass(frozen=True, slots=True)
class Found:
    """Where a name leads: `found`, `moved` (by an old name), `blocked` or `gone`."""

    state: str
    repository: Repository | None = None


class World:
    """Everything upstream knows at `now`.

    `scale` multiplies the history that lies more than two months before the reference instant
    (2026-11-02T06:00Z); what a new day brings stays alike. The same arguments give the same bytes
    in every process; a later `now` only adds to what an earlier one showed, or moves it on.
    """

    def __init__(
        self,
        now: str | int = DEFAULT_NOW,
        seed: int = DEFAULT_SEED,
        repositories: int = DEFAULT_REPOSITORIES,
        scale: float = 1.0,
    ) -> None:
        self.now = now if isinstance(now, int) else read(now)
        self.seed = seed
        self.scale = scale
        self.people = People(seed, repositories)
        maker = RepositoryMaker(seed, self.people, repositories, scale)
        self.repositories = [maker.make(index) for index in range(repositories)]
        self.names: dict[str, list[Repository]] = {}
        self.owners = {self.people.owner(n).login: n for n in range(self.people.owner_count)}
        for repository in self.repositories:
            for alias in repository.aliases:
                self.names.setdefault(alias.full_name.lower(), []).append(repository)
        self.remember()

    def remember(self) -> None:
        """Keep what a few repositories hold at this world's now, for the next page of it."""
        keep = lru_cache(maxsize=KEPT_REPOSITORIES)
        self.items = keep(lambda index: activity.items(self, self.repositories[index]))
        self.commits = keep(lambda index: history.commits(self, self.repositories[index]))
        self.tags = keep(lambda index: history.tags(self, self.repositories[index]))

    def seen_at(self, instant: int) -> World:
        """The same world as it is at an instant, sharing every fact that does not change."""
        view = copy(self)
        view.now = instant
        view.remember()
        return view

    def alive(self, instant: int | None = None) -> Iterator[Repository]:
        """Repositories that can be read at an instant (default: now), by index."""
        at = self.now if instant is None else instant
        return (r for r in self.repositories if r.exists(at) and not r.is_blocked(at))

    def by_id(self, number: int) -> Found:
        index, rest = divmod(number - FIRST_REPOSITORY_ID, REPOSITORY_STEP)
        if rest or not 0 <= index < len(self.repositories):
            return Found("gone")
        return self.state_of(self.repositories[index])

    def by_name(self, owner: str, name: str) -> Found:
        """Who holds a name now; else who left it last and still lives; else nobody."""
        wanted = f"{owner}/{name}".lower()
        holders = [r for r in self.names.get(wanted, ()) if r.exists(self.now)]
        for repository in holders:
            if repository.alias(self.now).full_name.lower() == wanted:
                return self.state_of(repository)
        past = [r for r in holders if r.aliases[0].since <= self.now and self.had(r, wanted)]
        return Found("moved", past[-1]) if past else Found("gone")

    def had(self, repository: Repository, wanted: str) -> bool:
        return any(
            alias.since <= self.now and alias.full_name.lower() == wanted
            for alias in repository.aliases
        )

    def state_of(self, repository: Repository) -> Found:
        if not repository.exists(self.now):
            return Found("gone", repository)
        return Found("blocked" if repository.is_blocked(self.now) else "found", repository)

    def owned_by(self, login: str) -> list[Repository]:
        """Readable repositories that an owner holds now, by index."""
        return [r for r in self.alive() if r.alias(self.now).owner.login.lower() == login.lower()]

    def owner(self, login: str) -> Account | None:
        number = next((n for name, n in self.owners.items() if name == login.lower()), None)
        return None if number is None else self.people.owner(number)

    def scenarios(self) -> dict[str, list[dict[str, object]]]:
        """Which pinned repository shows which case, with id, names and the date it happens."""
        pinned = PINS if len(self.repositories) >= PINNED_FROM else {}
        cases: dict[str, list[dict[str, object]]] = {}
        for index, pin in pinned.items():
            repository = self.repositories[index]
            chain = [alias.full_name for alias in repository.aliases]
            for case in ("renamed", "transferred", "deleted", "blocked", "archived", "purged"):
                if (at := getattr(pin, case)) is not None:
                    entry = {"id": repository.id, "names": chain, "at": at}
                    cases.setdefault(case, []).append(entry)
            if pin.takes_name_of is not None:
                entry = {"id": repository.id, "names": chain, "at": pin.created}
                entry["former_id"] = self.repositories[pin.takes_name_of].id
                cases.setdefault("recreated", []).append(entry)
        return cases
