"""What a repository's git holds: commits, tags, the releases made of tags, and who wrote it all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator import names
from simulator.chance import DAY, Dice, hexadecimal
from simulator.instants import day
from simulator.people import Account

if TYPE_CHECKING:
    from simulator.repositories import Repository
    from simulator.world import World

WEEK = 7 * DAY
FIRST_SUNDAY = 3 * DAY
FIRST_RELEASE_ID = 150_000_000
RELEASES_PER_REPOSITORY = 10_000


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `account` is None where no account goes with the author's e-mail address."""

    sha: str
    parents: tuple[str, ...]
    authored_at: int
    committed_at: int
    name: str
    email: str
    account: Account | None
    message: str
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag, and the release made of it where there is one (release_id)."""

    name: str
    sha: str
    tagged_at: int
    commit_at: int
    release_id: int | None
    published_at: int | None
    is_prerelease: bool
    author: Account
    notes: str


def sha_of(world: World, repository: Repository, k: int) -> str:
    return hexadecimal(world.seed, "commit", repository.index, k)


def commits(world: World, repository: Repository) -> list[Commit]:
    """All commits of the default branch by now, oldest first."""
    count = repository.commits.count(repository.last_activity(world.now))
    return [commit(world, repository, k) for k in range(count)]


def commit(world: World, repository: Repository, k: int) -> Commit:
    dice = Dice(world.seed, "commit", repository.index, k)
    committed_at = repository.commits.instant(k)
    is_merge = k > 2 and dice.chance(0.12)
    share = dice.unit()
    if share < 0.08 and not is_merge:
        account = world.people.bot(dice.below(2))
    else:
        account = world.people.regular(repository.index, repository.members, dice)
    # A rebased commit keeps its author's date: days before the committer's.
    delay = dice.wait(2) if dice.chance(0.2) else dice.below(60)
    parents = (k - 1, k - 3) if is_merge else (k - 1,)
    number = 1 + k // 3
    subject = f"Merge pull request #{number}" if is_merge else names.title(dice)
    return Commit(
        sha=sha_of(world, repository, k),
        parents=tuple(sha_of(world, repository, p) for p in parents if p >= 0),
        authored_at=max(repository.created_at, committed_at - delay),
        committed_at=committed_at,
        name=account.name,
        email=account.email,
        account=None if account.kind == "User" and is_unknown(account) else account,
        message=subject,
        additions=0 if is_merge else 1 + int(200 * dice.unit() ** 4),
        deletions=0 if is_merge else int(120 * dice.unit() ** 5),
    )


def is_unknown(account: Account) -> bool:
    """Every eleventh person commits from an address that no account claims."""
    return account.id % 11 == 0


def tags(world: World, repository: Repository) -> list[Tag]:
    """All tags by now, oldest first."""
    until = repository.last_activity(world.now)
    style = Dice(world.seed, "tag style", repository.index).below(5)
    version, made = (0, 1, 0), []
    for k in range(repository.tags.count(until)):
        dice = Dice(world.seed, "tag", repository.index, k)
        tagged_at = repository.tags.instant(k)
        if dice.chance(0.12) and version[0] > 0 and version[1] > 0:
            # A fix for an older line: newer by date, lower by version.
            shown = f"{version[0]}.{version[1] - 1}.{90 + k}"
        else:
            version = following(version, dice.unit()) if k else version
            shown = ".".join(map(str, version))
        is_prerelease = dice.chance(0.15)
        if is_prerelease:
            shown += f"-rc.{1 + k % 3}" if style != 1 else f"rc{1 + k % 3}"
        made.append(tag(world, repository, k, styled(style, shown, tagged_at, repository), dice,
                        is_prerelease, until))  # fmt: skip
    return made


def following(version: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    major, minor, patch = version
    if share < 0.08:
        return major + 1, 0, 0
    return (major, minor + 1, 0) if share < 0.5 else (major, minor, patch + 1)


def styled(style: int, version: str, tagged_at: int, repository: Repository) -> str:
    """How this project writes its tags: most by version, some by name or by date."""
    if style == 1:
        return version
    if style == 2 and repository.index % 2:
        return f"{repository.aliases[0].name}-{version}"
    if style == 3 and repository.index % 3 == 0 and repository.index:
        return f"release-{day(tagged_at).isoformat()}-{tagged_at % DAY}"
    return f"v{version}"


def tag(
    world: World,
    repository: Repository,
    k: int,
    name: str,
    dice: Dice,
    is_prerelease: bool,
    until: int,
) -> Tag:
    tagged_at = repository.tags.instant(k)
    head = repository.commits.count(tagged_at) - 1
    published_at = tagged_at + dice.below(7200)
    released = dice.chance(0.85)
    withdrawn_at = published_at + dice.wait(20) if dice.chance(0.01) else None
    visible = released and published_at <= until and (withdrawn_at or until + 1) > until
    return Tag(
        name=name,
        sha=sha_of(world, repository, head),
        tagged_at=tagged_at,
        commit_at=repository.commits.instant(head),
        release_id=release_id(repository, k) if visible else None,
        published_at=published_at if visible else None,
        is_prerelease=is_prerelease,
        author=world.people.bot(1)
        if dice.chance(0.3)
        else world.people.member(repository.index, 0),
        notes=names.paragraph(dice, 2),
    )


def release_id(repository: Repository, k: int) -> int:
    return FIRST_RELEASE_ID + repository.index * RELEASES_PER_REPOSITORY + k


def releases(tags: list[Tag]) -> list[Tag]:
    """The tags that have a release, newest first as GitHub lists them."""
    made = [tag for tag in tags if tag.release_id is not None]
    return sorted(made, key=lambda tag: (tag.commit_at, tag.release_id), reverse=True)


def contributors(commits: list[Commit]) -> list[tuple[Account | None, str, str, int]]:
    """Account, name, e-mail and commits of everybody, the busiest first."""
    counts: Counter[str] = Counter(commit.email for commit in commits)
    known = {commit.email: commit for commit in commits}
    return [
        (known[email].account, known[email].name, email, count)
        for email, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def week_of(instant: int) -> int:
    """The Sunday, 00:00 UTC, that begins an instant's week."""
    return instant - (instant - FIRST_SUNDAY) % WEEK


def weeks(commits: list[Commit]) -> list[tuple[Account, list[tuple[int, int, int, int]]]]:
    """Per contributor the weeks (start, additions, deletions, commits), merges left out.

    The hundred busiest, the busiest last, every one with every week of the history, as GitHub has it.
    """
    counted = [c for c in commits if len(c.parents) < 2 and c.account is not None]
    if not counted:
        return []
    sums: dict[int, dict[int, list[int]]] = {}
    accounts = {c.account.id: c.account for c in counted}
    for c in counted:
        row = sums.setdefault(c.account.id, {}).setdefault(week_of(c.authored_at), [0, 0, 0])
        row[0] += c.additions
        row[1] += c.deletions
        row[2] += 1
    first = min(week for rows in sums.values() for week in rows)
    last = max(week for rows in sums.values() for week in rows)
    span = range(first, last + 1, WEEK)
    busiest = sorted(sums, key=lambda id: (sum(row[2] for row in sums[id].values()), id))[-100:]
    return [
        (accounts[id], [(week, *sums[id].get(week, (0, 0, 0))) for week in span]) for id in busiest
    ]
