"""What stands before every route: hosts, limits of bodies and of askers, and the headers that browsers obey."""

from __future__ import annotations

import math
import time
from typing import Any

from fastapi import FastAPI
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import Refused, problem
from trendhouse.settings import Settings

# Scripts, styles and pictures come from here; nothing is run that stands in a page itself.
OF_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A chart has its own style inside, runs nothing, and may stand in anybody's page.
OF_PICTURES = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors *"
PICTURES = ("/charts/", "/badges/")
# Asked by machines of the house, all day, and cheap.
UNLIMITED = ("/healthz", "/readyz", "/metrics", "/static/")
SHOWN = ("ETag", "Link", "Retry-After", "Content-Disposition", "Trendhouse-Version")
SHOWN += ("Trendhouse-Published-At", "Trendhouse-Capture-Rate")


def install(app: FastAPI, settings: Settings) -> None:
    """Put all of it before the application's routes."""
    app.add_middleware(
        Origins,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "HEAD"],
        allow_headers=["If-None-Match"],
        expose_headers=SHOWN,
        max_age=86_400,
    )
    app.add_middleware(Guard, settings=settings)


class Origins(CORSMiddleware):
    """CORS, whose refusals are problems as all others."""

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        return problem(answer.status_code, f"{bytes(answer.body).decode()}: see docs/api.md, CORS.")


class Guard:
    """Refuses strangers' hosts, who asks too often, and bodies that are too large; signs every answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.hosts = settings.hosts
        self.body_bytes = int(settings.body_limit_mb * 1_000_000)
        self.limiter = Limiter(settings.rate_limit) if settings.rate_limit != "none" else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send = signing(scope, send)
        refusal = await self.refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # the server drops the body
            scope = {**scope, "method": "GET"}
        await self.app(scope, self.counted(receive), send)

    async def refusal(self, scope: Scope) -> Response | None:
        """Why the request is not let in; None if it is."""
        headers = Headers(scope=scope)
        if "*" not in self.hosts and not is_among(headers.get("host", ""), self.hosts):
            return problem(400, "This host is not served here: see TRENDHOUSE_HOSTS.")
        if self.limiter and not scope["path"].startswith(UNLIMITED):
            client = scope["client"][0] if scope.get("client") else ""
            wait = await self.limiter.wait(client)
            if wait:
                said = f"Too many requests, more than {self.limiter.item}: wait {wait} s."
                return problem(429, said, headers={"Retry-After": str(wait)})
        told = headers.get("content-length", "0")
        if not told.isdecimal():
            return problem(400, "Content-Length is no number.")
        return problem(413, self.limit) if int(told) > self.body_bytes else None

    @property
    def limit(self) -> str:
        return f"The body is larger than {self.body_bytes:,} bytes: send it in parts."

    def counted(self, receive: Receive) -> Receive:
        """The body as it comes, up to the limit, also where nobody said how large it is."""
        count = 0

        async def counting() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self.body_bytes:
                raise Refused(413, self.limit)
            return message

        return counting


class Limiter:
    """So many requests per client and time, as the `limits` library counts them in this process."""

    def __init__(self, rate: str) -> None:
        self.item = parse(rate)
        self.strategy = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def wait(self, client: str) -> int:
        """Seconds until the client may ask again; 0 if it may now."""
        if await self.strategy.hit(self.item, client):
            return 0
        window = await self.strategy.get_window_stats(self.item, client)
        return max(1, math.ceil(window.reset_time - time.time()))


def signing(scope: Scope, send: Send) -> Send:
    """Every answer with the headers that browsers obey."""
    is_picture = scope["path"].startswith(PICTURES)

    async def signed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in (OPEN if is_picture else CLOSED).items():
                headers.setdefault(name, value)
        await send(message)

    return signed


ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
OPEN: dict[str, Any] = {
    **ALWAYS,
    "Content-Security-Policy": OF_PICTURES,
    "Cross-Origin-Resource-Policy": "cross-origin",
}
CLOSED: dict[str, Any] = {
    **ALWAYS,
    "Content-Security-Policy": OF_PAGES,
    "X-Frame-Options": "DENY",
}


def is_among(host: str, hosts: list[str]) -> bool:
    """Whether a Host header names one of these; `*.example.org` stands for all below it."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return any(
        name == each or (each.startswith("*.") and name.endswith(each[1:])) for each in hosts
    )
