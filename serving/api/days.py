"""A repository day by day: its counters, and what happened in it; as JSON or CSV."""

from __future__ import annotations

import csv
import io
import sqlite3
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field, create_model
from starlette.responses import Response

from serving.answers import Answer, over
from serving.api.asking import Calendar, Name, Owner, Since, Until, the_repository
from serving.contracts import plains, row_model
from serving.problems import answers
from serving.queries import activity, repositories

router = APIRouter(prefix="/repositories/{owner}/{name}", tags=["repositories by day"])

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


def columns_of(mart: str) -> list[str]:
    return list(row_model(mart).model_fields)


@router.get("/daily", response_model=list[row_model("repositories_daily")], responses=AS_CSV)
async def daily(
    answer: Annotated[Answer, Depends(over("repositories_daily"))],
    owner: Owner,
    name: Name,
    calendar: Calendar = "UTC",
    since: Since = None,
    until: Until = None,
    format: Format = "json",
) -> Response:
    """Stars, forks and all other counters by day, with their growth and origin."""
    repository_id = the_repository(answer.model, f"{owner}/{name}")["repository_id"]
    answer.narrow(repository_id)
    rows = repositories.series(answer.model, repository_id, calendar, since, until)
    mart = "repositories_daily"
    return written(answer, mart, rows, format, columns_of(mart))


@router.get("/commits", response_model=list[row_model("commits_daily")], responses=AS_CSV)
async def commits(
    answer: Annotated[Answer, Depends(over("commits_daily"))],
    owner: Owner,
    name: Name,
    calendar: Calendar = "UTC",
    since: Since = None,
    until: Until = None,
    format: Format = "json",
) -> Response:
    """Commits and authors by day, with and without bots; days without any are left out."""
    repository_id = the_repository(answer.model, f"{owner}/{name}")["repository_id"]
    answer.narrow(repository_id)
    rows = activity.commits(answer.model, repository_id, calendar, since, until)
    return written(answer, "commits_daily", rows, format, columns_of("commits_daily"))


def offer(kind: str, sentence: str) -> None:
    """A route for what is counted by day from a mart of single things."""

    async def route(
        owner: Owner,
        name: Name,
        answer: Answer = Depends(over(kind)),
        calendar: Calendar = "UTC",
        since: Since = None,
        until: Until = None,
        format: Format = "json",
    ) -> Response:
        repository_id = the_repository(answer.model, f"{owner}/{name}")["repository_id"]
        answer.narrow(repository_id)
        rows = activity.daily(answer.model, kind, repository_id, calendar, since, until)
        columns = list(day_model(kind).model_fields)
        return written(answer, kind, rows, format, columns)

    path = kind.replace("_", "-")
    router.add_api_route(
        f"/{path}",
        route,
        name=kind,
        response_model=list[day_model(kind)],
        responses=AS_CSV,
        description=f"{sentence} Days without any are left out; what upstream has deleted is not counted.",
    )


offer("issues", "Issues opened and closed by day, and how many were open.")
offer("pull_requests", "Pull requests opened, closed and merged by day, and how many were open.")
offer("forks", "Forks by day.")
