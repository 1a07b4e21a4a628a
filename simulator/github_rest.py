"""GitHub's REST API over a world: repositories and what lies below them, owners, search, licenses."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from yarl import URL

from simulator import item_shapes, names, search, shapes
from simulator.http import Answer, Paging, error_answer, json_answer, not_found
from simulator.instants import iso, moment
from simulator.repositories import Repository
from simulator.repository_lists import LISTS, Listing, Unprocessable
from simulator.shapes import API
from simulator.world import Found, World

SEARCH_CAP = 1000
CACHE_BYTES = 24 * 2**20


@dataclass(frozen=True)
class Reading:
    """How a list is read: pages moved by `shift` items since the first, or the page cut in half.

    An incomplete search shows half a page, too, and says so.
    """

    shift: int = 0
    is_cut: bool = False
    is_incomplete: bool = False


TRUE_READING = Reading()


class AnswerCache:
    """Rendered answers up to so many bytes (None: no bound), the least used dropped first."""

    def __init__(self, max_bytes: int | None) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.answers: OrderedDict[str, Answer] = OrderedDict()

    def get(self, key: str) -> Answer | None:
        if (answer := self.answers.get(key)) is not None:
            self.answers.move_to_end(key)
        return answer

    def put(self, key: str, answer: Answer) -> None:
        self.answers[key] = answer
        self.bytes += len(answer.body)
        while self.max_bytes is not None and self.bytes > self.max_bytes:
            self.bytes -= len(self.answers.popitem(last=False)[1].body)


class GitHubRest:
    """Answers GET requests; `stats_attempts` requests for statistics per repository get 202 first."""

    def __init__(
        self, world: World, *, stats_attempts: int = 1, cache_bytes: int | None = CACHE_BYTES
    ) -> None:
        self.world = world
        self.stats_attempts = stats_attempts
        self.stats_asked: dict[int, int] = {}
        self.cache = AnswerCache(cache_bytes)

    def answer(self, url: URL, reading: Reading = TRUE_READING) -> Answer:
        """The answer to a GET of `url` (any status), as if read by `reading`."""
        key = str(url)
        if reading == TRUE_READING and (known := self.cache.get(key)) is not None:
            return known
        try:
            answer = self.route(url, [part for part in url.path.split("/") if part], reading)
        except Unprocessable as error:
            return error_answer(422, f"Validation Failed: {error}")
        answer.with_etag()
        if reading == TRUE_READING and answer.status == 200:
            self.cache.put(key, answer)
        return answer

    def route(self, url: URL, parts: list[str], reading: Reading) -> Answer:
        match parts:
            case ["repos", owner, name, *below]:
                return self.repository(url, self.world.by_name(owner, name), below, reading)
            case ["repositories", number, *below] if re.fullmatch(r"\d{1,18}", number):
                return self.repository(url, self.world.by_id(int(number)), below, reading)
            case ["search", "repositories"]:
                return self.search(url, reading)
            case ["users" | "orgs" as kind, login, "repos"]:
                return self.owned(url, kind, login, reading)
            case ["licenses"]:
                keys = tuple(names.LICENSES)
                return self.page(url, Listing(keys, shapes.license_simple), reading)
        return not_found()

    def repository(self, url: URL, found: Found, below: list[str], reading: Reading) -> Answer:
        repository = found.repository
        if found.state == "blocked":
            return blocked(repository)
        if found.state == "gone" or repository is None:
            return not_found()
        if found.state == "moved":
            return moved(url, repository, below)
        match below:
            case []:
                full = shapes.repository_full(self.world, repository)
                at = shapes.updated_at(self.world, repository)
                return json_answer(full, last_modified=moment(at))
            case ["stats", "contributors"]:
                return self.statistics(repository)
            case ["languages"]:
                return json_answer(languages(self.world, repository))
            case ["topics"]:
                return json_answer({"names": list(repository.topics)})
            case ["license"]:
                return license_content(self.world, repository)
            case ["issues", number] if number.isdigit():
                return self.issue(repository, int(number))
            case ["commits", sha]:
                return self.commit(repository, sha)
            case [name] if name in LISTS:
                by_id = url.with_path(f"/repositories/{repository.id}/{name}").with_query(url.query)
                return self.page(by_id, LISTS[name](self.world, repository, url.query), reading)
        return not_found()

    def page(self, url: URL, listing: Listing, reading: Reading) -> Answer:
        """One page of a list with its Link header."""
        paging = Paging.read(url.query)
        total = len(listing.items) + reading.shift
        start = max(0, paging.offset - (reading.shift if paging.page > 1 else 0))
        items: Sequence[Any] = listing.items[start : start + paging.per_page]
        if reading.is_cut or reading.is_incomplete:
            items = items[: len(items) // 2]
        answer = json_answer([listing.shape(item) for item in items])
        if (link := paging.link(url, total)) is not None:
            answer.headers["Link"] = link
        return answer

    def statistics(self, repository: Repository) -> Answer:
        asked = self.stats_asked.get(repository.id, 0)
        if asked < self.stats_attempts:
            self.stats_asked[repository.id] = asked + 1
            return json_answer({}, 202)
        return json_answer(item_shapes.statistics(self.world, repository))

    def issue(self, repository: Repository, number: int) -> Answer:
        for item in self.world.items(repository.index):
            if item.number == number:
                return json_answer(item_shapes.issue(self.world, repository, item))
        due = repository.items.count(repository.last_activity(self.world.now))
        return error_answer(410, "This issue was deleted") if number <= due else not_found()

    def commit(self, repository: Repository, sha: str) -> Answer:
        for made in self.world.commits(repository.index):
            if made.sha == sha:
                return json_answer(item_shapes.commit(self.world, repository, made))
        return error_answer(422, f"No commit found for SHA: {sha}")

    def owned(self, url: URL, kind: str, login: str, reading: Reading) -> Answer:
        owner = self.world.owner(login)
        if owner is None or (kind == "orgs" and owner.kind != "Organization"):
            return not_found()
        key: Callable[[Repository], Any] = lambda r: r.alias(self.world.now).full_name
        if url.query.get("sort") == "created" or (kind == "orgs" and "sort" not in url.query):
            key = lambda r: -r.created_at
        held = sorted(self.world.owned_by(login), key=key)
        return self.page(
            url, Listing(held, lambda r: shapes.repository_item(self.world, r)), reading
        )

    def search(self, url: URL, reading: Reading) -> Answer:
        try:
            query = search.parse(url.query.get("q", ""), self.world)
        except search.BadQuery as error:
            raise Unprocessable(f"q cannot be searched: {error}") from error
        paging = Paging.read(url.query)
        if paging.offset >= SEARCH_CAP:
            answer = error_answer(422, "Only the first 1000 search results are available")
            answer.resource = "search"
            return answer
        descending = url.query.get("order", "desc") != "asc"
        found = search.run(query, self.world, url.query.get("sort"), descending)
        listing = Listing(
            found[:SEARCH_CAP],
            lambda r: {**shapes.repository_item(self.world, r), "score": 1.0},
        )
        answer = self.page(url, listing, reading)
        answer.resource = "search"
        head = orjson.dumps(
            {"total_count": len(found), "incomplete_results": reading.is_incomplete}
        )
        answer.body = head[:-1] + b',"items":' + answer.body + b"}"
        return answer


def moved(url: URL, repository: Repository, below: list[str]) -> Answer:
    """The 301 to the permanent address, query and all."""
    path = "/".join(["", "repositories", str(repository.id), *below])
    target = str(url.with_path(path).with_query(url.query))
    content = {
        "message": "Moved Permanently",
        "url": target,
        "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
    }
    return json_answer(content, 301, headers={"Location": target})


def blocked(repository: Repository | None) -> Answer:
    since = None if repository is None or repository.blocked_at is None else repository.blocked_at
    content = {
        "message": "Repository access blocked",
        "block": {
            "reason": "dmca",
            "created_at": None if since is None else iso(since),
            "html_url": "https://github.com/github/dmca",
        },
    }
    return json_answer(content, 451)


def languages(world: World, repository: Repository) -> Mapping[str, int]:
    """Bytes per language: most in its own, some in neighbours, growing with the commits."""
    total = 1_900 * repository.commits.count(repository.last_activity(world.now))
    at = names.LANGUAGES.index(repository.language)
    sizes = {repository.language: total}
    for step in range(1, 1 + repository.index % 3):
        sizes[names.LANGUAGES[(at + step) % len(names.LANGUAGES)]] = total // (5 * step)
    return sizes


def license_content(world: World, repository: Repository) -> Answer:
    if repository.license is None:
        return not_found()
    full_name = repository.alias(world.now).full_name
    branch = shapes.default_branch(repository)
    text = f"{names.LICENSES[repository.license][0]}\n".encode()
    sha = item_shapes.hexadecimal("license", repository.license)
    url = f"{API}/repos/{full_name}/contents/LICENSE?ref={branch}"
    page = f"{shapes.SITE}/{full_name}/blob/{branch}/LICENSE"
    blob = f"{API}/repos/{full_name}/git/blobs/{sha}"
    content = {
        "name": "LICENSE",
        "path": "LICENSE",
        "sha": sha,
        "size": len(text),
        "url": url,
        "html_url": page,
        "git_url": blob,
        "download_url": f"https://raw.githubusercontent.com/{full_name}/{branch}/LICENSE",
        "type": "file",
        "content": b64encode(text).decode() + "\n",
        "encoding": "base64",
        "_links": {"self": url, "git": blob, "html": page},
        "license": shapes.license_simple(repository.license),
    }
    return json_answer(content)
