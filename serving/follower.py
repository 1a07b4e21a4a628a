"""Follows the published state: whoever asks gets the newest whole read model and never waits for the next."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import sqlite3
import sys
import time
from collections.abc import AsyncIterator

from serving.model import Model
from serving.publication import Publication
from serving.read_model import is_whole, path_of
from trendhouse.child import guarded_command
from trendhouse.settings import ROOT, Place, Settings
from warehouse.published import CURRENT, NothingPublished
from warehouse.snowflake.account import is_target

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0


class Follower:
    """The model of a world that is served now; the next one is built by a process beside, then swapped in.

    `failure` says why what is newer could not be taken; what was served before stays.
    """

    def __init__(self, settings: Settings) -> None:
        self.place = settings.place
        self.fetch_seconds = settings.fetch_seconds
        self.failure: str | None = None
        self._model: Model | None = None
        self._seen: tuple[int, ...] | None = None
        self._fetched = -math.inf

    @property
    def model(self) -> Model:
        """Raises NothingPublished until there is one."""
        if self._model is None:
            raise NothingPublished(
                self.failure
                or f"Nothing is published in {self.place.root} yet. Run `make run` first."
            )
        return self._model

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Take what is published now, and follow until the end of the block."""
        await self.take()
        task = asyncio.create_task(self.follow())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def follow(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.take()

    async def take(self) -> None:
        """Serve what is published now, unless it is served already."""
        try:
            await self.fetch()
            seen = signature(self.place)
            if seen is None or seen == self._seen:
                return
            if not is_whole(path_of(Publication.newest(self.place))):
                await self.build()
            # Meanwhile there may be a newer one: that is what was built then.
            self._model = Model(path_of(Publication.newest(self.place)))
            self._seen, self.failure = seen, None
            log.info("Serving version %s of %s", self._model.version, self.place.root.name)
        except (OSError, RuntimeError, ValueError, sqlite3.Error) as error:
            # Tried again at the next look: a publication may have come in between.
            if self.failure != str(error):
                log.error("The published state cannot be served: %s", error)
            self.failure = str(error)

    async def fetch(self) -> None:
        """Look now and then for what Snowflake publishes; elsewhere the pointer tells."""
        if is_target() and time.monotonic() - self._fetched >= self.fetch_seconds:
            self._fetched = time.monotonic()
            await self.build()

    async def build(self) -> None:
        """Raises RuntimeError with what the builder says."""
        process = await asyncio.create_subprocess_exec(
            *guarded_command([sys.executable, "-m", "serving.read_model", self.place.root]),
            cwd=ROOT, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            said = await process.stderr.read()
            await process.wait()
        finally:
            process.stdin.close()
        if process.returncode:
            raise RuntimeError(said.decode(errors="replace").strip().splitlines()[-1])


def signature(place: Place) -> tuple[int, ...] | None:
    """Changes when the pointer to the published state is replaced; None without one."""
    try:
        found = (place.published / CURRENT).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
