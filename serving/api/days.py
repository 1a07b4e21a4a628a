"""A repository day by day: its counters, and what happened in it; as JSON or CSV."""

from __future__ import annotations

import csv
import io
import sqlite3
from datetime import date
from functools import cache, partial
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, Query
from pydantic import Field, create_model
from starlette.responses import Response

from serving.answers import Answer, over
from serving.api.asking import Calendar, Name, Owner, Since, Until, the_repository
from serving.contracts import plains, row_model
from serving.model import Model
from serving.problems import answers
from serving.queries import activity, repositories

router = APIRouter(prefix="/repositories/{owner}/{name}", tags=["repositories by day"])


class Days(Protocol):
    """A query of a repository's days in a calendar, both ends inclusive."""

    def __call__(
        self,
        model: Model,
        repository_id: str,
        calendar: str,
        since: date | None,
        until: date | None,
        /,
    ) -> list[sqlite3.Row]: ...


Format = Annotated[Literal["json", "csv"], Query(description="How the days are written.")]
TOTALS = {"issues": "open_count", "pull_requests": "open_count", "forks": "fork_count"}
WORDS = {
    "opened_count": "Opened on the day.",
    "closed_count": "Closed on the day; of pull requests, merged ones among them.",
    "merged_count": "Merged on the day.",
    "created_count": "Forks made on the day.",
    "open_count": "Open at the day's end.",
    "fork_count": "Forks made so far that are still there.",
}
AS_CSV = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **answers(404)}


@cache
def day_model(kind: str) -> Any:
    """The type of a kind's days."""
    columns = (*activity.COUNTED[kind], TOTALS[kind])
    counts = {name: (int, Field(description=WORDS[name])) for name in columns}
    name = "".join(part.capitalize() for part in kind.split("_"))
    return create_model(
        f"{name}Day", day=(date, Field(description="Day in the calendar.")), **counts
    )


def written(
    answer: Answer, mart: str, rows: list[sqlite3.Row], format: str, columns: list[str]
) -> Response:
    """Rows in the form that was asked for; CSV has a header also where there is no row."""
    if format == "json":
        return answer.json(plains(mart, rows))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row[name] for name in columns] for row in rows)
    return Response(text.getvalue(), 200, answer.headers, "text/csv")


def offer(path: str, mart: str, day: Any, query: Days, sentence: str) -> None:
    """A route to what `query` finds of a repository's days in a mart; `day` is the type of each."""

    async def route(
        owner: Owner,
        name: Name,
        answer: Answer = Depends(over(mart)),
        calendar: Calendar = "UTC",
        since: Since = None,
        until: Until = None,
        format: Format = "json",
    ) -> Response:
        repository_id = the_repository(answer.model, f"{owner}/{name}")["repository_id"]
        answer.narrow(repository_id)
        rows = query(answer.model, repository_id, calendar, since, until)
        return written(answer, mart, rows, format, list(day.model_fields))

    router.add_api_route(
        path,
        route,
        name=path[1:].replace("-", "_"),
        response_model=list[day],
        responses=AS_CSV,
        description=sentence,
    )


def offer_counts(kind: str, sentence: str) -> None:
    """A route to what is counted by day from a mart of single things."""
    offer(
        f"/{kind.replace('_', '-')}",
        kind,
        day_model(kind),
        partial(activity.daily, kind),
        f"{sentence} Days without any are left out; what upstream has deleted is not counted.",
    )


offer(
    "/daily",
    "repositories_daily",
    row_model("repositories_daily"),
    repositories.series,
    "Stars, forks and all other counters by day, with their growth and origin.",
)
offer(
    "/commits",
    "commits_daily",
    row_model("commits_daily"),
    activity.commits,
    "Commits and authors by day, with and without bots; days without any are left out.",
)
offer_counts("issues", "Issues opened and closed by day, and how many were open.")
offer_counts(
    "pull_requests", "Pull requests opened, closed and merged by day, and how many were open."
)
offer_counts("forks", "Forks by day.")
