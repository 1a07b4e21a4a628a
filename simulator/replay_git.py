"""Recorded git histories in the shape of GitHub's repository, tags and commits answers."""

import base64
import csv
import gzip
import hashlib
import pathlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from yarl import URL

from simulator.http import Answer, Paging, error_answer, json_answer, not_found

DERIVED_IDS_FROM = 9_000_000_000_000
"""Ids from here on are derived from a name: git knows none, and GitHub's are far below."""

DERIVED_IDS_COUNT = 900_000_000_000

PUBLIC_BASE = "https://api.github.com"


def derive_id(kind: str, name: str) -> int:
    """A stable id for something that GitHub would number and git does not."""
    digest = hashlib.sha256(f"{kind}:{name.lower()}".encode()).digest()
    return DERIVED_IDS_FROM + int.from_bytes(digest[:8], "big") % DERIVED_IDS_COUNT


def node_id(kind: str, identity: str) -> str:
    """GitHub's older form of a node id: the kind and the id, in base 64."""
    return base64.b64encode(f"0{len(kind)}:{kind}{identity}".encode()).decode()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of the history; names and e-mails are hashes."""

    sha: str
    parent_count: int
    author_hash: str
    author_name_hash: str
    author_date: datetime
    committer_hash: str
    commit_date: datetime
    is_bot: bool
    subject: str


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag; `is_annotated` tags carry a tagger's date, the others their commit's."""

    name: str
    is_annotated: bool
    created_at: datetime
    commit_sha: str


class GitHistory:
    """Every commit and tag of one repository, as git knows them.

    What git cannot know (stars, issues, pull requests, languages, topics, the parents' hashes) is
    absent from the answers rather than guessed.
    """

    def __init__(self, full_name: str, commits: list[Commit], tags: list[Tag]) -> None:
        self.full_name = full_name
        self.owner, self.name = full_name.split("/")
        self.id = derive_id("repository", full_name)
        self.commits = sorted(commits, key=lambda commit: commit.commit_date, reverse=True)
        self.tags = tags
        self.newest_at = self.commits[0].commit_date
        self.url = f"{PUBLIC_BASE}/repos/{full_name}"

    @cached_property
    def commit_by_sha(self) -> dict[str, Commit]:
        """Commits on the default branch by hash."""
        return {commit.sha: commit for commit in self.commits}

    def repository(self) -> dict:
        """The repository object as far as git knows it; `id` and `node_id` are derived."""
        return {
            "id": self.id,
            "node_id": node_id("Repository", str(self.id)),
            "name": self.name,
            "full_name": self.full_name,
            "private": False,
            "owner": {"login": self.owner, "url": f"{PUBLIC_BASE}/users/{self.owner}"},
            "html_url": f"https://github.com/{self.full_name}",
            "url": self.url,
            "pushed_at": stamp(self.newest_at),
        }

    def render_tag(self, tag: Tag) -> dict:
        """A tag as `/tags` lists it: name and commit, no date (GitHub gives none either)."""
        return {
            "name": tag.name,
            "zipball_url": f"{self.url}/zipball/refs/tags/{tag.name}",
            "tarball_url": f"{self.url}/tarball/refs/tags/{tag.name}",
            "commit": {"sha": tag.commit_sha, "url": f"{self.url}/commits/{tag.commit_sha}"},
            "node_id": node_id("Ref", f"{self.id}:refs/tags/{tag.name}"),
        }

    def select_commits(self, since: datetime | None, until: datetime | None) -> list[Commit]:
        """Commits whose committer date lies in [since, until], newest first."""
        return [
            commit
            for commit in self.commits
            if (since is None or commit.commit_date >= since)
            and (until is None or commit.commit_date <= until)
        ]

    def render_commit(self, commit: Commit) -> dict:
        """A commit as `/commits` lists it; the number of parents is known, their hashes are not."""
        url = f"{self.url}/commits/{commit.sha}"
        return {
            "sha": commit.sha,
            "node_id": node_id("Commit", f"{self.id}:{commit.sha}"),
            "commit": {
                "author": {
                    "name": commit.author_name_hash,
                    "email": f"{commit.author_hash}@hashed.invalid",
                    "date": stamp(commit.author_date),
                },
                "committer": {
                    "name": commit.committer_hash,
                    "email": f"{commit.committer_hash}@hashed.invalid",
                    "date": stamp(commit.commit_date),
                },
                "message": commit.subject,
                "url": f"{self.url}/git/commits/{commit.sha}",
            },
            "url": url,
            "html_url": f"https://github.com/{self.full_name}/commit/{commit.sha}",
            "comments_url": f"{url}/comments",
            "author": bot(commit.author_hash) if commit.is_bot else None,
            "committer": None,
            "parents": [{"sha": None, "url": None} for _ in range(commit.parent_count)],
        }

    def render_single_commit(self, sha: str) -> dict | None:
        """One commit by hash: of the branch, or of a lightweight tag beside it; None if unknown.

        A lightweight tag's own date is its commit's date, which is all that is known of a commit
        off the branch; of an annotated tag's commit off the branch not even that is known.
        """
        if sha in self.commit_by_sha:
            return self.render_commit(self.commit_by_sha[sha])
        for tag in self.tags:
            if tag.commit_sha == sha and not tag.is_annotated:
                return {
                    "sha": sha,
                    "node_id": node_id("Commit", f"{self.id}:{sha}"),
                    "commit": {"author": None, "committer": {"date": stamp(tag.created_at)}},
                    "url": f"{self.url}/commits/{sha}",
                    "html_url": f"https://github.com/{self.full_name}/commit/{sha}",
                    "author": None,
                    "committer": None,
                }
        return None

    @cached_property
    def anonymous_contributors(self) -> list[dict]:
        """Authors by commits, most first, in GitHub's form for people without account."""
        counts = Counter(commit.author_hash for commit in self.commits)
        names = {commit.author_hash: commit.author_name_hash for commit in reversed(self.commits)}
        return [
            {
                "email": f"{author}@hashed.invalid",
                "name": names[author],
                "type": "Anonymous",
                "contributions": count,
            }
            for author, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ]


