"""The list of repositories, a repository's page, and the comparison of several."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse

from serving.completeness import REPOSITORIES, streams_of
from serving.pages.charts import CHARTED, subject
from serving.pages.figures import FIGURES, TABLE_ROWS, Subject, compared
from serving.pages.reader import Read, Reader
from serving.queries import repositories
from serving.queries.repositories import Filter

router = APIRouter(include_in_schema=False)

PAGE = 50
MOST_ON_SITE = 5000
MOST_COMPARED = 5
MOST_CONTRIBUTORS = 12
# The marts that a repository's page is made of.
SHOWN = (*CHARTED, "repositories", "languages", "contributors", "topics", "projects")
Text = Annotated[str, Query(max_length=200)]
Sort = Literal["stars", "forks", "growth_7d", "growth_28d"]


@router.get("/repositories/")
async def list_page(
    reader: Read,
    q: Text = "",
    language: Text = "",
    license: Text = "",
    topic: Text = "",
    sort: Sort = "stars",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """The top repositories by stars, forks or growth."""
    reader.over("repositories", "repositories_daily")
    only = Filter(language or None, license or None, topic or None, q.strip() or None)
    size = MOST_ON_SITE if reader.is_site else PAGE
    model = reader.model
    count = repositories.count(model, only)

    def turn(number: int) -> str | None:
        if not 1 <= number <= -(-count // size):
            return None
        return reader.page(
            "repositories/", q=q, language=language, license=license, topic=topic, sort=sort,
            page=number if number > 1 else None,
        )  # fmt: skip

    return reader.render(
        "repositories.html",
        rows=repositories.listed(model, only, sort, size, (page - 1) * size, reader.calendar),
        count=count,
        first=(page - 1) * size + 1,
        asked={"q": q, "language": language, "license": license, "topic": topic, "sort": sort},
        choices={
            "language": repositories.choices(model, "language_name"),
            "license": repositories.choices(model, "license_spdx_id"),
        },
        sorts=Sort.__args__,
        previous=turn(page - 1),
        next=turn(page + 1),
        stale=reader.stale(REPOSITORIES),
    )


@router.get("/repositories/{owner}/{name}/")
async def repository_page(reader: Read, owner: str, name: str) -> Response:
    """All that is known of a repository; a former name leads to its present one."""
    wanted = f"{owner}/{name}"
    repository = repositories.find(reader.model, wanted)
    if repository is None:
        return ranked_page(reader, wanted)
    if repository["repository_name"] != wanted:
        return RedirectResponse(reader.page(f"repositories/{repository['repository_name']}/"), 308)
    reader.over(*SHOWN, partition=repository["repository_id"])
    sections = [
        reader.part(template, repository=repository, **values)
        for template, gather in SECTIONS.items()
        if (values := gather(reader, repository)) is not None
    ]
    names = repositories.names(reader.model, repository["repository_id"])
    return reader.render(
        "repository.html",
        repository=repository,
        growth=growth(reader, repository),
        former=dict.fromkeys(
            row["repository_name"] for row in names if row["repository_name"] != wanted
        ),
        sections=sections,
        stale=reader.stale() + reader.partly(streams_of(*SHOWN), repository["repository_id"]),
    )


def ranked_page(reader: Reader, wanted: str) -> Response:
    """What rankings tell of a name that no repository is known by."""
    days = repositories.ranked(reader.model, wanted)
    if not days:
        return reader.refuse("unknown_repository", 404, name=wanted)
    reader.over("unresolved_rankings")
    return reader.render(
        "ranked.html", name=days[0]["repository_name"], days=days, stale=reader.stale()
    )


def growth(reader: Reader, repository: sqlite3.Row) -> sqlite3.Row | None:
    """The newest day's row in the reader's calendar."""
    return reader.model.row(
        "select * from repositories_daily where repository_id = ? and calendar = ? "
        "order by observed_date desc",
        repository["repository_id"],
        reader.calendar,
    )


def charts(reader: Reader, repository: sqlite3.Row) -> dict[str, Any] | None:
    """Each chart that has something to show."""
    about = subject(reader, repository)
    figures = [draw(about) for draw in FIGURES.values()]
    drawn = [each for each in figures if each.chart.points]
    return {"figures": drawn, "table_rows": TABLE_ROWS} if drawn else None


def releases(reader: Reader, repository: sqlite3.Row) -> dict[str, Any] | None:
    """The products that stand for the repository."""
    found = reader.model.rows(
        "select * from products where repository_id = ? and latest_version is not null "
        "order by product_name",
        repository["repository_id"],
    )
    return {"products": found} if found else None


def languages(reader: Reader, repository: sqlite3.Row) -> dict[str, Any] | None:
    found = repositories.languages(reader.model, repository["repository_id"])
    return {"languages": found} if found else None


def contributors(reader: Reader, repository: sqlite3.Row) -> dict[str, Any] | None:
    """The first contributors, how many people and bots there are, and the share of the first person."""
    counted = reader.model.row(
        "select sum(is_bot is not 1) as people, sum(is_bot is 1) as bots, "
        "sum(case when is_bot is not 1 then commit_count end) as commits, "
        "max(case when is_bot is not 1 then commit_count end) as most "
        "from contributors where repository_id = ?",
        repository["repository_id"],
    )
    if counted["people"] is None:
        return None
    found = repositories.contributors(reader.model, repository["repository_id"], MOST_CONTRIBUTORS)
    first = next((row for row in found if not row["is_bot"]), None)
    return {
        "contributors": found,
        "people": counted["people"],
        "bots": counted["bots"],
        "first": first,
        "share": counted["most"] / counted["commits"] if first and counted["commits"] else None,
    }


def topics(reader: Reader, repository: sqlite3.Row) -> dict[str, Any] | None:
    found = repositories.topics(reader.model, repository["repository_id"])
    return {"topics": found} if found else None


def projects(reader: Reader, repository: sqlite3.Row) -> dict[str, Any] | None:
    found = repositories.projects(reader.model, repository["repository_id"])
    return {"projects": found} if found else None


# The page's sections in order: the template, and what gathers its values; None leaves it out. Health score,
# questions, search interest and related topics become entries here when their sources are there.
SECTIONS: dict[str, Callable[[Reader, sqlite3.Row], dict[str, Any] | None]] = {
    "sections/charts.html": charts,
    "sections/releases.html": releases,
    "sections/languages.html": languages,
    "sections/contributors.html": contributors,
    "sections/topics.html": topics,
    "sections/projects.html": projects,
}


@router.get("/compare/")
async def compare_page(
    reader: Read, names: Annotated[str, Query(alias="repositories", max_length=1200)] = ""
) -> Response:
    """Up to five repositories side by side, and their stars and forks in one chart each."""
    wanted = list(dict.fromkeys(each.strip() for each in names.split(",") if each.strip()))
    if len(wanted) > MOST_COMPARED:
        return reader.refuse("too_many", 422, count=len(wanted))
    found = {}
    for name in wanted:
        repository = repositories.find(reader.model, name)
        if repository is None:
            return reader.refuse("unknown_repository", 404, name=name)
        found[repository["repository_id"]] = repository
    reader.over("repositories", "repositories_daily")
    rows = list(found.values())
    subjects = [Subject(reader.model, row, reader.language, reader.today) for row in rows]
    return reader.render(
        "compare.html",
        names=", ".join(wanted),
        rows=rows,
        growths=[growth(reader, row) for row in rows],
        charts=[compared(subjects, kind) for kind in ("stars", "forks")] if subjects else [],
        stale=reader.stale(REPOSITORIES),
    )
