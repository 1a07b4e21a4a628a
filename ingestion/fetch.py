"""An asynchronous HTTP client that knows GitHub's manners: quotas, conditions, redirects, retries."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential
from yarl import URL

from ingestion.instants import read_http_date
from ingestion.limits import Gate, OutOfTime, Sleeper, Timer, Token, TokenPool
from ingestion.refusals import Meaning, meaning_of
from ingestion.replies import Reply, is_rate_limited, message_of, seconds_of
from ingestion.unreadable import Malformed

log = logging.getLogger(__name__)

ATTEMPTS = 8
ATTEMPT_SECONDS = 60.0
REDIRECTS = 5
# An answer that took this long was too much for upstream: ask for less.
SLOW_SECONDS = 10.0


class Refused(Exception):
    """Upstream will not answer this request, however often it is asked; the message says why."""


class Unanswered(Exception):
    """All attempts failed; the message names the last reason."""


class Retryable(Exception):
    """This attempt failed, another may not; `wait` is what upstream asks for, seconds."""

    def __init__(self, reason: str, *, wait: float | None = None, is_heavy: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.is_heavy = is_heavy


class TooHeavy(Exception):
    """The answer was too slow, cut or a 502 twice running: the same for fewer items may come."""


@dataclass
class Client:
    """Sends requests to one base URL; `book(resource, requests, points, size)` counts each attempt.

    `patience` is a factor on all pauses that upstream does not name itself: 1 for GitHub, which wants
    a minute after a secondary limit.
    """

    base_url: str
    pool: TokenPool
    gate: Gate
    book: Callable[..., None]
    now: Callable[[], datetime]
    patience: float = 1.0
    timer: Timer = time.monotonic
    sleep: Sleeper = asyncio.sleep
    session: aiohttp.ClientSession | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.base_url = self.base_url.rstrip("/")

    async def __aenter__(self) -> Client:
        self.session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=ATTEMPT_SECONDS),
            connector=aiohttp.TCPConnector(limit=self.gate.most),
            headers={"User-Agent": "trendhouse", "Accept": "application/vnd.github+json"},
            auto_decompress=True,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    def address(self, target: str, params: Mapping[str, Any] | None = None) -> str:
        """Where to ask: a path, or the address of a link, whose host is always ours."""
        if "://" in target:
            parts = urlsplit(target)
            base = urlsplit(self.base_url)
            target = f"{base.scheme}://{base.netloc}{parts.path}"
            target += f"?{parts.query}" if parts.query else ""
        else:
            target = f"{self.base_url}/{target.lstrip('/')}"
        if not params:
            return target
        return f"{target}{'&' if '?' in target else '?'}{urlencode(params)}"

    async def get(
        self,
        target: str,
        params: Mapping[str, Any] | None = None,
        *,
        name: str,
        resource: str = "core",
        conditions: Mapping[str, str] | None = None,
        may_shrink: bool = False,
    ) -> Reply:
        """The final answer to a GET, redirects followed: taken, or one that the table of refusals knows.

        `name` is the table it is booked on. Raises Unanswered after all attempts, Refused for good,
        OutOfTime at the deadline, NoToken, and with `may_shrink` TooHeavy.
        """
        url = self.address(target, params)
        moved = False
        for _ in range(REDIRECTS):
            reply = await self.persist(
                "GET", url, name, resource, conditions or {}, None, may_shrink
            )
            if reply.status not in (301, 302, 307, 308):
                reply.moved = moved
                return reply
            moved, url = True, self.address(reply.headers["Location"])
        raise Unanswered(f"{url}: more than {REDIRECTS} redirects")

    async def post(
        self, target: str, content: Any, *, name: str, may_shrink: bool = False
    ) -> Reply:
        """The answer to a GraphQL POST; raises as `get` does."""
        body = orjson.dumps(content)
        return await self.persist(
            "POST", self.address(target), name, "graphql", {}, body, may_shrink
        )

    async def persist(
        self,
        method: str,
        url: str,
        name: str,
        resource: str,
        headers: Mapping[str, str],
        body: bytes | None,
        may_shrink: bool,
    ) -> Reply:
        heavy = 0
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(Retryable),
                stop=stop_after_attempt(ATTEMPTS),
                wait=self.pause_before,
                sleep=self.sleep_before_deadline,
                reraise=True,
            ):
                with attempt:
                    try:
                        return await self.attempt(method, url, name, resource, headers, body)
                    except Retryable as error:
                        heavy += error.is_heavy
                        if may_shrink and heavy >= 2:
                            raise TooHeavy(f"{url}: {error}") from error
                        raise
        except Retryable as error:
            raise Unanswered(f"{url}: {error} ({ATTEMPTS} attempts)") from error
        raise AssertionError("unreachable: tenacity returns or raises")

    def pause_before(self, state: RetryCallState) -> float:
        """Seconds to the next attempt: what upstream asks for, or longer each time, with jitter."""
        error = state.outcome.exception()
        if isinstance(error, Retryable) and error.wait is not None:
            return error.wait
        return wait_random_exponential(multiplier=self.patience, max=60 * self.patience)(state)

    async def sleep_before_deadline(self, seconds: float) -> None:
        if self.timer() + seconds >= self.pool.deadline:
            raise OutOfTime(f"upstream asks to wait {seconds:,.0f} s, beyond the deadline")
        await self.sleep(seconds)

    async def attempt(
        self,
        method: str,
        url: str,
        name: str,
        resource: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Reply:
        async with self.gate.enter():
            token = await self.pool.take(resource)
            sent = dict(headers)
            if token.text:
                sent["Authorization"] = f"Bearer {token.text}"
            began = self.timer()
            try:
                reply = await self.send(method, url, sent, body)
            except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                self.book(name, 1, 0, 0)
                self.gate.went_badly()
                reason = f"{type(error).__name__}: {error}".rstrip(": ")
                raise Retryable(reason, is_heavy=True) from error
            finally:
                self.pool.give_back(token, resource)
            reply.seconds = self.timer() - began
            self.book(name, 1, 0, len(reply.body))
            date = reply.observed_at.timestamp()
            self.pool.record(token, resource, reply.headers, date)
            self.judge(reply, token, resource, date)
            self.gate.went_well()
            return reply

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        async with self.session.request(
            method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
        ) as answer:
            content = await answer.read()
            return Reply(answer.status, url, answer.headers, content, self.date_of(answer.headers))

    def date_of(self, headers: Mapping[str, str]) -> datetime:
        """The Date header, UTC; our clock where upstream gave none that can be read."""
        return read_http_date(headers.get("Date")) or self.now()

    def judge(self, reply: Reply, token: Token, resource: str, date: float) -> None:
        """Raises Retryable or Refused unless the answer can be taken as it is."""
        status = reply.status
        if status == 401 and token.text:
            token.is_refused = True
            log.warning("upstream refuses a token (401); the others go on")
            raise Retryable("401 for this token", wait=0.0)
        meaning = meaning_of(reply)
        if status in (403, 429) and meaning is None:
            self.limited(reply, token, resource, date)
        if status >= 500:
            self.gate.went_badly()
            raise Retryable(f"answered {status}", is_heavy=meaning is Meaning.ASK_LESS)
        if status >= 400 and meaning is None:
            raise Refused(f"{reply.url} answered {status}: {message_of(reply)}")
        if status == 200:
            try:
                reply.records  # noqa: B018  read here, so that a malformed answer is asked for again
            except Malformed as error:
                raise Retryable(f"answered malformed JSON: {error}", is_heavy=True) from error
            if resource == "graphql" and is_rate_limited(reply.json):
                reset = float(reply.headers.get("X-RateLimit-Reset") or date + 60)
                self.pool.spent(token, resource, reset - date)
                raise Retryable("answered RATE_LIMITED: the points are spent", wait=0.0)

    def limited(self, reply: Reply, token: Token, resource: str, date: float) -> None:
        """Raises Retryable for an exhausted quota or a secondary limit; returns for other refusals."""
        message = message_of(reply).lower()
        retry_after = seconds_of(reply.headers.get("Retry-After"), date)
        is_spent = reply.headers.get("X-RateLimit-Remaining") == "0" and "secondary" not in message
        if is_spent and retry_after is None and "limit" in message:
            reset = float(reply.headers.get("X-RateLimit-Reset") or date + 60)
            self.pool.spent(token, resource, reset - date)
            raise Retryable(f"answered {reply.status}: the quota is spent", wait=0.0)
        if retry_after is None and reply.status == 403 and "rate limit" not in message:
            return
        self.gate.went_badly()
        wait = 60 * self.patience if retry_after is None else retry_after
        self.pool.pause(token, resource, wait)
        raise Retryable(f"answered {reply.status}: a secondary limit", wait=0.0)
