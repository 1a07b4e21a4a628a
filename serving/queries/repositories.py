"""Repositories: found by any name they ever had, listed, and their days."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from serving.model import Model
from trendhouse.declared.marts import contracts

# What a list can be sorted by, to the column; the highest, the newest or (names) the first come first.
SORTS = {
    "stars": "r.star_count desc",
    "forks": "r.fork_count desc",
    "growth_1d": "d.star_growth_1d desc",
    "growth_7d": "d.star_growth_7d desc",
    "growth_28d": "d.star_growth_28d desc",
    "growth_365d": "d.star_growth_365d desc",
    "created": "r.created_at desc",
    "pushed": "r.pushed_at desc",
    "name": "r.repository_name collate nocase",
}
GROWTH = tuple(
    f"{what}_growth_{days}d" for what in ("star", "fork") for days in (1, 7, 28, 90, 365)
)


@dataclass(frozen=True)
class Filter:
    """Which repositories are listed: by primary language, licence (key or SPDX id), topic, a text in name or
    description; deleted ones only where asked for. Letter case does not matter."""

    language: str | None = None
    license: str | None = None
    topic: str | None = None
    search: str | None = None
    with_deleted: bool = False

    def where(self) -> tuple[str, list[str]]:
        """The condition over `r`, and its values."""
        terms, values = [], []
        if not self.with_deleted:
            terms.append("r.is_deleted is not 1")
        if self.language:
            terms.append("r.language_name = ? collate nocase")
            values.append(self.language)
        if self.license:
            terms.append("? collate nocase in (r.license_key, r.license_spdx_id)")
            values.append(self.license)
        if self.topic:
            terms.append(
                "r.repository_id in (select repository_id from topics where topic_name = ? collate nocase)"
            )
            values.append(self.topic)
        if self.search:
            terms.append(
                "instr(lower(r.repository_name || ' ' || ifnull(r.description, '')), lower(?))"
            )
            values.append(self.search)
        return " and ".join(terms) or "true", values


def find(model: Model, name_or_id: str) -> sqlite3.Row | dict[str, Any] | None:
    """The row of `repositories` of a permanent id, or of a name that it has or had, in any letter case.

    Of several the one that has the name now counts, else the one that had it last. One that nobody has asked GitHub
    for, but whose days archive and rankings tell, has the columns that these know.
    """
    if "/" not in name_or_id:
        known = model.row("select * from repositories where repository_id = ?", name_or_id)
        return known or unasked(model, "n.repository_id = ?", name_or_id)
    current = model.row(
        "select * from repositories where repository_name = ? collate nocase order by is_deleted, repository_id",
        name_or_id,
    )
    former = model.row(
        "select r.* from repository_names n join repositories r on r.repository_id = n.repository_id "
        "where n.repository_name = ? collate nocase order by n.last_confirmed_at desc, r.repository_id",
        name_or_id,
    )
    return current or former or unasked(model, "n.repository_name = ? collate nocase", name_or_id)


def unasked(model: Model, which: str, value: str) -> dict[str, Any] | None:
    """A repository that `repositories` does not have, with its last name and the figures of its newest day."""
    found = model.row(
        "select n.repository_id, (select m.repository_name from repository_names m "
        "where m.repository_id = n.repository_id order by m.name_number desc limit 1) as repository_name, "
        "d.star_count, d.fork_count, d.watcher_count, d.open_issue_count, d.open_pull_request_count, "
        "d.open_issue_and_pull_request_count, d.clean_version, d.observed_at "
        "from repository_names n join repositories_daily d on d.repository_id = n.repository_id "
        f"where {which} order by n.last_confirmed_at desc, n.repository_id, d.observed_date desc, d.calendar",
        value,
    )
    return dict.fromkeys(contracts()["repositories"].columns) | dict(found) if found else None


def ranked(model: Model, name: str) -> list[sqlite3.Row]:
    """The days, newest first, on which rankings list a name that no known repository bears: the day's most stars and
    forks, the lists, and why the name is nobody's."""
    return model.rows(
        "select ranking_date, max(repository_name) as repository_name, max(star_count) as star_count, "
        "max(fork_count) as fork_count, group_concat(distinct list_name) as lists, min(reason) as reason "
        "from unresolved_rankings where repository_name = ? collate nocase "
        "group by ranking_date order by ranking_date desc",
        name,
    )


def listed(
    model: Model,
    only: Filter = Filter(),
    sort: str = "stars",
    limit: int = 100,
    offset: int = 0,
    calendar: str = "UTC",
) -> list[sqlite3.Row]:
    """Rows of `repositories` with the growth columns of their newest day in a calendar and that day,
    `growth_date`, by one of SORTS; where that is unknown a repository comes last."""
    condition, values = only.where()
    growth = ", ".join(f"d.{name}" for name in GROWTH)
    return model.rows(
        f"select r.*, d.observed_date as growth_date, {growth} "
        "from repositories r left join repositories_daily d on d.rowid = ("
        "select rowid from repositories_daily where repository_id = r.repository_id and calendar = ? "
        "order by observed_date desc limit 1) "
        f"where {condition} order by {SORTS[sort]}, r.repository_id limit ? offset ?",
        calendar, *values, limit, offset,
    )  # fmt: skip


def count(model: Model, only: Filter = Filter()) -> int:
    """How many repositories a filter lets through."""
    condition, values = only.where()
    (found,) = model.row(f"select count(*) from repositories r where {condition}", *values)
    return found


def series(
    model: Model,
    repository_id: str,
    calendar: str = "UTC",
    since: date | None = None,
    until: date | None = None,
) -> list[sqlite3.Row]:
    """A repository's rows of `repositories_daily` in a calendar, oldest first, both ends inclusive."""
    return model.rows(
        "select * from repositories_daily where repository_id = ? and calendar = ? "
        "and observed_date between ? and ? order by observed_date",
        repository_id, calendar, f"{since or date.min}", f"{until or date.max}",
    )  # fmt: skip


def names(model: Model, repository_id: str) -> list[sqlite3.Row]:
    """Every name that a repository had, the first one first."""
    return model.rows(
        "select * from repository_names where repository_id = ? order by name_number", repository_id
    )


def languages(model: Model, repository_id: str) -> list[sqlite3.Row]:
    """A repository's languages, most code first."""
    return model.rows(
        "select * from languages where repository_id = ? order by byte_count desc, language_name",
        repository_id,
    )


def topics(model: Model, repository_id: str) -> list[sqlite3.Row]:
    return model.rows(
        "select * from topics where repository_id = ? order by topic_name", repository_id
    )


def projects(model: Model, repository_id: str) -> list[sqlite3.Row]:
    """The projects that a repository is linked to and that are still there, by number."""
    return model.rows(
        "select * from projects where repository_id = ? and is_deleted is not 1 order by project_number",
        repository_id,
    )


def contributors(
    model: Model, repository_id: str, limit: int = 100, offset: int = 0
) -> list[sqlite3.Row]:
    """People and bots by commits, most first."""
    return model.rows(
        "select * from contributors where repository_id = ? "
        "order by commit_count desc, contributor_key limit ? offset ?",
        repository_id, limit, offset,
    )  # fmt: skip


def choices(model: Model, column: str) -> Sequence[sqlite3.Row]:
    """The values of `language_name` or `license_spdx_id` among living repositories, with `repository_count`,
    most frequent first."""
    return model.rows(
        f'select "{column}" as value, count(*) as repository_count from repositories '
        f'where "{column}" is not null and is_deleted is not 1 group by 1 order by 2 desc, 1'
    )
