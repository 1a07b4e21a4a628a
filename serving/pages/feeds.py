"""Feeds of any selection of releases: RSS 2.0, Atom and JSON Feed 1.1."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from feedgen.feed import FeedGenerator

from serving.drawing.svg import printable
from serving.pages.notes import is_web, rendered
from serving.pages.reader import Read, Reader
from serving.pages.releases import posted
from serving.pages.selection import DamagedPlace, Selected, Selection
from serving.posted import ORIGIN
from serving.queries.releases import Release

router = APIRouter(tags=["feeds"])

ENTRIES = 50
EPOCH = datetime(2008, 1, 1, tzinfo=UTC)  # older than GitHub: of a feed without entries


def identity(release: Release) -> str:
    """The entry's id: the same for ever, in every format, wherever the feed is served."""
    return f"urn:trendhouse:release:{quote(release.product, safe='')}:{quote(release.version, safe='')}"


def moment(release: Release) -> datetime:
    """When it was released; at the start of the day where only that is known."""
    return datetime.fromisoformat(release.at or f"{release.day}T00:00:00+00:00")


def heading(release: Release) -> str:
    return printable(f"{release.product} {release.version}")


def link(reader: Reader, release: Release) -> str:
    """The notes, or the product's page, or its selection if it has none."""
    if is_web(release.link):
        return printable(release.link)
    if release.kind == ORIGIN:
        return f"{reader.base}?products={quote(release.product, safe='')}"
    return f"{reader.base}products/{quote(release.product)}/"


def told(selected: Selection) -> str:
    """The feed's title."""
    return printable(
        " · ".join(
            ["Trendhouse releases", *filter(None, [", ".join(selected.products), selected.search])]
        )
    )


def home(reader: Reader) -> str:
    """The release page of the same selection."""
    query = reader.request.url.query
    return f"{reader.base}?{query}" if query else reader.base


def here(reader: Reader) -> str:
    query = reader.request.url.query
    return f"{reader.base}{reader.path[1:]}" + (f"?{query}" if query else "")


def generated(reader: Reader, selected: Selection, found: Sequence[Release]) -> FeedGenerator:
    """RSS and Atom of releases."""
    feed = FeedGenerator()
    feed.id(here(reader))
    feed.title(told(selected))
    feed.description("New versions of open-source products, newest first.")
    feed.link(href=here(reader), rel="self")
    feed.link(href=home(reader), rel="alternate")
    feed.author(name="Trendhouse")
    feed.language("en")
    feed.generator("Trendhouse")
    feed.updated(max(map(moment, found), default=EPOCH))
    for release in found:
        entry = feed.add_entry(order="append")
        entry.id(identity(release))
        entry.guid(identity(release), permalink=False)
        entry.title(heading(release))
        entry.link(href=link(reader, release), rel="alternate")
        entry.published(moment(release))
        entry.updated(moment(release))
        entry.category(term=printable(release.product))
        entry.content(rendered(release.body) or heading(release), type="html")
    return feed


def rss(reader: Reader, selected: Selection, found: Sequence[Release]) -> bytes:
    return generated(reader, selected, found).rss_str(pretty=True)


def atom(reader: Reader, selected: Selection, found: Sequence[Release]) -> bytes:
    return generated(reader, selected, found).atom_str(pretty=True)


def json_feed(reader: Reader, selected: Selection, found: Sequence[Release]) -> bytes:
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": told(selected),
        "home_page_url": home(reader),
        "feed_url": here(reader),
        "language": "en",
        "items": [
            {
                "id": identity(release),
                "url": link(reader, release),
                "title": heading(release),
                "content_html": rendered(release.body) or heading(release),
                "date_published": moment(release).isoformat(),
                "tags": [release.product, *(["pre-release"] if release.is_prerelease else [])],
            }
            for release in found
        ],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


Writer = Callable[[Reader, Selection, Sequence[Release]], bytes]
FORMATS: dict[str, tuple[str, Writer]] = {
    "rss": ("application/rss+xml", rss),
    "atom": ("application/atom+xml", atom),
    "json": ("application/feed+json", json_feed),
}


def add_feed(ending: str, kind: str, write: Writer) -> None:
    """A route for one format."""

    @router.get(
        f"/feeds/releases.{ending}",
        name=f"feed_{ending}",
        summary=f"The newest releases of a selection, {kind}",
        response_class=Response,
        responses={200: {"content": {kind: {}}}, 400: {"description": "A damaged link."}},
    )
    async def feed(reader: Read, selected: Selected) -> Response:
        reader.over("releases", "products")
        try:
            found = selected.found(reader.model, posted(reader), "UTC", reader.today, ENTRIES)
        except DamagedPlace:
            return reader.refuse("bad_place", 400)
        return reader.answer(write(reader, selected, found), kind)


for ending, (kind, write) in FORMATS.items():
    add_feed(ending, kind, write)
