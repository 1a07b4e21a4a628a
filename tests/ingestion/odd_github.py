"""A GitHub of a few repositories whose answers a test decides, odd ones among them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

BLOCK = {"message": "Repository access blocked", "block": {"reason": "tos", "html_url": "h"}}
TIMEOUT = "Something went wrong while executing your query. This may be the result of a timeout."
Answer = tuple[int, bytes]


def said(status: int, **content: Any) -> Answer:
    return status, json.dumps(content).encode()


@dataclass
class OddRepository:
    """What is served of one repository. `answers` replace those below it (`all`: every one), `cut` is how many
    records the pages of a list show of those they should hold, `node` is laid over its GraphQL node, `connection`
    replaces its projects'; `graphql` is `gone`, `error` or what stands for the node."""

    id: int
    lists: dict[str, list[Any]] = field(default_factory=dict)
    license: dict[str, Any] | None = None
    projects: list[Any] = field(default_factory=list)
    connection: Any = ...
    answers: dict[str, Answer] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    node: dict[str, Any] = field(default_factory=dict)
    graphql: Any = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    pushed_at: str = "2026-10-01T00:00:00Z"
    stars: int = 7

    @property
    def name(self) -> str:
        return f"odd/case{self.id}"

    @property
    def record(self) -> dict[str, Any]:
        return {
            "id": self.id, "node_id": f"R_{self.id}", "full_name": self.name, "fork": False,
            "stargazers_count": self.stars, "forks_count": 0, "open_issues_count": 0,
            "pushed_at": self.pushed_at, "archived": False,
            "license": (self.license or {}).get("license"),
        }  # fmt: skip

    def counters(self) -> dict[str, Any]:
        counts = {name: {"totalCount": len(items)} for name, items in self.lists.items()}
        none = {"totalCount": 0}
        branch = {"target": {"history": counts["commits"]}} if "commits" in counts else None
        return {
            "id": f"R_{self.id}", "databaseId": self.id, "nameWithOwner": self.name,
            "stargazerCount": self.stars, "forkCount": 0, "watchers": none, "isArchived": False,
            "issues": counts.get("issues", none), "openIssues": none, "pullRequests": none,
            "openPullRequests": none, "releases": counts.get("releases", none),
            "refs": counts.get("tags", none), "defaultBranchRef": branch,
            "pushedAt": self.pushed_at, "updatedAt": self.pushed_at, **self.node,
        }  # fmt: skip


class OddGitHub:
    """The server's side: repositories, the time it is, and the paths that were asked for."""

    def __init__(self, *repositories: OddRepository) -> None:
        self.repositories = list(repositories)
        self.now = ""
        self.base_url = ""
        self.asked: list[str] = []

    def move_to(self, now: str) -> None:
        self.now = now
        self.asked.clear()

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        self.asked.append(f"{path}?{urlencode(query)}" if query else path)
        kind, _, rest = path.strip("/").partition("/")
        if kind == "licenses":
            return 200, b"[]", {}
        for each in self.repositories:
            for begin in (f"repos/{each.name}", f"repositories/{each.id}"):
                if f"{path.strip('/')}/".startswith(f"{begin}/"):
                    return self.below(each, path.strip("/")[len(begin) + 1 :], query)
        return *said(404, message=f"Not Found: {rest}"), {}

    def below(
        self, repository: OddRepository, name: str, query: dict[str, str]
    ) -> tuple[int, bytes, dict[str, str]]:
        for key in ("all", name):
            if key in repository.answers:
                return *repository.answers[key], {}
        if not name:
            return *said(200, **repository.record), {}
        if name == "license":
            found = repository.license
            return *(said(200, **found) if found else said(404, message="Not Found")), {}
        if name in ("languages", "topics"):
            return *said(200, **({"names": []} if name == "topics" else {"C": 1})), {}
        items = repository.lists.get({"pulls": "pull_requests"}.get(name, name), [])
        if "since" in query:
            items = [each for each in items if when(each) >= query["since"]]
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        shown = items[(page - 1) * size : page * size][: repository.cut.get(name)]
        parts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in shown]
        last, links = -(-len(items) // size), ""
        if page < last:
            links = ", ".join(
                f"<{self.base_url}/repositories/{repository.id}/{name}?"
                f'{urlencode({**query, "page": number})}>; rel="{relation}"'
                for relation, number in (("next", page + 1), ("last", last))
            )
        return 200, b"[" + b",".join(parts) + b"]", {"Link": links} if links else {}

    def query(self, body: dict[str, Any]) -> bytes:
        ids = body["variables"]["ids"]
        self.asked.append(f"graphql {len(ids)}")
        nodes, errors = [], []
        for place, id in enumerate(ids):
            found = next((each for each in self.repositories if f"R_{each.id}" == id), None)
            if found is None or found.graphql == "gone":
                nodes.append(None)
                errors.append({"type": "NOT_FOUND", "path": ["nodes", place], "message": "gone"})
            elif "query projects" in body["query"]:
                page = {"hasNextPage": False, "endCursor": None}
                projects = found.projects
                connection = {"totalCount": len(projects), "pageInfo": page, "nodes": projects}
                if found.connection is not ...:
                    connection = found.connection
                nodes.append({"id": id, "databaseId": found.id, "projectsV2": connection})
            elif found.graphql == "error":
                nodes.append(None)
                errors.append({"path": ["nodes", place, "issues"], "message": TIMEOUT})
            else:
                nodes.append(found.counters() if found.graphql is None else found.graphql)
                errors += [
                    {**each, "path": ["nodes", place, *each["path"]]} for each in found.errors
                ]
        data = {"rateLimit": {"cost": 1}, "nodes": nodes}
        return json.dumps({"data": data, **({"errors": errors} if errors else {})}).encode()


def when(item: Any) -> str:
    if isinstance(item, bytes):
        return "9"
    return item.get("updated_at") or item["commit"]["committer"]["date"]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.give(*self.server.github.answer(parts.path, dict(parse_qsl(parts.query))))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.give(200, self.server.github.query(json.loads(body)), {})

    def give(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        moment = datetime.fromisoformat(self.server.github.now)
        limits = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4900"}
        reset = {"X-RateLimit-Reset": str(int(moment.timestamp()) + 3600)}
        self.send_response_only(status)
        for name, value in {**headers, **limits, **reset}.items():
            self.send_header(name, value)
        self.send_header("Date", format_datetime(moment, usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: pytest shows what matters."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    github: OddGitHub


@contextmanager
def serving(github: OddGitHub) -> Iterator[OddGitHub]:
    """The server, on a port of this machine, until the block ends."""
    server = Server(("127.0.0.1", 0), Handler)
    server.github = github
    github.base_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def issue(id: int, **more: Any) -> dict[str, Any]:
    at = "2026-09-01T00:00:00Z"
    return {
        "id": id, "number": id, "title": f"Issue {id}", "state": "open", "created_at": at,
        "updated_at": at, **more,
    }  # fmt: skip


def commit(sha: str, *parents: str, at: str = "2026-09-01T00:00:00Z") -> dict[str, Any]:
    person = {"name": "Ada", "email": "ada@example.org", "date": at}
    return {
        "sha": sha * 40 if len(sha) == 1 else sha, "parents": [{"sha": each * 40} for each in parents],
        "commit": {"message": "Work", "author": person, "committer": person},
    }  # fmt: skip


def project(id: str, at: str = "2026-09-01T00:00:00Z") -> dict[str, Any]:
    return {
        "id": id, "fullDatabaseId": "1", "number": 1, "title": "Plan", "url": "u", "closed": False,
        "createdAt": at, "updatedAt": at,
    }  # fmt: skip
