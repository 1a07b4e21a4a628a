"""The releases that a link selects: those of the marts, and those that others have posted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from fastapi import Depends, Query

from serving.model import Model
from serving.posted import ORIGIN, Posted, Update
from serving.queries import releases
from serving.queries.releases import Release

PAGE = 48
BATCH = 200
MOST_PRODUCTS = 200  # in one link

Place = tuple[str, str, str, str]


class DamagedPlace(ValueError):
    """A link to older releases that no page has made."""


@dataclass(frozen=True)
class Selection:
    """Products (all without), a text to search for, and the place after which releases are wanted."""

    products: tuple[str, ...] = ()
    search: str = ""
    before: str | None = None

    @property
    def place(self) -> Place | None:
        """Raises DamagedPlace."""
        if self.before is None:
            return None
        try:
            told = json.loads(self.before)
        except (ValueError, RecursionError) as error:
            raise DamagedPlace(self.before) from error
        if not (
            isinstance(told, list)
            and len(told) == 4
            and all(isinstance(each, str) for each in told)
        ):
            raise DamagedPlace(self.before)
        return tuple(told)

    def after(self, release: Release) -> str:
        """The place of a release as links have it."""
        return json.dumps(release.place, ensure_ascii=False, separators=(",", ":"))

    def toggled(self, product: str) -> str:
        """The products with one more, or one less, as links have them."""
        rest = [each for each in self.products if each != product]
        return ",".join(rest if product in self.products else [*rest, product])

    def found(
        self, model: Model, posted: Posted, calendar: str, today: date, limit: int = PAGE
    ) -> list[Release]:
        """Newest first; what is posted for a day to come waits for it. Raises DamagedPlace.

        What is posted and known to the marts too, for a day of the same page, is the marts' release with one more
        source.
        """
        known = releases.newest(
            model,
            self.products,
            before=self.place,
            limit=limit,
            search=self.search,
            calendar=calendar,
        )
        # Where there are older ones in the marts, older posted ones wait for them.
        oldest = known[-1].day if len(known) == limit else ""
        told: dict[tuple[str, str], str] = {}
        new: list[Release] = []
        for each in self.posted(posted):
            if each.day > (self.place[0] if self.place else today.isoformat()):
                continue
            if each.day < oldest or (len(new) >= limit and each.day != new[-1].day):
                break
            if releases.find(model, each.product, each.version):
                told[each.product, each.version] = each.day
            elif self.place is None or each.place < self.place:
                new.append(each)
        known = [with_source(each, told.get((each.product, each.version))) for each in known]
        return sorted([*known, *new], key=lambda each: each.place, reverse=True)[:limit]

    def posted(self, posted: Posted) -> Iterator[Release]:
        """Posted releases of the selection, newest day first."""
        text = self.search.casefold()
        for each in walk(posted, self.products):
            if text in f"{each.product_name}\n{each.version}".casefold():
                day = each.released_date.isoformat()
                yield Release(
                    each.product_name, each.version, day, None, ORIGIN, ORIGIN, False,
                    link=each.link, sources=((ORIGIN, day),),
                )  # fmt: skip


def with_source(release: Release, day: str | None) -> Release:
    """The release with the day that was posted for it, if one was."""
    return replace(release, sources=(*release.sources, (ORIGIN, day))) if day else release


def walk(posted: Posted, products: tuple[str, ...]) -> Iterator[Update]:
    """Every posted release of the products, newest day first."""
    offset = 0
    while batch := posted.newest(products, limit=BATCH, offset=offset):
        yield from batch
        offset += len(batch)


async def selection(
    products: Annotated[
        str, Query(description="Names of products, separated by commas.", max_length=8000)
    ] = "",
    q: Annotated[
        str, Query(description="A text in product, version or title.", max_length=200)
    ] = "",
    before: Annotated[str | None, Query(max_length=1000)] = None,
) -> Selection:
    names = dict.fromkeys(name.strip() for name in products.split(","))
    return Selection(tuple(name for name in names if name)[:MOST_PRODUCTS], q.strip(), before)


Selected = Annotated[Selection, Depends(selection)]
