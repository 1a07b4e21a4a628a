"""The file sources by path: archive hours, ranking days and release dates of products."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from simulator import archive, endoflife, rankings
from simulator.http import Answer
from simulator.instants import midnight, moment
from simulator.world import World

HOUR_FILE = re.compile(r"^/gharchive/(\d{4}-\d\d-\d\d)-(\d{1,2})\.json\.gz$")
DAY_FILE = re.compile(r"^/rankings/github-ranking-(\d{4}-\d\d-\d\d)\.csv$")
PRODUCT_FILE = re.compile(r"^/endoflife/(?:(\d{4}-\d\d-\d\d)/)?([a-z0-9-]+)\.json$")
MISSING = Answer(404, b"Not Found\n", {"Content-Type": "text/plain"})


class FileSources:
    """Answers GET requests for files; a file of the future or of no known thing is 404."""

    def __init__(self, world: World) -> None:
        self.world = world

    def answer(self, path: str) -> Answer:
        readers: dict[re.Pattern[str], Callable[[re.Match[str]], Answer]] = {
            HOUR_FILE: self.hour,
            DAY_FILE: self.day,
            PRODUCT_FILE: self.product,
        }
        for pattern, read in readers.items():
            if (match := pattern.match(path)) is not None:
                try:
                    return read(match)
                except ValueError:
                    return MISSING
        return MISSING

    def hour(self, match: re.Match[str]) -> Answer:
        start = midnight(date.fromisoformat(match[1])) + int(match[2]) * 3600
        if int(match[2]) > 23 or start < archive.FIRST_HOUR or start + 3600 > self.world.now:
            return MISSING
        return found(archive.packed(self.world, start), start + 3600, "application/gzip")

    def day(self, match: re.Match[str]) -> Answer:
        start = midnight(date.fromisoformat(match[1]))
        # A day's file never changes: there is none before it has been collected.
        if start + rankings.COLLECTED > self.world.now or not rankings.has_day(self.world, start):
            return MISSING
        return found(
            rankings.csv_of(self.world, start),
            start + rankings.COLLECTED,
            "text/csv; charset=utf-8",
        )

    def product(self, match: re.Match[str]) -> Answer:
        at = self.world.now
        if match[1]:
            at = min(at, midnight(date.fromisoformat(match[1])) + 86_399)
        body = endoflife.document(self.world, match[2], at)
        return MISSING if body is None else found(body, at - at % 86_400, "application/json")


def found(body: bytes, changed_at: int, kind: str) -> Answer:
    return Answer(body=body, headers={"Content-Type": kind}, last_modified=moment(changed_at))