def answer_from_history(
    history: GitHistory, rest: str, query: Mapping[str, str], origin: URL
) -> Answer:
    """What GitHub would say about `rest` (the path below the repository) as far as git knows it.

    Releases are an empty list: git knows tags only. What git cannot know is GitHub's 404, and so is
    a selection (by branch, path or author) that the recording cannot make.
    """
    if rest == "":
        return json_answer(history.repository()).with_etag()
    if rest.startswith("commits/"):
        sha = rest.removeprefix("commits/")
        commit = history.render_single_commit(sha)
        if commit is None:
            return error_answer(422, f"No commit found for SHA: {sha}")
        return json_answer(commit).with_etag()
    url = origin.with_path(f"/repositories/{history.id}/{rest}").with_query(query)
    paging = Paging.read(query)
    match rest:
        case "releases":
            return list_answer([], None)
        case "tags":
            page = [history.render_tag(tag) for tag in paging.cut(history.tags)]
            return list_answer(page, paging.link(url, len(history.tags)))
        case "commits" if not {"sha", "path", "author", "committer"} & query.keys():
            commits = history.select_commits(moment(query, "since"), moment(query, "until"))
            page = [history.render_commit(commit) for commit in paging.cut(commits)]
            return list_answer(page, paging.link(url, len(commits)))
        case "contributors" if query.get("anon") in ("1", "true"):
            people = history.anonymous_contributors
            return list_answer(list(paging.cut(people)), paging.link(url, len(people)))
        case _:
            return not_found()


def list_answer(page: list[dict], link: str | None) -> Answer:
    return json_answer(page, headers={"Link": link} if link else {}).with_etag()


def moment(query: Mapping[str, str], name: str) -> datetime | None:
    """An instant from the query; without an offset it is UTC. None where it is not given.

    Raises:
        ValueError: the text is no instant.
    """
    if not query.get(name):
        return None
    given = datetime.fromisoformat(query[name])
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def bot(author_hash: str) -> dict:
    """The account of a bot whose name is hashed."""
    login = f"{author_hash}[bot]"
    identity = derive_id("user", login)
    return {
        "login": login,
        "id": identity,
        "node_id": node_id("Bot", str(identity)),
        "type": "Bot",
        "site_admin": False,
    }


def read_histories(folder: pathlib.Path) -> Iterator[GitHistory]:
    """One `GitHistory` per pair of commit and tag files below `git_history/`."""
    for source in sorted((folder / "git_history").glob("*.commits.tsv.gz")):
        stem = source.name.removesuffix(".commits.tsv.gz")
        commits = [read_commit(row) for row in read_rows(source)]
        tags = [read_tag(row) for row in read_rows(source.with_name(f"{stem}.tags.tsv.gz"))]
        yield GitHistory(stem.replace("__", "/"), commits, tags)


def read_rows(source: pathlib.Path) -> Iterator[dict[str, str]]:
    with gzip.open(source, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, dialect="excel-tab")


def read_commit(row: dict[str, str]) -> Commit:
    return Commit(
        sha=row["sha"],
        parent_count=int(row["n_parents"]),
        author_hash=row["author_hash"],
        author_name_hash=row["author_name_hash"],
        author_date=utc(row["author_date"]),
        committer_hash=row["committer_hash"],
        commit_date=utc(row["commit_date"]),
        is_bot=row["is_bot"] == "1",
        subject=row["subject"],
    )


def read_tag(row: dict[str, str]) -> Tag:
    return Tag(
        name=row["tag"],
        is_annotated=row["ref_object_type"] == "tag",
        created_at=utc(row["tagger_date"] or row["creator_date"]),
        commit_sha=row["commit_sha"],
    )
