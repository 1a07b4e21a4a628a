"""How GitHub answers over HTTP: pages and Link headers, ETags and 304, rate limits, the world's Date."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import orjson
from aiohttp import web
from yarl import URL

DEFAULT_PER_PAGE = 30
MAX_PER_PAGE = 100
JSON_TYPE = "application/json; charset=utf-8"
DOCUMENTATION = "https://docs.github.com/rest"
ANONYMOUS = ""
EXPOSED = (
    "ETag, Link, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Used, X-RateLimit-Resource, X-RateLimit-Reset"
)


def http_date(moment: datetime) -> str:
    """An instant in the form of the Date header (`Mon, 02 Nov 2026 06:00:00 GMT`)."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


@dataclass(frozen=True)
class Paging:
    """Which page of which size a query asks for; both as GitHub clamps them."""

    page: int
    per_page: int

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Paging:
        """Read `page` and `per_page`; what is no positive number falls back to GitHub's default."""
        return cls(
            page=positive(query.get("page"), 1),
            per_page=min(positive(query.get("per_page"), DEFAULT_PER_PAGE), MAX_PER_PAGE),
        )

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page

    def cut(self, items: Sequence[Any]) -> Sequence[Any]:
        """The items of this page."""
        return items[self.offset : self.offset + self.per_page]

    def link(self, url: URL, total: int) -> str | None:
        """The Link header of a list of `total` items at `url` (prev, next, last, first), or None."""
        last = max(1, -(-total // self.per_page))
        relations = {}
        if self.page > 1:
            relations["prev"] = min(self.page - 1, last)
        if self.page < last:
            relations["next"] = self.page + 1
            relations["last"] = last
        if self.page > 1:
            relations["first"] = 1
        parts = [
            f'<{url.update_query(page=str(page))}>; rel="{name}"'
            for name, page in relations.items()
        ]
        return ", ".join(parts) or None


def positive(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and int(text) > 0 else default


def etag_of(body: bytes) -> str:
    """A weak ETag that changes if and only if the body does."""
    return f'W/"{hashlib.sha256(body).hexdigest()}"'


def is_unchanged(
    headers: Mapping[str, str], etag: str, last_modified: datetime | None = None
) -> bool:
    """Whether a conditional request may be answered with 304 (If-None-Match outranks the date)."""
    asked = headers.get("If-None-Match")
    if asked is not None:
        known = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
        return "*" in known or etag.removeprefix("W/") in known
    since = headers.get("If-Modified-Since")
    if since is None or last_modified is None:
        return False
    try:
        return last_modified.replace(microsecond=0) <= parsedate_to_datetime(since)
    except ValueError:
        return False


@dataclass
class Answer:
    """One answer before it meets the wire: status, body bytes and its own headers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    last_modified: datetime | None = None
    resource: str = "core"
    etag: str | None = None

    def with_etag(self) -> Answer:
        """Give a successful answer its ETag (and Last-Modified, where it is known)."""
        if self.status == 200 and self.etag is None and self.resource != "graphql":
            self.etag = etag_of(self.body)
        return self


def json_answer(content: Any, status: int = 200, **fields: Any) -> Answer:
    """An answer whose body is `content` as JSON."""
    return Answer(status=status, body=orjson.dumps(content), **fields)


def error_answer(status: int, message: str, *, documentation: str = DOCUMENTATION) -> Answer:
    """An error in GitHub's form: message, documentation_url and the status as a string."""
    content = {"message": message, "documentation_url": documentation, "status": str(status)}
    return json_answer(content, status)


def not_found() -> Answer:
    return error_answer(404, "Not Found")


def bad_credentials() -> Answer:
    return error_answer(401, "Bad credentials")


@dataclass
class Window:
    """What one token has used of one resource in the running window."""

    limit: int
    reset: float
    used: int = 0

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)


class RateLimits:
    """Quota per token and resource, in windows counted from a token's first request.

    The reset is given in the world's time: the world's now plus the real seconds until the window
    ends, so that `X-RateLimit-Reset` minus `Date` is always the time to wait.
    """

    def __init__(
        self,
        now: datetime,
        limits: Mapping[str, int] | None = None,
        windows: Mapping[str, float] | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.now = now
        self.limits = {"core": 5000, "search": 30, "graphql": 5000, **(limits or {})}
        self.anonymous_limits = {"core": 60, "search": 10, "graphql": 0}
        self.windows = {"core": 3600.0, "search": 60.0, "graphql": 3600.0, **(windows or {})}
        self.timer = timer
        self.used: dict[tuple[str, str], Window] = {}

    def window(self, token: str, resource: str) -> Window:
        """The running window of a token (empty string: no token) for core, search or graphql."""
        window = self.used.get((token, resource))
        if window is None or self.timer() >= window.reset:
            limits = self.limits if token else self.anonymous_limits
            window = Window(limits[resource], self.timer() + self.windows[resource])
            self.used[token, resource] = window
        return window

    def spend(self, token: str, resource: str, cost: int = 1) -> bool:
        """Take `cost` from the quota; False (and nothing taken) where it is exhausted."""
        window = self.window(token, resource)
        if window.used + cost > window.limit:
            return False
        window.used += cost
        return True

    def reset_at(self, window: Window) -> int:
        """When the window ends, in seconds since 1970 of the world's time."""
        return int(self.now.timestamp() + max(0.0, window.reset - self.timer()) + 0.999)

    def headers(self, token: str, resource: str) -> dict[str, str]:
        """The X-RateLimit-* headers of the running window."""
        window = self.window(token, resource)
        return {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": str(self.reset_at(window)),
            "X-RateLimit-Used": str(window.used),
            "X-RateLimit-Resource": resource,
        }

    def overview(self, token: str) -> dict[str, dict[str, int]]:
        """Limit, used, remaining and reset of each resource, as `/rate_limit` shows them."""
        return {
            name: {
                "limit": window.limit,
                "used": window.used,
                "remaining": window.remaining,
                "reset": self.reset_at(window),
            }
            for name in self.limits
            for window in [self.window(token, name)]
        }


def token_of(headers: Mapping[str, str]) -> str:
    """The token of an Authorization header (`Bearer` or `token`); empty where there is none."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "token") else ANONYMOUS


def over_limit(token: str) -> Answer:
    """The answer to a request beyond the primary limit."""
    who = f"user ID {int(etag_of(token.encode())[3:9], 16)}" if token else "127.0.0.1"
    return error_answer(403, f"API rate limit exceeded for {who}.")


def respond(
    request: web.BaseRequest, answer: Answer, limits: RateLimits, *, cost: int = 1
) -> web.Response:
    """Meter an answer, turn it into 304 where the client knows it, and put it on the wire.

    A 304 to a request with a token costs nothing; whatever else is answered costs `cost`.
    """
    token = token_of(request.headers)
    answer.with_etag()
    unchanged = answer.etag is not None and is_unchanged(
        request.headers, answer.etag, answer.last_modified
    )
    if not (unchanged and token) and not limits.spend(token, answer.resource, cost):
        answer, unchanged = over_limit(token), False
    headers = {
        "Date": http_date(limits.now),
        "Server": "github.com",
        "Access-Control-Expose-Headers": EXPOSED,
        "X-GitHub-Media-Type": "github.v3; format=json",
        **limits.headers(token, answer.resource),
        **answer.headers,
    }
    if answer.etag is not None:
        headers["ETag"] = answer.etag
        headers["Cache-Control"] = f"{'private' if token else 'public'}, max-age=60, s-maxage=60"
    if answer.last_modified is not None:
        headers["Last-Modified"] = http_date(answer.last_modified)
    if unchanged:
        return web.Response(status=304, headers=headers)
    headers.setdefault("Content-Type", JSON_TYPE)
    return web.Response(status=answer.status, body=answer.body, headers=headers)
