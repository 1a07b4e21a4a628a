"""Answers over marts: how fresh and how complete they are, and whether the asker has them already."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import orjson
from fastapi import HTTPException, Request
from starlette.responses import Response

from serving.completeness import capture_rate, held_back, held_back_of, streams_of
from serving.dependencies import Served
from serving.model import Model

# Whoever holds an answer asks again after a minute; the answer is then nearly always 304.
CACHE_CONTROL = "public, max-age=60"


def digest_of_code() -> str:
    """Another version of the application gives other answers, also from the same data."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            found.update(path.read_bytes())
    return found.hexdigest()[:12]


CODE = digest_of_code()


class Answer:
    """What a route answers with: `model`, and `headers` that state the answer's version, time and completeness.

    `parts` is what it depends on beside publication and address: a language, today, what was posted. Raises
    HTTPException (304) if the asker holds this very answer.
    """

    def __init__(
        self, request: Request, model: Model, marts: tuple[str, ...], *parts: object
    ) -> None:
        self.model = model
        self.streams = streams_of(*marts)
        told = (model.path.stem, CODE, request.url.path, request.url.query, *parts)
        tag = f'"{hashlib.sha256(repr(told).encode()).hexdigest()[:24]}"'
        self.headers = {
            "Cache-Control": CACHE_CONTROL,
            "ETag": tag,
            "Last-Modified": format_datetime(model.published_at.astimezone(UTC), usegmt=True),
            "Trendhouse-Version": str(model.version),
            "Trendhouse-Published-At": model.published_at.isoformat(),
        }
        if is_held(request, tag):
            raise HTTPException(304, headers=self.headers)
        self.state(capture_rate(model, *self.streams), held_back(model, *self.streams))

    def state(self, rate: float | None, held_back: Mapping[str, int | str | None]) -> None:
        """Say how complete the answer is, and which streams are shown as they were: the number of such
        partitions, or of one partition the day as of which it is shown (`never`: nothing of it is)."""
        if rate is not None:
            self.headers["Trendhouse-Capture-Rate"] = f"{rate:.4f}"
        if held_back:
            told = (f"{stream}={since or 'never'}" for stream, since in held_back.items())
            self.headers["Trendhouse-Held-Back"] = ", ".join(told)

    def narrow(self, partition: str) -> None:
        """The answer is about one partition of its streams alone: a repository, a product."""
        for name in ("Trendhouse-Capture-Rate", "Trendhouse-Held-Back"):
            self.headers.pop(name, None)
        rate = capture_rate(self.model, *self.streams, partition=partition)
        self.state(rate, held_back_of(self.model, self.streams, partition))

    def json(self, content: Any) -> Response:
        return Response(orjson.dumps(content), 200, self.headers, "application/json")


def is_held(request: Request, tag: str) -> bool:
    """Whether the asker has the answer with this tag."""
    held = [
        each.strip().removeprefix("W/")
        for each in request.headers.get("If-None-Match", "").split(",")
    ]
    return "*" in held or tag in held


def over(*marts: str) -> Callable[..., Any]:
    """What a route over some marts asks for, as a dependency."""

    async def answer(request: Request, model: Served) -> Answer:
        return Answer(request, model, marts)

    return answer
