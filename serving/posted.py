"""Releases that others posted in S1's wire shape: kept beside the read models, whatever is published."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from trendhouse.settings import Place

ORIGIN = "posted"
TABLE = """
    create table if not exists updates (
        product_name text, version text, link text, released_date text, posted_at text,
        primary key (product_name, version)
    )
"""


@dataclass(frozen=True)
class Update:
    """A release as it was posted: `released_date` is a day as stated, `posted_at` UTC, when it came or was last
    changed; None while it is on its way."""

    product_name: str
    version: str
    link: str
    released_date: date
    posted_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.product_name, self.version


@dataclass(frozen=True)
class Taken:
    """What became of a body: releases that were new, stated anew, and known as they are."""

    inserted: int = 0
    changed: int = 0
    known: int = 0


class Posted:
    """The posted releases of one world, one per product and version: the last that was said of it."""

    def __init__(self, place: Place) -> None:
        self.path: Path = place.posted

    def take(self, updates: Iterable[Update], now: datetime) -> Taken:
        """Keep all of them or, if anything fails, none."""
        inserted = changed = known = 0
        with self.opened() as connection:
            connection.execute("begin immediate")
            for each in updates:
                said = (each.link, each.released_date.isoformat())
                found = connection.execute(
                    "select link, released_date from updates where product_name = ? and version = ?",
                    each.key,
                ).fetchone()
                if found is not None and tuple(found) == said:
                    known += 1
                    continue
                inserted, changed = inserted + (found is None), changed + (found is not None)
                connection.execute(
                    "insert or replace into updates values (?, ?, ?, ?, ?)",
                    (*each.key, *said, now.astimezone(UTC).isoformat()),
                )
            connection.execute("commit")
        return Taken(inserted, changed, known)

    def newest(
        self, products: Sequence[str] = (), limit: int = 100, offset: int = 0
    ) -> list[Update]:
        """Of some products, else of all, newest release day first, then by product and version."""
        if not self.path.exists():
            return []
        marks = ", ".join("?" * len(products))
        where = f"where product_name in ({marks})" if products else ""
        with self.opened() as connection:
            rows = connection.execute(
                f"select * from updates {where} "
                "order by released_date desc, product_name, version limit ? offset ?",
                (*products, limit, offset),
            ).fetchall()
        return [
            Update(name, version, link, date.fromisoformat(day), datetime.fromisoformat(at))
            for name, version, link, day, at in rows
        ]

    def count(self, products: Sequence[str] = ()) -> int:
        """How many there are of some products, else of all."""
        if not self.path.exists():
            return 0
        marks = ", ".join("?" * len(products))
        where = f"where product_name in ({marks})" if products else ""
        with self.opened() as connection:
            return connection.execute(f"select count(*) from updates {where}", products).fetchone()[
                0
            ]

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """A connection; what was not committed at its end is undone."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        try:
            connection.execute(TABLE)
            yield connection
        finally:
            connection.close()
