"""The shared limiter: tokens with their quotas and their reserve, and how many requests fly at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import ceil

log = logging.getLogger(__name__)

Sleeper = Callable[[float], Awaitable[None]]
Timer = Callable[[], float]


class OutOfTime(Exception):
    """The deadline is reached, or would be before the quota is back; the message says which."""


class NoToken(Exception):
    """Every token was refused."""


@dataclass(frozen=True)
class Quota:
    """What is left of a resource's quota over all tokens; `resets_at` in seconds since 1970."""

    limit: int
    remaining: int
    resets_at: float


# What upstream last told this process, by resource: for monitoring, nothing is decided by it.
told: dict[str, Quota] = {}


@dataclass
class Window:
    """What is left of one token's quota for one resource; None while upstream has not said."""

    is_unmetered: bool = False
    limit: int | None = None
    remaining: int | None = None
    resets: float = 0.0
    in_flight: int = 0
    not_before: float = 0.0

    def spendable(self, reserve: float) -> int:
        """Requests that may be sent now; a single one while nothing is known."""
        if self.is_unmetered:
            return 1_000
        if self.limit is None or self.remaining is None:
            return 1 - self.in_flight
        return self.remaining - self.in_flight - ceil(self.limit * reserve)


@dataclass
class Token:
    """A credential and its windows by resource (core, search, graphql); empty text: none."""

    text: str
    windows: dict[str, Window] = field(default_factory=dict)
    is_refused: bool = False

    def __repr__(self) -> str:
        return "Token(***)" if self.text else "Token(none)"

    def window(self, resource: str) -> Window:
        return self.windows.setdefault(resource, Window())


class TokenPool:
    """Hands out the token with the most quota left, one that nobody knows yet first.

    The reserve of each is never touched.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        *,
        reserve: float,
        deadline: float,
        timer: Timer = time.monotonic,
        sleep: Sleeper = asyncio.sleep,
    ) -> None:
        self.tokens = [Token(text) for text in tokens] or [Token("")]
        self.reserve = reserve
        self.deadline = deadline
        self.timer = timer
        self.sleep = sleep

    @property
    def has_tokens(self) -> bool:
        return any(token.text and not token.is_refused for token in self.tokens)

    async def take(self, resource: str) -> Token:
        """A token that may send a request now; waits for the earliest reset if it must.

        Raises OutOfTime if that lies behind the deadline, NoToken if all tokens were refused.
        """
        while True:
            live = [token for token in self.tokens if not token.is_refused]
            if not live:
                raise NoToken("every token was refused (401)")
            now = self.timer()
            if now >= self.deadline:
                raise OutOfTime("the deadline is reached")
            ready = []
            for token in live:
                window = self.renewed(token.window(resource), now)
                if window.not_before <= now and window.spendable(self.reserve) > 0:
                    is_unknown = window.limit is None and not window.is_unmetered
                    ready.append((is_unknown, window.spendable(self.reserve), token))
            if ready:
                token = max(ready, key=lambda each: each[:2])[2]
                token.window(resource).in_flight += 1
                return token
            await self.wait(live, resource, now)

    def renewed(self, window: Window, now: float) -> Window:
        """The window, its quota full again if its reset has passed."""
        if window.limit is not None and window.resets <= now:
            window.remaining = window.limit
            window.resets = float("inf")  # until an answer tells the next reset
        return window

    async def wait(self, live: Sequence[Token], resource: str, now: float) -> None:
        """Sleep until some token may be ready again, or an answer in flight may tell more."""
        windows = [token.window(resource) for token in live]
        if any(window.in_flight and window.not_before <= now for window in windows):
            await self.sleep(0.005)
            return
        ready_at = min(
            max(w.not_before, w.resets if w.spendable(self.reserve) <= 0 else 0.0) for w in windows
        )
        if ready_at >= self.deadline:
            raise OutOfTime(
                f"the quota of `{resource}` is spent down to the reserve and back in "
                f"{ready_at - now:,.0f} s, after the deadline"
            )
        log.info("waiting %.1f s for the quota of `%s`", ready_at - now, resource)
        await self.sleep(max(ready_at - now, 0.005))

    def give_back(self, token: Token, resource: str) -> None:
        token.window(resource).in_flight -= 1

    def record(self, token: Token, resource: str, headers: Mapping[str, str], date: float) -> None:
        """Take over what an answer's X-RateLimit headers say; `date` is its Date, seconds since 1970.

        A limit of 0 says nothing (GitHub sends 0/0 at times); a late answer never raises what is left.
        Where no answer names a limit, nobody counts.
        """
        limit, remaining = headers.get("X-RateLimit-Limit"), headers.get("X-RateLimit-Remaining")
        if not limit or not remaining:
            window = token.window(resource)
            window.is_unmetered = window.limit is None
            return
        if int(limit) == 0:
            return
        self.set_quota(
            token, headers.get("X-RateLimit-Resource") or resource, int(limit), int(remaining),
            float(headers.get("X-RateLimit-Reset") or date) - date,
        )  # fmt: skip

    def set_quota(
        self, token: Token, resource: str, limit: int, remaining: int, resets_in: float
    ) -> None:
        window = token.window(resource)
        window.is_unmetered = False
        resets = self.timer() + max(resets_in, 0.0)
        is_same = window.remaining is not None and abs(resets - window.resets) < 5
        window.limit = limit
        window.remaining = min(remaining, window.remaining or 0) if is_same else remaining
        window.resets = resets
        self.tell(resource)

    def tell(self, resource: str) -> None:
        """Let monitoring know what all tokens together have left of a resource."""
        known = [
            window
            for token in self.tokens
            if (window := token.windows.get(resource)) and window.limit and not token.is_refused
        ]
        if known:
            resets_in = min(window.resets for window in known) - self.timer()
            told[resource] = Quota(
                sum(window.limit or 0 for window in known),
                sum(window.remaining or 0 for window in known),
                time.time() + resets_in,
            )

    def spent(self, token: Token, resource: str, resets_in: float) -> None:
        """Upstream says that the primary quota is gone."""
        window = token.window(resource)
        window.limit = window.limit or 1
        window.remaining = 0
        window.resets = self.timer() + max(resets_in, 1.0)
        self.tell(resource)

    def pause(self, token: Token, resource: str, seconds: float) -> None:
        """A secondary limit: this token asks nothing of this resource for so long."""
        window = token.window(resource)
        window.not_before = max(window.not_before, self.timer() + seconds)


class Gate:
    """How many requests fly at once: halved when upstream suffers, grown by one after a good round."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = most
        self.flying = 0
        self.good = 0
        self.waiters: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        while self.flying >= self.limit:
            waiter = asyncio.get_running_loop().create_future()
            self.waiters.append(waiter)
            await waiter
        self.flying += 1
        try:
            yield
        finally:
            self.flying -= 1
            self.wake()

    def wake(self) -> None:
        free = self.limit - self.flying
        while free > 0 and self.waiters:
            waiter = self.waiters.pop(0)
            if not waiter.done():
                waiter.set_result(None)
                free -= 1

    def went_well(self) -> None:
        self.good += 1
        if self.good >= self.limit and self.limit < self.most:
            self.limit, self.good = self.limit + 1, 0
            self.wake()

    def went_badly(self) -> None:
        self.limit, self.good = max(1, self.limit // 2), 0
