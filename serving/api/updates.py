"""S1's way in: releases that others post, as an array of four-element arrays."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from serving.api.asking import Paged, Products, listed
from serving.contracts import Page
from serving.dependencies import Now
from serving.posted import ORIGIN, Posted, Update
from serving.problems import Refused, answers

router = APIRouter(tags=["updates"])

LONGEST, LONGEST_LINK = 200, 2_000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
bearer = HTTPBearer(auto_error=False, description="A key of TRENDHOUSE_API_KEYS.")
ROW = {
    "type": "array",
    "minItems": 4,
    "maxItems": 4,
    "items": {"type": "string"},
    "description": "Product, version, link, ISO date.",
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "array", "items": ROW},
                "example": [["spark", "4.1.0", "https://example.org/spark/4.1.0", "2026-10-31"]],
            }
        },
    }
}


class Taken(BaseModel):
    """What became of a body."""

    inserted: int = Field(description="Releases that were new.")
    changed: int = Field(description="Releases whose link or date is another now.")
    known: int = Field(description="Releases that were known as they are.")


class PostedRelease(BaseModel):
    """A release that was posted."""

    product_name: str
    version: str
    link: str
    released_date: date = Field(description="Day, as stated.")
    posted_at: datetime = Field(description="When it came or was last changed, UTC.")
    origin: str = Field(description=f"Always `{ORIGIN}`.")


async def keyed(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> None:
    """Raises HTTPException: 403 where nobody may post, 401 without a key that is known."""
    keys = request.app.state.settings.keys
    if not keys:
        raise HTTPException(403, "Nobody may post here: TRENDHOUSE_API_KEYS is not set.")
    token = hashlib.sha256((given.credentials if given else "").encode()).digest()
    # Every key is compared, each in constant time, so that the time tells nothing.
    known = [hmac.compare_digest(token, hashlib.sha256(key.encode()).digest()) for key in keys]
    if not any(known):
        said = "Give a key: `Authorization: Bearer …`." if given is None else "The key is unknown."
        raise HTTPException(401, said, headers={"WWW-Authenticate": "Bearer"})


@router.post(
    "/update",
    response_model=Taken,
    dependencies=[Depends(keyed)],
    responses=answers(401, 403),
    openapi_extra=BODY,
)
async def update(request: Request, now: Now) -> Taken:
    """Take releases, all of them or, if a row is bad, none. The same body again changes nothing.

    One product and version is one release; what is posted last of it counts.
    """
    updates = read(await request.body())
    posted = Posted(request.app.state.settings.place)
    taken = await run_in_threadpool(posted.take, updates, now)
    return Taken(inserted=taken.inserted, changed=taken.changed, known=taken.known)


@router.get("/updates", response_model=Page[PostedRelease])
def updates(request: Request, paging: Paged, products: Products = None) -> dict[str, Any]:
    """What was posted, newest release first."""
    posted, wanted = Posted(request.app.state.settings.place), listed(products)
    total = posted.count(wanted)
    found = posted.newest(wanted, paging.limit, paging.offset)
    after = paging.offset + paging.limit
    return {
        "total": total,
        "next": paging.address(after) if found and after < total else None,
        "items": [
            {
                "product_name": each.product_name,
                "version": each.version,
                "link": each.link,
                "released_date": each.released_date,
                "posted_at": each.posted_at,
                "origin": ORIGIN,
            }
            for each in found
        ],
    }


def read(body: bytes) -> list[Update]:
    """The releases of a body. Raises Refused, naming every row that is bad by its index."""
    try:
        rows = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"The body is no JSON: {error}.") from error
    if not isinstance(rows, list):
        raise Refused(422, "The body is no array: send [[product, version, link, date], …].")
    found: list[Update] = []
    said: dict[tuple[str, str], tuple[int, Update]] = {}
    errors: list[dict[str, Any]] = []
    for index, row in enumerate(rows):
        reasons = list(faults(row))
        if not reasons:
            each = Update(*row[:3], date.fromisoformat(row[3]))
            first, other = said.setdefault(each.key, (index, each))
            if other != each:
                reasons = [f"row {first} says otherwise of this product and version"]
            found.append(each)
        errors += [{"index": index, "reason": reason} for reason in reasons]
    if errors:
        raise Refused(422, f"{len(errors)} faults, so that no row was taken.", errors)
    return found


def faults(row: Any) -> Iterator[str]:
    """What is wrong with a row."""
    if not isinstance(row, list) or len(row) != 4:
        yield "is no array of four: product, version, link, date"
        return
    if not all(isinstance(each, str) for each in row):
        yield "holds something else than texts"
        return
    product, version, link, day = row
    for name, text, longest in (
        ("product", product, LONGEST),
        ("version", version, LONGEST),
        ("link", link, LONGEST_LINK),
    ):
        if not text.strip() or len(text) > longest or CONTROL.search(text):
            yield f"{name}: 1 to {longest} signs, none of them a control character"
    if not is_web(link):
        yield "link: no http:// or https:// address"
    if not is_day(day):
        yield "date: no day as in 2026-10-31"


def is_web(link: str) -> bool:
    try:
        parts = urlsplit(link)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in link
    except ValueError:
        return False


def is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
