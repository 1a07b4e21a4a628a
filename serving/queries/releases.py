"""Releases as people are shown them: a version once, with every source's date and its release cycle."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from serving.model import Model

MOST = 500
# Column of a release's day by calendar.
DAYS = {"UTC": "released_date", "Asia/Seoul": "released_date_seoul"}
# What upstream no longer stands by is not news; a tag that is no version is none either.
SHOWN = (
    "not {0}.is_draft and not {0}.is_withdrawn and not {0}.is_deleted"
    " and ({0}.is_version or {0}.release_kind = 'release')"
)
# Nor is what is not out yet.
OUT = "{0}.is_planned is not 1"
# Who is believed where several sources know a version, as in the mart products.
RANK = "case {0}.release_kind when 'release' then 1 when 'statement' then 2 else 3 end"


@dataclass(frozen=True)
class Release:
    """A version of a product, as the source tells it that knows best.

    `day` and `sources` (each source's day, null if undated) are in the calendar that was asked for, `at` is UTC text,
    null where only a day is known. `place` is where it stands in the order, newest first. `origin` is `github`,
    `endoflife`, or `posted` for what others posted. `end_of_life_date` and `is_ended` (true where no day is told) are
    its release cycle's. `is_planned`: its day was still to come when the sources were last looked at.
    """

    product: str
    version: str
    day: str | None
    at: str | None
    origin: str
    kind: str
    is_prerelease: bool
    name: str | None = None
    body: str | None = None
    link: str | None = None
    repository_id: str | None = None
    sources: tuple[tuple[str, str | None], ...] = ()
    cycle: str | None = None
    end_of_life_date: str | None = None
    is_ended: bool = False
    is_planned: bool = False

    @property
    def has_dissent(self) -> bool:
        """Whether the sources differ in its day."""
        return len({day for _, day in self.sources if day}) > 1

    @property
    def place(self) -> tuple[str, str, str, str]:
        return self.day or "", self.at or "", self.product, self.version

    def is_over(self, today: date) -> bool:
        """Whether its release cycle has ended before today."""
        if self.end_of_life_date is None:
            return self.is_ended
        return self.end_of_life_date < today.isoformat()


def newest(
    model: Model,
    products: Iterable[str] = (),
    *,
    before: tuple[str, str, str, str] | None = None,
    limit: int = 50,
    search: str | None = None,
    calendar: str = "UTC",
) -> list[Release]:
    """Dated releases, newest first, at most MOST: of some products (all without), after a place in the order,
    whose product, version or title holds a text."""
    day = f"r.{DAYS[calendar]}"
    where, values = [f"{day} is not null", OUT.format("r")], []
    if wanted := sorted(set(products)):
        where.append(f"r.product_name in ({', '.join('?' * len(wanted))})")
        values += wanted
    if search:
        text = f"%{escaped(search)}%"
        columns = ("r.product_name", "r.version", "r.release_name")
        where.append("(" + " or ".join(f"{each} like ? escape '\\'" for each in columns) + ")")
        values += [text] * len(columns)
    if before:
        # The first comparison alone lets an index find the place.
        where.append(
            f"{day} <= ? and ({day}, coalesce(r.released_at, ''), r.product_name, r.version) < (?, ?, ?, ?)"
        )
        values += [before[0], *before]
    return chosen(model, calendar, " and ".join(where), [*values, max(1, min(limit, MOST))])


def of_product(model: Model, product: str, calendar: str = "UTC") -> list[Release]:
    """Every release of a product, planned ones among them, newest first, undated ones last."""
    return chosen(model, calendar, "r.product_name = ?", [product, -1])


def find(model: Model, product: str, version: str, calendar: str = "UTC") -> Release | None:
    where = f"r.product_name = ? and r.version = ? and {OUT.format('r')}"
    found = chosen(model, calendar, where, [product, version, 1])
    return found[0] if found else None


def chosen(model: Model, calendar: str, where: str, values: list[Any]) -> list[Release]:
    """Of each version the row that is believed, in order; the last of the values is the limit."""
    day = DAYS[calendar]
    rows = model.rows(
        f"""
        select
            r.*, r.{day} as shown_day,
            (
                select json_group_array(json_array(o.source_name, o.{day}))
                from releases as o
                where o.product_name = r.product_name and o.version = r.version and {SHOWN.format("o")}
            ) as told,
            (
                select json_array(c.cycle_name, c.end_of_life_date, c.is_ended)
                from release_cycles as c
                where
                    c.product_name = r.product_name
                    and c.is_withdrawn is not 1
                    and (r.version = lower(c.cycle_name) or r.version like lower(c.cycle_name) || '.%')
                order by length(c.cycle_name) desc, c.product_id
                limit 1
            ) as cycle
        from releases as r
        where
            {where}
            and {SHOWN.format("r")}
            and r.rowid = (
                select o.rowid
                from releases as o
                where o.product_name = r.product_name and o.version = r.version and {SHOWN.format("o")}
                order by o.is_planned is 1, o.{day} is null, {RANK.format("o")}, o.source_name
                limit 1
            )
        order by
            r.{day} desc, coalesce(r.released_at, '') desc, r.product_name desc, r.version desc
        limit ?
        """,
        *values,
    )
    return [release(row) for row in rows]


def release(row: sqlite3.Row) -> Release:
    cycle, end_of_life_date, is_ended = json.loads(row["cycle"] or "[null, null, null]")
    return Release(
        product=row["product_name"],
        version=row["version"],
        day=row["shown_day"],
        at=row["released_at"],
        origin=row["source_name"],
        kind=row["release_kind"],
        is_prerelease=bool(row["is_prerelease"]),
        name=row["release_name"],
        body=row["body"],
        link=row["link"],
        repository_id=row["repository_id"],
        sources=tuple(sorted((source, day) for source, day in json.loads(row["told"]))),
        cycle=cycle,
        end_of_life_date=end_of_life_date,
        is_ended=bool(is_ended),
        is_planned=bool(row["is_planned"]),
    )


def escaped(text: str) -> str:
    """Text that LIKE takes literally, with backslash as its escape."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
