"""The repositories of the field's odd GitHub, as they are on its first and on its second day."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any

from tests.ingestion.odd_github import BLOCK, OddRepository, commit, issue, project, said


class Repo(IntEnum):
    """Repositories by what is odd about them."""

    BLOCKED = 101
    CENSORED = 102
    DRIFTED = 103
    PEOPLE = 104
    REWRITTEN = 105
    REGROWN = 106
    NOTES = 107
    DRAFTS = 108
    UNLINKED = 109
    FAILING = 110
    HALF = 111
    DATES = 112
    TEXTS = 113
    AGENTS = 114
    CUT = 115
    NEGATIVE = 116


TAGGED = "7a" * 20
MIT = {"license": {"key": "mit", "name": "MIT License", "spdx_id": "MIT"}, "path": "LICENSE"}
PATH = ["defaultBranchRef", "target", "history"]
DEEP = "[" * 1_100 + "]" * 1_100


def repositories(day: int) -> list[OddRepository]:
    """What GitHub serves on day 1 or 2."""
    made = [away(Repo.BLOCKED, 403, day), away(Repo.CENSORED, 451, day), drifted(day), people(day)]
    made += [rewritten(Repo.REWRITTEN, "def", day), rewritten(Repo.REGROWN, "def0", day)]
    made += [notes(day), drafts(), unlinked(day), cut(day)]
    made += [failing(), half(), dates(), texts(), agents(), OddRepository(Repo.NEGATIVE, stars=-5)]
    return made


def pushed(day: int) -> str:
    return f"2026-11-0{day}T12:00:00Z"


def away(repo: Repo, status: int, day: int) -> OddRepository:
    """There on day 1; on day 2 every address answers 403 or 451 with a block, GraphQL knows no node."""
    found = OddRepository(repo, {"issues": [issue(repo * 1000 + 1)]}, stars=31)
    if day == 2:
        found.answers, found.graphql = {"all": said(status, **BLOCK)}, "gone"
    return found


def drifted(day: int) -> OddRepository:
    """Of 110 issues day 1 shows 109: the 101st moved to the first page, which had been read."""
    issues = [issue(Repo.DRIFTED * 1000 + number) for number in range(1, 111)]
    shown = [each for place, each in enumerate(issues, 1) if day == 2 or place != 101]
    return OddRepository(Repo.DRIFTED, {"issues": shown}, node={"issues": {"totalCount": 110}})


def people(day: int) -> OddRepository:
    """Carol is anonymous and becomes an account; two have no e-mail, one of them no name either."""
    carol = {"type": "Anonymous", "name": "Carol", "email": "carol@example.org", "contributions": 7}
    if day == 2:
        carol = {"type": "User", "id": 9001, "login": "carol", "contributions": 7}
    unknown = [
        {"type": "Anonymous", "name": "Dora", "email": "", "contributions": 3},
        {"type": "Anonymous", "name": "", "email": "", "contributions": 2},
    ]
    return OddRepository(
        Repo.PEOPLE,
        {"contributors": [carol, *unknown], "commits": chain("abc"[: day + 1])},
        pushed_at=pushed(day),
    )


def chain(letters: str) -> list[dict[str, Any]]:
    """Commits of a line of history, the newest first."""
    at = {letter: f"2026-10-{place:02}T10:00:00Z" for place, letter in enumerate(letters, 1)}
    parents = dict(zip(letters[1:], letters, strict=False))
    return [commit(each, *parents.get(each, ""), at=at[each]) for each in reversed(letters)]


def rewritten(repo: Repo, after: str, day: int) -> OddRepository:
    """A force push puts the line `after` in the place of `abc`; no commit is kept."""
    commits = chain("abc" if day == 1 else after)
    return OddRepository(repo, {"commits": commits}, pushed_at=pushed(day))


def release(id: int, tag: str, **more: Any) -> dict[str, Any]:
    at = "2026-08-01T00:00:00Z"
    return {"id": id, "tag_name": tag, "name": tag, "created_at": at, "published_at": at, **more}


def tag(name: str) -> dict[str, Any]:
    return {"name": name, "node_id": f"REF_{name}", "commit": {"sha": TAGGED}}


def notes(day: int) -> OddRepository:
    """The notes of v1.1.0 are deleted on day 2, its tag stays."""
    releases = [release(10702, "v1.1.0"), release(10701, "v1.0.0")]
    tags = [tag("v1.1.0"), tag("v1.0.0")]
    commits = [commit(TAGGED, at="2026-07-01T00:00:00Z")]
    lists = {"releases": releases[day - 1 :], "tags": tags, "commits": commits}
    return OddRepository(Repo.NOTES, lists)


def drafts() -> OddRepository:
    """Nothing but drafts: of a version that has a tag, and of one that has none yet."""
    drafted = {"draft": True, "published_at": None}
    releases = [release(10802, "v4.0.0", **drafted), release(10801, "v3.0.0", **drafted)]
    commits = [commit(TAGGED, at="2026-07-01T00:00:00Z")]
    lists = {"releases": releases, "tags": [tag("v3.0.0")], "commits": commits}
    return OddRepository(Repo.DRAFTS, lists)


def unlinked(day: int) -> OddRepository:
    """Two projects and a license on day 1; one project and no license on day 2."""
    projects = [project("PVT_stays"), project("PVT_leaves")][: 3 - day]
    found = OddRepository(Repo.UNLINKED, projects=projects, pushed_at=pushed(day))
    found.license = MIT if day == 1 else None
    return found


def failing() -> OddRepository:
    """GraphQL says null and `Something went wrong` for its node, day after day."""
    return OddRepository(Repo.FAILING, {"issues": [issue(110001)]}, graphql="error", stars=77)


def half() -> OddRepository:
    """GraphQL gives the counters but for the commits, which timed out."""
    error = {"path": PATH, "message": "Something went wrong while executing your query."}
    node = {"defaultBranchRef": {"target": None}}
    return OddRepository(Repo.HALF, {"commits": chain("abc")}, node=node, errors=[error], stars=55)


def authored(letter: str, at: str) -> dict[str, Any]:
    """A commit whose author's clock said something else than the committer's."""
    made = commit(letter)
    return made | {"commit": made["commit"] | {"author": made["commit"]["author"] | {"date": at}}}


def dates() -> OddRepository:
    """A commit of a leap second, of the year 1, of 2099; and one whose author's date is none."""
    said = ["2016-12-31T23:59:60Z", "0001-01-01T00:00:00Z", "2099-12-31T23:59:59Z", "yesterday"]
    commits = [authored(letter, at) for letter, at in zip("abcd", said, strict=True)]
    return OddRepository(Repo.DATES, {"commits": commits})


