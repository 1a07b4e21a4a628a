"""What happens in a repository day by day: issues, pull requests, forks, commits."""

from __future__ import annotations

import sqlite3
from datetime import date

from serving.model import Model

# Neither calendar has had summer time since GitHub is there.
SHIFTS = {"UTC": "+0 hours", "Asia/Seoul": "+9 hours"}
# Kind to what is counted, and the time at which it happens.
# What was imported may be dated as closed before it was opened; none is closed that is not there.
COUNTED = {
    "issues": {"opened_count": "created_at", "closed_count": "max(created_at, closed_at)"},
    "pull_requests": {
        "opened_count": "created_at",
        "closed_count": "max(created_at, closed_at)",
        "merged_count": "max(created_at, merged_at)",
    },
    "forks": {"created_count": "created_at"},
}


def daily(
    kind: str,
    model: Model,
    repository_id: str,
    calendar: str = "UTC",
    since: date | None = None,
    until: date | None = None,
) -> list[sqlite3.Row]:
    """Counts by `day` of one of COUNTED, oldest first; days without any are left out, both ends inclusive.

    `open_count` is what was open at the day's end, `fork_count` the forks so far. What upstream has deleted is
    not counted on any day. Closed pull requests include merged ones.
    """
    counted = COUNTED[kind]
    moves = " union all ".join(
        "select date({time}, :shift) as day, {marks} from {kind} where repository_id = :repository "
        "and is_deleted is not 1 and {time} is not null".format(
            time=time,
            kind=kind,
            marks=", ".join(f"{int(name == each)} as {each}" for each in counted),
        )
        for name, time in counted.items()
    )
    sums = ", ".join(f"sum({name}) as {name}" for name in counted)
    total = (
        "sum(created_count) over days as fork_count"
        if kind == "forks"
        else "sum(opened_count - closed_count) over days as open_count"
    )
    return model.connection.execute(
        f"with daily as (select day, {sums} from ({moves}) group by day), "
        f"counted as (select *, {total} from daily window days as (order by day)) "
        "select * from counted where day between :since and :until order by day",
        {
            "shift": SHIFTS[calendar],
            "repository": repository_id,
            "since": f"{since or date.min}",
            "until": f"{until or date.max}",
        },
    ).fetchall()


def commits(
    model: Model,
    repository_id: str,
    calendar: str = "UTC",
    since: date | None = None,
    until: date | None = None,
) -> list[sqlite3.Row]:
    """A repository's rows of `commits_daily` in a calendar, oldest first, both ends inclusive."""
    return model.rows(
        "select * from commits_daily where repository_id = ? and calendar = ? "
        "and commit_date between ? and ? order by commit_date",
        repository_id, calendar, f"{since or date.min}", f"{until or date.max}",
    )  # fmt: skip
