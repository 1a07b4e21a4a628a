"""What the API's routes are asked with: calendar, days, and the page of a list."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from serving.answers import Answer
from serving.contracts import plains
from serving.model import Model
from serving.problems import Refused
from serving.queries import repositories

MOST = 500
Calendar = Annotated[
    Literal["UTC", "Asia/Seoul"], Query(description="Calendar that cuts the days.")
]
Since = Annotated[date | None, Query(description="First day, inclusive.", examples=["2026-10-01"])]
Until = Annotated[date | None, Query(description="Last day, inclusive.", examples=["2026-10-31"])]
Products = Annotated[
    str | None,
    Query(description="Products, separated by commas; without it, all.", examples=["python,hive"]),
]
Owner = Annotated[str, Path(description="Owner of the repository.", examples=["apache"])]
Name = Annotated[
    str,
    Path(
        description="Its name, the one of now or one that it had, in any letter case.",
        examples=["spark"],
    ),
]


class Paging:
    """Which part of a list is wanted."""

    def __init__(
        self,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=MOST, description="Rows of a page.")] = 100,
        offset: Annotated[
            int, Query(ge=0, le=1_000_000_000, description="Rows to leave out first.")
        ] = 0,
    ) -> None:
        self.request, self.limit, self.offset = request, limit, offset

    def page(self, answer: Answer, total: int, items: list[dict[str, Any]]) -> Response:
        """These rows of so many, with the address of the next ones in body and `Link`."""
        after = self.offset + self.limit
        next_one = self.address(after) if items and after < total else None
        if next_one:
            answer.headers["Link"] = f'<{next_one}>; rel="next"'
        return answer.json({"total": total, "next": next_one, "items": items})

    def rows(
        self, answer: Answer, mart: str, condition: str, values: list[Any], order: str
    ) -> Response:
        """A page of the rows of a mart that a condition lets through."""
        (total,) = answer.model.row(f"select count(*) from {mart} where {condition}", *values)
        found = answer.model.rows(
            f"select * from {mart} where {condition} order by {order} limit ? offset ?",
            *values, self.limit, self.offset,
        )  # fmt: skip
        return self.page(answer, total, plains(mart, found))

    def address(self, offset: int) -> str:
        """This list from another row on."""
        asked = [each for each in self.request.query_params.multi_items() if each[0] != "offset"]
        return f"{quote(self.request.url.path)}?{urlencode([*asked, ('offset', offset)])}"


Paged = Annotated[Paging, Depends()]


def listed(text: str | None) -> list[str]:
    """What stands between commas, each once."""
    return list(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def condition(terms: dict[str, Any]) -> tuple[str, list[Any]]:
    """SQL terms with one `?` each to their values; those without a value (None) do not count, and a list
    stands for each of its values."""
    found, values = [], []
    for term, value in terms.items():
        if isinstance(value, list):
            if value:
                found.append(f"{term} in ({', '.join('?' * len(value))})")
                values += value
        elif value is not None:
            found.append(term)
            values.append(str(value) if isinstance(value, date) else value)
    return " and ".join(found) or "true", values


def the_repository(model: Model, name_or_id: str) -> Any:
    """Its row. Raises Refused (404)."""
    found = repositories.find(model, name_or_id)
    if found is None:
        raise Refused(404, "No repository has or had this name: see /api/v1/repositories.")
    return found
