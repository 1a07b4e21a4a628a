"""The simulator as an HTTP server: one handler for GitHub, the file sources and its own controls."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson
from aiohttp import web
from yarl import URL

from simulator import files
from simulator.faults import FILES, SECONDARY, SECONDARY_PAGE, Faults
from simulator.github_graphql import GitHubGraphql
from simulator.github_rest import CACHE_BYTES, GitHubRest, Reading, moved
from simulator.http import (
    Answer,
    RateLimits,
    bad_credentials,
    error_answer,
    http_date,
    is_unchanged,
    json_answer,
    respond,
    token_of,
)
from simulator.instants import moment, read
from simulator.world import World

# A token that GitHub would no longer accept; every other one is good.
REVOKED = "revoked"
NAMES = re.compile(r"^/repos/[^/]+/[^/]+")
NUMBERS = re.compile(r"/(\d{4}-\d\d-\d\d(-\d+)?|[0-9a-f]{40}|\d+)(?=[/.]|$)")
OWNERS = re.compile(r"^/(users|orgs)/[^/]+")


@dataclass
class Options:
    """How the server behaves apart from what the world is."""

    latency_ms: float = 0.0
    limits: dict[str, int] = field(default_factory=dict)
    windows: dict[str, float] = field(default_factory=dict)
    concurrency_limit: int = 100
    stats_attempts: int = 1
    prerender: Sequence[str] = ()


class Simulator:
    """A world behind HTTP, with its faults, its quota and its request log."""

    def __init__(self, world: World, faults: Faults, options: Options) -> None:
        self.faults = faults
        self.options = options
        self.counts: Counter[tuple[str, int]] = Counter()
        self.sent_bytes = 0
        self.in_flight: Counter[str] = Counter()
        self.limits = RateLimits(moment(world.now), options.limits, options.windows)
        self.settle(world)

    def settle(self, world: World) -> None:
        """Serve this world from now on (used to move the clock); quotas go on."""
        self.world = world
        self.limits.now = moment(world.now)
        self.rest = GitHubRest(
            world,
            stats_attempts=self.options.stats_attempts,
            cache_bytes=None if self.options.prerender else CACHE_BYTES,
        )
        self.graphql = GitHubGraphql(world, self.limits)
        self.files = files.FileSources(world)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4 * 2**20)
        app.router.add_route("*", "/_simulator/{control}", self.control)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    def prerender(self, base_url: str) -> int:
        """Render every page of the lists named in the options for every repository; their number.

        Meant for benchmarks: the paths and queries must be the ones that the client will send.
        """
        rendered = 0
        for repository in self.world.alive():
            name = repository.alias(self.world.now).full_name
            for below in self.options.prerender:
                url: URL | None = URL(f"{base_url}/repos/{name}/{below}")
                while url is not None:
                    answer = self.rest.answer(url)
                    rendered += 1
                    link = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
                    url = URL(link[1]) if link else None
        return rendered

    async def handle(self, request: web.Request) -> web.StreamResponse:
        token = token_of(request.headers)
        if self.in_flight[token] >= self.options.concurrency_limit:
            answer = error_answer(403, SECONDARY, documentation=SECONDARY_PAGE)
            answer.headers["Retry-After"] = str(self.faults.retry_after)
            return self.log(request, respond(request, answer, self.limits))
        self.in_flight[token] += 1
        try:
            if self.options.latency_ms:
                await asyncio.sleep(self.options.latency_ms / 1000)
            return self.log(request, await self.disturbed(request))
        finally:
            self.in_flight[token] -= 1

    async def disturbed(self, request: web.Request) -> web.StreamResponse:
        """The true answer, or what a fault makes of it."""
        address, body = request.path_qs, b""
        if request.method == "POST":
            body = await request.read()
            address += f"#{hash_of(body)}"
        fault = self.faults.decide(address)
        if fault == "slow":
            await asyncio.sleep(self.faults.slow_seconds)
        if fault is not None and (wrong := self.faults.answer(fault)) is not None:
            # Whoever serves files has no quota, so that a failing one uses none up.
            cost = 0 if request.path.startswith(FILES) else 1
            return respond(request, wrong, self.limits, cost=cost)
        if fault == "301" and (redirect := self.redirect(request)) is not None:
            return respond(request, redirect, self.limits)
        response = self.true(request, body, fault)
        if response.status != 200:
            return response
        if fault == "no-quota":
            response.headers["X-RateLimit-Limit"] = "0"
            response.headers["X-RateLimit-Remaining"] = "0"
        if fault == "malformed":
            response.body = bytes(response.body)[: len(response.body) * 2 // 3] + b"<!--"
        return await cut(request, response) if fault == "cut" else response

    def true(self, request: web.Request, body: bytes, fault: str | None = None) -> web.Response:
        """What upstream says when nothing goes wrong, but for lists that a fault shortens."""
        path, token = request.path, token_of(request.headers)
        if path.startswith(FILES):
            return self.file(request)
        if path == "/graphql" and request.method == "POST":
            return self.query(request, token, body)
        if token == REVOKED:
            return respond(request, bad_credentials(), self.limits)
        if request.method not in ("GET", "HEAD"):
            return respond(request, error_answer(404, "Not Found"), self.limits)
        if path == "/rate_limit":
            overview = self.limits.overview(token)
            content = {"resources": overview, "rate": overview["core"]}
            return respond(request, json_answer(content), self.limits, cost=0)
        answer = self.rest.answer(request.url, self.reading(request, fault))
        return respond(request, answer, self.limits)

    def reading(self, request: web.Request, fault: str | None) -> Reading:
        shift = self.faults.shift(request.path, request.query)
        is_cut = self.faults.is_cut(request.path_qs)
        return Reading(shift, is_cut, fault == "incomplete")

    def query(self, request: web.Request, token: str, body: bytes) -> web.Response:
        if not token or token == REVOKED:
            answer = bad_credentials()
            if not token:
                answer = error_answer(401, "This endpoint requires you to be authenticated.")
            return respond(request, answer, self.limits, cost=0)
        answer, cost = self.graphql.answer(token, body)
        return respond(request, answer, self.limits, cost=cost)

    def file(self, request: web.Request) -> web.Response:
        answer = self.files.answer(request.path).with_etag()
        headers = {"Date": http_date(self.limits.now), **answer.headers}
        if answer.etag is not None:
            headers["ETag"] = answer.etag
            headers["Last-Modified"] = http_date(answer.last_modified)
            if is_unchanged(request.headers, answer.etag, answer.last_modified):
                return web.Response(status=304, headers=headers)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    def redirect(self, request: web.Request) -> Answer | None:
        """A 301 to the permanent address, where a name leads to a repository."""
        _, _, owner, name, *below = request.path.split("/")
        found = self.world.by_name(owner, name)
        if found.state != "found" or found.repository is None:
            return None
        return moved(request.url, found.repository, below)

    def log(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        self.counts[path_class(request.path), response.status] += 1
        if isinstance(response, web.Response) and response.body:
            self.sent_bytes += len(response.body)
        return response

    async def control(self, request: web.Request) -> web.Response:
        """`/_simulator/…`: health, requests, quota, scenarios, faults (POST), now (POST)."""
        name = request.match_info["control"]
        asked = await request.json() if request.method == "POST" else {}
        shown = {
            "health": lambda: {"now": moment(self.world.now).isoformat(), "ok": True},
            "requests": self.request_log,
            "quota": self.quota,
            "scenarios": self.world.scenarios,
            "faults": lambda: self.change_faults(asked),
            "now": lambda: self.move(asked),
        }
        if name not in shown:
            return web.json_response({"message": "Not Found"}, status=404)
        return web.Response(body=orjson.dumps(shown[name]()), content_type="application/json")

    def request_log(self) -> dict[str, Any]:
        """Requests by path class and status, bytes sent, faults shown by kind."""
        rows = [
            {"path": path, "status": status, "count": count}
            for (path, status), count in sorted(self.counts.items())
        ]
        total = sum(self.counts.values())
        faults = dict(self.faults.shown)
        return {"total": total, "bytes": self.sent_bytes, "faults": faults, "requests": rows}

    def quota(self) -> dict[str, Any]:
        """What every token has used of every resource."""
        tokens = sorted({token for token, _ in self.limits.used})
        return {"tokens": {token or "(none)": self.limits.overview(token) for token in tokens}}

    def change_faults(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Replace the fault settings by those posted (`rate`, `seed`, `kinds`, …); show them."""
        if asked:
            if "kinds" in asked:
                asked["kinds"] = tuple(asked["kinds"])
            self.faults = Faults(**asked)
        names = (
            "rate",
            "seed",
            "kinds",
            "retry_after",
            "slow_seconds",
            "cut_page",
            "down",
            "shown",
        )
        return {name: getattr(self.faults, name) for name in names}

    def move(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Set the world's clock to the posted `now`; show it."""
        if asked:
            self.settle(self.world.seen_at(read(asked["now"])))
        return {"now": moment(self.world.now).isoformat()}


def hash_of(body: bytes) -> str:
    return blake2b(body, digest_size=8).hexdigest()


def path_class(path: str) -> str:
    """A path with owners, names and numbers replaced by what they are."""
    path = OWNERS.sub(r"/\1/{login}", NAMES.sub("/repos/{owner}/{repo}", path))
    return NUMBERS.sub("/{id}", path)


async def cut(request: web.Request, response: web.Response) -> web.StreamResponse:
    """Send half of what Content-Length announces, then hang up."""
    body = bytes(response.body or b"")
    headers = {key: value for key, value in response.headers.items() if key != "Content-Length"}
    partial = web.StreamResponse(status=response.status, headers=headers)
    partial.content_length = len(body)
    await partial.prepare(request)
    await partial.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return partial
