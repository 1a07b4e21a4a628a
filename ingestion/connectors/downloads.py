"""Files behind URLs: asked for only if they changed, spooled to disk, tried again when they come broken."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from dlt.sources.helpers.requests import Session
from requests import RequestException, Response
from requests.exceptions import ChunkedEncodingError, ConnectionError, ContentDecodingError, Timeout
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from ingestion.instants import read_http_date
from ingestion.landing import Context

log = logging.getLogger(__name__)

CHUNK_BYTES = 2**20
ATTEMPTS = 7
BACKOFF = wait_random_exponential(multiplier=0.5, max=60)
# One archive or repository of files is asked for so many at once, whatever `concurrency` allows.
MOST_AT_ONCE = 4
TIMEOUT_SECONDS = (10, 60)
GONE = (404, 410)
PASSING = (ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError)
USER_AGENT = "trendhouse"


class DownloadFailed(Exception):
    """An address did not give its file, however often it was asked; the message says why."""

    retry_after: float | None = None


@dataclass(frozen=True)
class Wanted:
    """A file to ask for; `tag` is the ETag or Last-Modified of the one that is already landed."""

    name: str
    url: str
    tag: str | None = None


@dataclass
class Answer:
    """What came of it: a file on disk, no change (304), nothing there (404), or an error."""

    wanted: Wanted
    path: Path | None = None
    tag: str | None = None
    date: datetime | None = None
    is_missing: bool = False
    error: str | None = None
    requests: int = 0
    size: int = 0
    seconds: float = 0.0

    @property
    def is_unchanged(self) -> bool:
        return self.path is None and not self.is_missing and self.error is None


class Downloads:
    """Downloads for one landing; a context whose folder is empty before and after.

    `is_whole` judges a spooled file: one that is not is asked for again, and the last one is kept
    if it never comes whole.
    """

    def __init__(self, context: Context, is_whole: Callable[[Path], bool]) -> None:
        self.context = context
        self.is_whole = is_whole
        self.folder = context.settings.place.downloads / context.spec.name
        self.patience = context.spec.location.patience()
        self.ends = time.monotonic() + context.settings.deadline_seconds
        self.session = Session(timeout=TIMEOUT_SECONDS, raise_for_status=False)
        self.session.headers["User-Agent"] = USER_AGENT

    def __enter__(self) -> Downloads:
        shutil.rmtree(self.folder, ignore_errors=True)  # a killed run may have left some
        self.folder.mkdir(parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.session.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def is_out_of_time(self) -> bool:
        return time.monotonic() >= self.ends

    def answers(self, wanted: Iterable[Wanted], resource: str) -> Iterator[Answer]:
        """The answers in the order of `wanted`, a few asked for ahead; ends early at the deadline."""
        most = min(MOST_AT_ONCE, self.context.settings.concurrency)
        left, ahead = iter(wanted), list[Future[Answer]]()
        with ThreadPoolExecutor(most) as pool:
            try:
                while not self.is_out_of_time:
                    while len(ahead) < most and (each := next(left, None)) is not None:
                        ahead.append(pool.submit(self.ask, each))
                    if not ahead:
                        return
                    answer = ahead.pop(0).result()
                    self.context.book(resource, answer.requests, size=answer.size)
                    yield answer
                    if answer.path is not None:
                        answer.path.unlink(missing_ok=True)
            finally:
                pool.shutdown(cancel_futures=True)

    def ask(self, wanted: Wanted) -> Answer:
        """One file; never raises for what upstream does, the answer says it."""
        answer, began = Answer(wanted), time.monotonic()
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(max(self.ends - began, 0.1)),
            retry=retry_if_exception_type((DownloadFailed, *PASSING)),
            wait=self.pause,
            before_sleep=lambda state: log.info("%s: %s", wanted.url, state.outcome.exception()),
            reraise=True,
        )
        try:
            retrying(self.ask_once, answer)
        except (DownloadFailed, RequestException) as error:
            # A file that always comes broken is kept: its reader tells where it breaks off.
            if answer.path is None:
                answer.error = f"{error} ({answer.requests} requests)"
        answer.seconds = time.monotonic() - began
        return answer

    def pause(self, state: RetryCallState) -> float:
        """What upstream asks for, else an exponential back-off with jitter, times the patience; seconds."""
        asked = getattr(state.outcome.exception(), "retry_after", None) if state.outcome else None
        return max(asked, 0.0) if asked is not None else BACKOFF(state) * self.patience

    def ask_once(self, answer: Answer) -> None:
        wanted = answer.wanted
        answer.requests += 1
        with self.session.get(wanted.url, headers=condition(wanted.tag), stream=True) as response:
            answer.date = read_http_date(response.headers.get("Date")) or answer.date
            if response.status_code == 304:
                return
            if response.status_code in GONE:
                answer.is_missing = True
                return
            if response.status_code != 200:
                raise refusal(response)
            path = self.folder / wanted.name
            answer.size += spool(response, path)
            answer.path, answer.tag = path, response.headers.get("ETag")
            answer.tag = answer.tag or response.headers.get("Last-Modified")
        if not self.is_whole(path):
            raise DownloadFailed("the file came broken")


def condition(tag: str | None) -> dict[str, str]:
    if tag is None:
        return {}
    return {"If-None-Match" if '"' in tag else "If-Modified-Since": tag}


def spool(response: Response, path: Path) -> int:
    """Write the body beside the goal, then rename; returns its bytes. Raises for a cut body."""
    beside, size = path.with_name(f"{path.name}.part"), 0
    with beside.open("wb") as file:
        for chunk in response.iter_content(CHUNK_BYTES):
            size += file.write(chunk)
    beside.replace(path)
    return size


def refusal(response: Response) -> DownloadFailed:
    failure = DownloadFailed(f"answered {response.status_code}")
    said = response.headers.get("Retry-After", "")
    if said.isdecimal():
        failure.retry_after = float(said)
    elif at := read_http_date(said):
        failure.retry_after = (at - datetime.now(UTC)).total_seconds()
    return failure