def texts() -> OddRepository:
    """Eleven issues, of which six can be read; the others are no records, or no text that can be stored."""
    first, *plain = (issue(Repo.TEXTS * 1000 + number) for number in range(1, 7))
    first["title"] = "nul \x00 escape \x1b\x08 override \u202e"
    half = issue(113007, title="half of a pair \ud83d")
    nameless = json.dumps(issue(113008)).replace('"id": 113008', r'"id": "\ud83d"')
    nested = f'{json.dumps(issue(113009))[:-1]}, "deep": {DEEP}}}'
    raw = [nameless, nested, "null", '"a text"']
    shown = [first, *plain, half, *(each.encode() for each in raw)]
    return OddRepository(Repo.TEXTS, {"issues": shown})


def agents() -> OddRepository:
    """A person and three coding agents as GitHub types them; an issue imported after it was closed."""
    accounts = [("Copilot", 198982749, "Bot"), ("claude", 81847, "User")]
    accounts += [("cursoragent", 199161495, "User"), ("ada", 9002, "User")]
    commits = [
        commit(letter) | {"author": {"login": login, "id": id, "type": kind}}
        for letter, (login, id, kind) in zip("abcd", accounts, strict=True)
    ]
    imported = issue(
        114001, state="closed", created_at="2026-05-01T00:00:00Z", closed_at="2014-01-01T00:00:00Z"
    )
    return OddRepository(Repo.AGENTS, {"commits": commits, "issues": [imported]})


def cut(day: int) -> OddRepository:
    """40 issues; on day 2 there are 60 and the first has a new title, but the list breaks off after 20."""
    issues = [issue(Repo.CUT * 1000 + number) for number in range(1, 61)]
    if day == 1:
        return OddRepository(Repo.CUT, {"issues": issues[:40]})
    issues[0] |= {"updated_at": pushed(2), "title": "A new title"}
    return OddRepository(Repo.CUT, {"issues": issues}, cut={"issues": 20})
