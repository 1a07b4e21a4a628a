"""Repositories: lists, one with all that is known of it, and several side by side."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field, create_model
from starlette.responses import Response

from serving.answers import Answer, over
from serving.api.asking import (
    Calendar,
    Name,
    Owner,
    Paged,
    Since,
    Until,
    listed,
    the_repository,
)
from serving.contracts import Page, fields, plain, plains, row_model
from serving.problems import Refused, answers
from serving.queries import repositories as queries

MOST_COMPARED = 5
SHOWN_CONTRIBUTORS = 20

router = APIRouter(tags=["repositories"])

Sort = Literal[
    "stars", "forks", "growth_1d", "growth_7d", "growth_28d", "growth_365d", "created", "pushed", "name"
]  # fmt: skip
Day = row_model("repositories_daily")
Listed = create_model(
    "ListedRepository",
    __base__=row_model("repositories"),
    __doc__="A repository with the growth of its newest day in the calendar.",
    growth_date=fields("repositories_daily", "observed_date")["observed_date"],
    **fields("repositories_daily", *queries.GROWTH),
)
Detail = create_model(
    "RepositoryDetail",
    __base__=row_model("repositories"),
    __doc__="A repository with all that is known of it as of now.",
    languages=(list[row_model("languages")], Field(description="Languages, most code first.")),
    topics=(list[str], Field(description="Topics.")),
    projects=(list[row_model("projects")], Field(description="Projects that it is linked to.")),
    names=(list[row_model("repository_names")], Field(description="Every name that it had.")),
    contributors=(
        list[row_model("contributors")],
        Field(description=f"The {SHOWN_CONTRIBUTORS} with most commits, bots among them."),
    ),
)
OF_DETAIL = ("repositories", "languages", "topics", "projects", "repository_names", "contributors")


class Compared(BaseModel):
    """One of the repositories that are compared."""

    repository: row_model("repositories")
    days: list[Day] = Field(description="Its days, oldest first.")


@router.get("/repositories", response_model=Page[Listed])
async def repositories(
    answer: Annotated[Answer, Depends(over("repositories", "repositories_daily"))],
    paging: Paged,
    sort: Annotated[
        Sort, Query(description="What comes first: most of it, or the newest.")
    ] = "stars",
    language: Annotated[str | None, Query(description="Primary language.", examples=["Go"])] = None,
    license: Annotated[
        str | None, Query(description="Key or SPDX id of the licence.", examples=["Apache-2.0"])
    ] = None,
    topic: Annotated[str | None, Query(description="One of its topics.")] = None,
    search: Annotated[str | None, Query(description="A text in name or description.")] = None,
    deleted: Annotated[bool, Query(description="Also what upstream has no longer.")] = False,
    calendar: Calendar = "UTC",
) -> Response:
    """The top list: 100 by stars unless asked otherwise."""
    only = queries.Filter(language, license, topic, search, deleted)
    found = queries.listed(answer.model, only, sort, paging.limit, paging.offset, calendar)
    return paging.page(answer, queries.count(answer.model, only), plains("repositories", found))


@router.get(
    "/repositories/{repository_id}",
    status_code=307,
    response_class=Response,
    responses={307: {"description": "Where it is, under its name of now."}, **answers(404)},
)
async def by_id(
    answer: Annotated[Answer, Depends(over("repositories"))],
    repository_id: Annotated[str, Path(description="Permanent id.", examples=["10000000"])],
) -> Response:
    """Leads from a permanent id to the repository."""
    name = the_repository(answer.model, repository_id)["repository_name"]
    return Response(status_code=307, headers={"Location": f"/api/v1/repositories/{quote(name)}"})


@router.get("/repositories/{owner}/{name}", response_model=Detail, responses=answers(404))
async def repository(
    answer: Annotated[Answer, Depends(over(*OF_DETAIL))], owner: Owner, name: Name
) -> Response:
    """All that is known of a repository as of now; `repository_id` and `repository_name` say which one it is."""
    model, row = answer.model, the_repository(answer.model, f"{owner}/{name}")
    repository_id = row["repository_id"]
    answer.narrow(repository_id)
    found = plain("repositories", row)
    found["languages"] = plains("languages", queries.languages(model, repository_id))
    found["topics"] = [each["topic_name"] for each in queries.topics(model, repository_id)]
    found["projects"] = plains("projects", queries.projects(model, repository_id))
    found["names"] = plains("repository_names", queries.names(model, repository_id))
    most = queries.contributors(model, repository_id, SHOWN_CONTRIBUTORS)
    found["contributors"] = plains("contributors", most)
    return answer.json(found)


@router.get(
    "/repositories/{owner}/{name}/contributors",
    response_model=Page[row_model("contributors")],
    responses=answers(404),
)
async def contributors(
    answer: Annotated[Answer, Depends(over("contributors"))],
    paging: Paged,
    owner: Owner,
    name: Name,
) -> Response:
    """Everybody who contributed, most commits first."""
    repository_id = the_repository(answer.model, f"{owner}/{name}")["repository_id"]
    answer.narrow(repository_id)
    order = "commit_count desc, contributor_key"
    return paging.rows(answer, "contributors", "repository_id = ?", [repository_id], order)


@router.get("/compare", response_model=list[Compared], responses=answers(404))
async def compare(
    answer: Annotated[Answer, Depends(over("repositories", "repositories_daily"))],
    repositories: Annotated[
        str,
        Query(
            description=f"Up to {MOST_COMPARED} names or ids, separated by commas.",
            examples=["apache/spark,apache/hive"],
        ),
    ],
    calendar: Calendar = "UTC",
    since: Since = None,
    until: Until = None,
) -> Response:
    """Up to five repositories and their days, in the order asked for."""
    wanted = listed(repositories)
    if not 1 <= len(wanted) <= MOST_COMPARED:
        raise Refused(422, f"`repositories` names {len(wanted)}: give 1 to {MOST_COMPARED}.")
    found: list[dict[str, Any]] = []
    for name in wanted:
        row = the_repository(answer.model, name)
        days = queries.series(answer.model, row["repository_id"], calendar, since, until)
        found.append(
            {"repository": plain("repositories", row), "days": plains("repositories_daily", days)}
        )
    return answer.json(found)
