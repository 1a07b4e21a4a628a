"""Charts and badges to embed elsewhere: SVG files that bring their style."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Response

from serving.drawing.badge import badge
from serving.drawing.scales import short
from serving.pages.figures import FIGURES, Subject
from serving.pages.reader import Read, Reader
from serving.queries import repositories

router = APIRouter(tags=["charts"])

SVG = "image/svg+xml"
CHARTED = ("repositories_daily", "issues", "pull_requests", "commits_daily", "releases")
ANSWERS = {200: {"content": {SVG: {}}}, 404: {"content": {SVG: {}}, "description": "Unknown."}}
Name = Annotated[str, Path(max_length=200)]
Drawn = tuple[str, str, str]  # label, value, look

ChartKind = StrEnum("ChartKind", {each.replace("-", "_"): each for each in FIGURES})


def subject(reader: Reader, repository: sqlite3.Row) -> Subject:
    return Subject(reader.model, repository, reader.language, reader.today)


def unknown(reader: Reader, name: str) -> Response:
    """A picture that says so: whoever embeds it sees why."""
    said = badge("Trendhouse", reader.say("unknown_repository", name=name), "over")
    return reader.answer(said, SVG, 404)


@router.get("/charts/{kind}/{owner}/{name}.svg", response_class=Response, responses=ANSWERS)
async def chart(reader: Read, kind: ChartKind, owner: Name, name: Name) -> Response:
    """A chart of a repository by any name that it has or had."""
    repository = repositories.find(reader.model, f"{owner}/{name}")
    if repository is None:
        return unknown(reader, f"{owner}/{name}")
    reader.over(*CHARTED, partition=repository["repository_id"])
    figure = FIGURES[kind](subject(reader, repository))
    return reader.answer(figure.chart.svg(alone=True), SVG)


def stars(reader: Reader, repository: sqlite3.Row) -> Drawn:
    count = repository["star_count"]
    return reader.say("stars"), "–" if count is None else short(count), "plain"


def forks(reader: Reader, repository: sqlite3.Row) -> Drawn:
    count = repository["fork_count"]
    return reader.say("forks"), "–" if count is None else short(count), "plain"


def product(reader: Reader, repository: sqlite3.Row) -> sqlite3.Row | None:
    return reader.model.row(
        "select * from products where repository_id = ? order by product_name",
        repository["repository_id"],
    )


def release(reader: Reader, repository: sqlite3.Row) -> Drawn:
    """The latest version of the repository's product."""
    found = product(reader, repository)
    if found is None or found["latest_version"] is None:
        return reader.say("latest"), "–", "plain"
    look = "warning" if found["is_latest_prerelease"] else "good"
    return reader.say("latest"), found["latest_version"], look


def end_of_life(reader: Reader, repository: sqlite3.Row) -> Drawn:
    """The end of life of the cycle of the latest version."""
    found = product(reader, repository)
    day = found["end_of_life_date"] if found else None
    if day is None and found and found["is_ended"]:
        return reader.say("eol"), reader.say("over"), "over"
    if day is None:
        return reader.say("eol"), "–", "plain"
    return reader.say("eol"), day, "over" if day < reader.today.isoformat() else "good"


BADGES: dict[str, Callable[[Reader, sqlite3.Row], Drawn]] = {
    "stars": stars,
    "forks": forks,
    "release": release,
    "end-of-life": end_of_life,
}
BadgeKind = StrEnum("BadgeKind", {each.replace("-", "_"): each for each in BADGES})


@router.get("/badges/{kind}/{owner}/{name}.svg", response_class=Response, responses=ANSWERS)
async def badge_of(reader: Read, kind: BadgeKind, owner: Name, name: Name) -> Response:
    """A badge of a repository by any name that it has or had."""
    repository = repositories.find(reader.model, f"{owner}/{name}")
    if repository is None:
        return unknown(reader, f"{owner}/{name}")
    reader.over("repositories", "products", partition=repository["repository_id"])
    return reader.answer(badge(*BADGES[kind](reader, repository)), SVG)
