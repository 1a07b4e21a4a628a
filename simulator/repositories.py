"""Repositories as facts that never change: ids, the whole life with its dates, and growth curves."""

from __future__ import annotations

import base64
import struct
from bisect import bisect_right
from dataclasses import dataclass

from simulator import names
from simulator.chance import DAY, Arrivals, Dice, unit
from simulator.instants import read
from simulator.people import Account, People
from simulator.scenarios import PINNED_FROM, PINS, REFERENCE, Pin

HOUR = 3600
FIRST_REPOSITORY_ID = 10_000_000
REPOSITORY_STEP = 37
OLDEST = read("2011-02-12T00:00:00Z")
RANKED_SINCE = read("2018-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that a repository has from an instant on."""

    since: int
    owner: Account
    name: str

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"


@dataclass(slots=True, eq=False)
class Repository:
    """One repository with everything that will ever happen to its identity."""

    index: int
    id: int
    created_at: int
    aliases: tuple[Alias, ...]
    deleted_at: int | None
    blocked_at: int | None
    archived_at: int | None
    language: str
    license: str | None
    topics: tuple[str, ...]
    description: str | None
    homepage: str | None
    members: int
    star_goal: float
    star_power: float
    star_wobble: float
    purged_at: int | None
    items: Arrivals
    commits: Arrivals
    forks: Arrivals
    tags: Arrivals

    @property
    def node_id(self) -> str:
        return node_id("R", self.id)

    def alias(self, instant: int) -> Alias:
        """The name at an instant (before its creation: its first name)."""
        at = bisect_right(self.aliases, instant, key=lambda alias: alias.since)
        return self.aliases[max(0, at - 1)]

    def exists(self, instant: int) -> bool:
        gone = self.deleted_at is not None and self.deleted_at <= instant
        return self.created_at <= instant and not gone

    def is_blocked(self, instant: int) -> bool:
        return self.blocked_at is not None and self.blocked_at <= instant

    def is_archived(self, instant: int) -> bool:
        return self.archived_at is not None and self.archived_at <= instant

    def last_activity(self, instant: int) -> int:
        """Up to when something new can have happened by `instant`: an archived one is frozen."""
        return min(instant, self.archived_at) if self.archived_at is not None else instant

    def stars(self, instant: int) -> int:
        """Stars at the last full hour: they grow along a curve, wobble by day, and can fall."""
        instant -= instant % HOUR
        if instant <= self.created_at:
            return 0
        today = instant // DAY
        share = instant % DAY / DAY
        here, there = self.stars_at_midnight(today), self.stars_at_midnight(today + 1)
        count = here + (there - here) * share
        if self.purged_at is not None and instant >= self.purged_at:
            count *= 0.93
        return max(0, round(count))

    def stars_at_midnight(self, today: int) -> float:
        age = (today * DAY - self.created_at) / max(REFERENCE - self.created_at, 90 * DAY)
        if age <= 0:
            return 0.0
        grown = self.star_goal * age**self.star_power
        return max(0.0, grown + self.star_wobble * (unit("star", self.id, today) - 0.5))

    def fork_count(self, instant: int) -> int:
        return self.forks.count(self.last_activity(instant))

    def watchers(self, instant: int) -> int:
        """Subscribers, which GitHub calls watchers in GraphQL and subscribers in REST."""
        return self.stars(instant - 5 * DAY) // 23 + self.members


def node_id(prefix: str, number: int) -> str:
    """A global id in GitHub's form: the type's prefix and a packed [0, database id]."""
    head = b"\x92\x00"
    body = struct.pack(">BI", 0xCE, number) if number < 2**32 else struct.pack(">BQ", 0xCF, number)
    return f"{prefix}_{base64.urlsafe_b64encode(head + body).decode().rstrip('=')}"


def read_node_id(text: str) -> tuple[str, int] | None:
    """Prefix and database id of a global id, or None where it is none."""
    prefix, _, packed = text.partition("_")
    try:
        raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    except ValueError:
        return None
    width = {0xCE: 4, 0xCF: 8}.get(raw[2]) if len(raw) > 2 and raw[:2] == b"\x92\x00" else None
    if width is None or len(raw) != 3 + width:
        return None
    return prefix, int.from_bytes(raw[3:], "big")


class RepositoryMaker:
    """Draws the repository with a given index; the same for the same seed, size and scale."""

    def __init__(self, seed: int, people: People, count: int, scale: float) -> None:
        self.seed = seed
        self.people = people
        self.count = count
        self.scale = scale

    def pin(self, index: int) -> Pin | None:
        return PINS.get(index) if self.count >= PINNED_FROM else None

    def make(self, index: int) -> Repository:
        pin = self.pin(index)
        dice = Dice(self.seed, "repository", index)
        created_at = self.created(index, dice, pin)
        aliases = self.aliases(index, created_at, dice, pin)
        ended = self.endings(created_at, dice, pin)
        size = 0.25 + 2.2 * dice.unit() ** 3
        if pin is not None:
            size = pin.size or max(size, 0.8)
        goal = 60 + 9_000 * size * dice.unit() ** 2 + 40 * size
        span_days = max(REFERENCE - created_at, 90 * DAY) / DAY
        return Repository(
            index=index,
            id=FIRST_REPOSITORY_ID + index * REPOSITORY_STEP,
            created_at=created_at,
            aliases=aliases,
            **ended,
            language=self.language(index, dice),
            license=None if dice.chance(0.12) else dice.pick(tuple(names.LICENSES)),
            topics=tuple(sorted({dice.pick(names.TOPICS) for _ in range(dice.below(5))})),
            description=None if dice.chance(0.08) else names.title(dice),
            homepage=None if dice.chance(0.6) else f"https://{aliases[0].name}.example.org",
            members=3 + int(dice.below(9) * size),
            star_goal=goal,
            star_power=0.8 + dice.unit(),
            star_wobble=2 + 4 * goal / span_days,
            purged_at=read(pin.purged) if pin and pin.purged else None,
            **self.growth(index, created_at, size, dice),
        )

    def growth(self, index: int, created_at: int, size: float, dice: Dice) -> dict[str, Arrivals]:
        totals = {"items": 45 * size, "commits": 70 * size, "forks": 30 * size, "tags": 12 * size}
        curves = {}
        for name, total in totals.items():
            total = 3 + total * (0.6 + 0.8 * dice.unit())
            key, power = f"{self.seed}|{name}|{index}", 1.0 + 0.6 * dice.unit()
            curves[name] = Arrivals(
                key, created_at, REFERENCE, total, power=power, scale=self.scale
            )
        return curves

    def created(self, index: int, dice: Dice, pin: Pin | None) -> int:
        share, late = dice.unit(), dice.chance(0.03)
        if pin is not None and pin.created:
            return read(pin.created)
        if index % 3 == 0:
            # A third is older than the first ranking, so that every list is full from its first day.
            return OLDEST + int(share * (RANKED_SINCE - OLDEST))
        if late and pin is None:
            return REFERENCE + int(share * 300 * DAY)
        return RANKED_SINCE + int(share * (REFERENCE - 20 * DAY - RANKED_SINCE))

    def language(self, index: int, dice: Dice) -> str:
        drawn = dice.pick(names.LANGUAGES)
        return names.LANGUAGES[index // 3 % 2] if index % 3 == 0 else drawn

    def first_alias(self, index: int, created_at: int) -> Alias:
        owner = self.people.owner((index * 5 + index // 7) % self.people.owner_count)
        return Alias(created_at, owner, names.word(index))

    def aliases(
        self, index: int, created_at: int, dice: Dice, pin: Pin | None
    ) -> tuple[Alias, ...]:
        first = self.first_alias(index, created_at)
        renamed, transferred = self.moves(created_at, dice, pin)
        if pin is not None and pin.takes_name_of is not None:
            taken = self.first_alias(pin.takes_name_of, created_at)
            first = Alias(created_at, taken.owner, taken.name)
        chain = [first]
        if renamed is not None:
            chain.append(Alias(renamed, first.owner, f"{first.name}-next"))
        if transferred is not None:
            number = (index * 5 + index // 7 + 1) % self.people.owner_count
            owner = self.people.owner(number)
            chain.append(Alias(transferred, owner, chain[-1].name))
        return tuple(sorted(chain, key=lambda alias: alias.since))

    def moves(self, created_at: int, dice: Dice, pin: Pin | None) -> tuple[int | None, int | None]:
        """When it is renamed and when it is transferred, if ever; never both by chance."""
        chance, later = dice.unit(), created_at + 30 * DAY + int(dice.unit() * 2500 * DAY)
        if pin is not None:
            return (
                read(pin.renamed) if pin.renamed else None,
                read(pin.transferred) if pin.transferred else None,
            )
        return (later if chance < 0.04 else None), (later if 0.04 <= chance < 0.06 else None)

    def endings(self, created_at: int, dice: Dice, pin: Pin | None) -> dict[str, int | None]:
        chance, later = dice.unit(), created_at + 60 * DAY + int(dice.unit() * 4000 * DAY)
        if pin is not None:
            return {
                "deleted_at": read(pin.deleted) if pin.deleted else None,
                "blocked_at": read(pin.blocked) if pin.blocked else None,
                "archived_at": read(pin.archived) if pin.archived else None,
            }
        return {
            "deleted_at": later if chance < 0.02 else None,
            "blocked_at": later if 0.02 <= chance < 0.023 else None,
            "archived_at": later if 0.023 <= chance < 0.1 else None,
        }
