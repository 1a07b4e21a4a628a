"""Who reads, and what is answered: language and calendar, links that work below any path, one way to render."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends, Query, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.answers import Answer
from serving.completeness import held_back, held_back_of
from serving.dependencies import Now, Served
from serving.model import Model
from serving.pages import ages, marks, notes
from serving.pages.assets import stamp
from serving.pages.words import CALENDARS, LANGUAGES, language_of, said
from serving.posted import Posted

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    "initials": marks.initials,
    "colour": marks.colour,
    "rendered": notes.rendered,
    "excerpt": notes.excerpt,
    "number": lambda value: "–" if value is None else f"{value:,}",
    "signed": lambda value: "–" if value is None else f"{value:+,}",
    "percent": lambda value: "–" if value is None else f"{int(value * 1000) / 10:g} %",
}
TEMPLATES.globals["tongues"] = LANGUAGES
TEMPLATES.tests["web"] = notes.is_web
# A publication, or a source, whose newest day is older is not up to date.
STALE_DAYS = 2


@dataclass
class Reader:
    """One request's view of what is published; `asked` is the language if it was named."""

    request: Request
    model: Model
    now: datetime
    language: str
    asked: str | None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_site(self) -> bool:
        """Whether files are written for a host without a server."""
        return getattr(self.request.app.state, "is_site", False)

    @property
    def calendar(self) -> str:
        return CALENDARS[self.language]

    @property
    def today(self) -> date:
        return ages.today(self.now, self.calendar)

    @property
    def path(self) -> str:
        """The path below the application's root."""
        return self.request.scope["path"].removeprefix(self.request.scope.get("root_path", ""))

    @property
    def root(self) -> str:
        """The way from the page to the root: `./`, `../`, …; a site has Korean pages in a folder of their own."""
        depth = self.path.count("/") - 1 + (self.is_site and self.language == "ko")
        return "../" * depth or "./"

    @property
    def base(self) -> str:
        """The absolute address of the root; of a site the one it was given, else the way to the root."""
        if self.is_site:
            return self.request.app.state.site_address or self.root
        return str(self.request.base_url)

    def say(self, key: str, **values: object) -> str:
        return said(key, self.language, **values)

    def age(self, day: str | date) -> str:
        return ages.age(date.fromisoformat(str(day)), self.today, self.language)

    def page(self, path: str = "", language: str | None = None, /, **query: object) -> str:
        """The link to a page by its path below the root; the language goes along if it was named."""
        told = {name: value for name, value in query.items() if value not in (None, "")}
        if self.is_site:
            folder = "ko/" if (language or self.language) == "ko" else ""
            return self.root + folder + quote(path) + (f"?{urlencode(told)}" if told else "")
        if wanted := language or self.asked:
            told["lang"] = wanted
        return self.root + quote(path) + (f"?{urlencode(told)}" if told else "")

    def file(self, path: str, /, **query: object) -> str:
        """The link to a feed, chart, badge or download, which have no language of their own."""
        return self.root + quote(path) + (f"?{urlencode(query)}" if query else "")

    def asset(self, name: str) -> str:
        return f"{self.root}static/{name}?v={stamp()}"

    def switch(self, language: str) -> str:
        """The link to this page in another language."""
        kept = {name: value for name, value in self.request.query_params.items() if name != "lang"}
        return self.page(self.path.removeprefix("/"), language, **kept)

    def stale(self, streams: Sequence[str] = ()) -> list[str]:
        """What is not up to date, as sentences: the publication, sources of the streams, and streams with
        partitions that are shown as they were when their floor was last met."""
        oldest = self.today - timedelta(STALE_DAYS)
        told = []
        published = ages.today(self.model.published_at, self.calendar)
        if published < oldest:
            told.append(self.say("stale", age=self.age(published)))
        newest: dict[str, str] = {}
        for each in self.model.capture_rates:
            source = each["source_name"]
            if f"{source}.{each['stream_name']}" in streams and each["newest_date"]:
                newest[source] = max(newest.get(source, ""), each["newest_date"])
        told += [
            self.say("stale_source", source=source, day=day)
            for source, day in sorted(newest.items())
            if day < oldest.isoformat()
        ]
        return told + [
            self.say("held_back", count=count, stream=stream)
            for stream, count in held_back(self.model, *streams).items()
        ]

    def partly(self, streams: Sequence[str], partition: str) -> list[str]:
        """Which streams of one partition are shown as they were, as sentences."""
        return [
            self.say("held_back_since" if day else "held_back_whole", stream=stream, day=day)
            for stream, day in held_back_of(self.model, streams, partition).items()
        ]

    def part(self, template: str, **values: Any) -> str:
        """A template, filled in."""
        found = TEMPLATES.get_template(template)
        return found.render(reader=self, say=self.say, **values)

    def over(self, *marts: str, partition: str | None = None) -> None:
        """What the answer is made of: states its freshness and completeness, of one partition if that is all.

        Raises HTTPException (304) if the reader has it already.
        """
        posted = Posted(self.request.app.state.settings.place).path
        answer = Answer(
            self.request, self.model, marts, self.language, self.today,
            posted.stat().st_mtime_ns if posted.exists() else None,
        )  # fmt: skip
        if partition is not None:
            answer.narrow(partition)
        self.headers = {**answer.headers, "Vary": "Accept-Language"}

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page."""
        return self.answer(self.part(template, **values), "text/html", status)

    def refuse(self, key: str, status: int, **values: object) -> Response:
        """A page that says what is wrong."""
        title = "not_found" if status == 404 else "cannot"
        return self.render("refused.html", status, title=title, reason=self.say(key, **values))

    def answer(self, content: str | bytes, kind: str, status: int = 200) -> Response:
        """A page, feed or picture; what is wrong is not kept."""
        headers = self.headers if status == 200 else {"Cache-Control": "no-store"}
        return Response(content, status, headers, kind)


async def reader(
    request: Request,
    model: Served,
    now: Now,
    lang: Annotated[str | None, Query(description="Language: `en` or `ko`.", max_length=20)] = None,
) -> Reader:
    """The language is the one asked for, else the browser's, else English."""
    accepted = request.headers.get("accept-language", "")
    asked = lang if lang in LANGUAGES else None
    return Reader(request, model, now, language_of(asked, accepted), asked)


Read = Annotated[Reader, Depends(reader)]
