"""Issues and pull requests: each a life of comments, closing, reopening and edits, cut at now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator import names
from simulator.chance import Dice
from simulator.people import Account

if TYPE_CHECKING:
    from simulator.repositories import Repository
    from simulator.world import World

PULL_SHARE = 0.35
ITEMS_PER_REPOSITORY = 1_000_000
FIRST_ISSUE_ID = 2_000_000_000
FIRST_PULL_ID = 900_000_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to an item: opened, commented, closed, reopened, merged, edited."""

    at: int
    what: str


@dataclass(frozen=True, slots=True)
class Item:
    """An issue or pull request as it stands at the world's now."""

    number: int
    id: int
    pull_id: int | None
    author: Account
    title: str
    labels: tuple[int, ...]
    steps: tuple[Step, ...]
    created_at: int
    updated_at: int
    closed_at: int | None
    merged_at: int | None
    comments: int
    was_reopened: bool
    is_draft: bool

    @property
    def is_pull(self) -> bool:
        return self.pull_id is not None

    @property
    def state(self) -> str:
        return "open" if self.closed_at is None else "closed"


def items(world: World, repository: Repository) -> list[Item]:
    """All items that are visible now, by number; deleted issues leave a hole in the numbers."""
    until = repository.last_activity(world.now)
    drawn = (draw(world, repository, k, until) for k in range(repository.items.count(until)))
    return [item for item in drawn if item is not None]


def draw(world: World, repository: Repository, k: int, until: int) -> Item | None:
    """The k-th item as it stands at `until`; None where it has been deleted by then."""
    dice = Dice(world.seed, "item", repository.index, k)
    created_at = repository.items.instant(k)
    is_pull = dice.chance(PULL_SHARE)
    life, deleted_at = plan(dice, created_at, is_pull)
    if deleted_at is not None and deleted_at <= until:
        return None
    steps = tuple(step for step in life if step.at <= until)
    number = k + 1
    at = {step.what: step.at for step in steps}
    is_closed = next((s.what for s in reversed(steps) if s.what in CLOSING), "") in (
        "closed",
        "merged",
    )
    id = FIRST_ISSUE_ID + repository.index * ITEMS_PER_REPOSITORY + number
    title = names.title(dice)
    if "edited" in at:
        title += " (edited)"
    return Item(
        number=number,
        id=id,
        pull_id=FIRST_PULL_ID + id if is_pull else None,
        author=author(world, repository, dice),
        title=title,
        labels=tuple(sorted({dice.below(len(names.LABELS)) for _ in range(dice.below(3))})),
        steps=steps,
        created_at=created_at,
        updated_at=steps[-1].at,
        closed_at=max(at.get("closed", 0), at.get("merged", 0)) if is_closed else None,
        merged_at=at.get("merged"),
        comments=sum(step.what == "commented" for step in steps),
        was_reopened="reopened" in at,
        is_draft=is_pull and dice.chance(0.1),
    )


CLOSING = ("closed", "merged", "reopened")


def plan(dice: Dice, created_at: int, is_pull: bool) -> tuple[list[Step], int | None]:
    """Everything that will ever happen to an item, in order, and when it is deleted, if ever."""
    steps = [Step(created_at, "opened")]
    deleted_at = None if is_pull or not dice.chance(0.01) else created_at + dice.wait(40)
    at = created_at
    for _ in range(dice.below(5)):
        at += dice.wait(6)
        steps.append(Step(at, "commented"))
    if dice.chance(0.82):
        closed_at = created_at + dice.wait(5 if is_pull else 20)
        merges = is_pull and dice.chance(0.75)
        steps.append(Step(closed_at, "merged" if merges else "closed"))
        if not merges and dice.chance(0.08):
            reopened_at = closed_at + dice.wait(6)
            steps.append(Step(reopened_at, "reopened"))
            if dice.chance(0.7):
                steps.append(Step(reopened_at + dice.wait(15), "closed"))
    if dice.chance(0.15):
        # Long after: incremental readers that stop at closed items would never see it.
        steps.append(Step(created_at + dice.wait(200), "edited"))
    return sorted(steps, key=lambda step: step.at), deleted_at


def author(world: World, repository: Repository, dice: Dice) -> Account:
    share = dice.unit()
    if share < 0.07:
        return world.people.bot(dice.below(4))
    if share < 0.5:
        return world.people.regular(repository.index, repository.members, dice)
    return world.people.visitor(dice)


def open_counts(items: list[Item]) -> tuple[int, int]:
    """Open issues and open pull requests."""
    pulls = sum(item.is_pull and item.state == "open" for item in items)
    issues = sum(not item.is_pull and item.state == "open" for item in items)
    return issues, pulls
