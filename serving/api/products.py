"""Products, their versions and their release cycles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from serving.answers import Answer, over
from serving.api.asking import Paged, Products, Since, Until, condition, listed
from serving.contracts import Page, row_model

router = APIRouter(tags=["products and releases"])


@router.get("/products", response_model=Page[row_model("products")])
async def products(
    answer: Annotated[Answer, Depends(over("products"))],
    paging: Paged,
    products: Products = None,
    search: Annotated[str | None, Query(description="A text in the product's name.")] = None,
) -> Response:
    """The latest version of each product, by name."""
    where, values = condition(
        {
            "product_name": listed(products),
            "instr(lower(product_name), lower(?))": search,
        }
    )
    return paging.rows(answer, "products", where, values, "product_name")


@router.get("/releases", response_model=Page[row_model("releases")])
async def releases(
    answer: Annotated[Answer, Depends(over("releases"))],
    paging: Paged,
    products: Products = None,
    since: Since = None,
    until: Until = None,
    source: Annotated[
        str | None, Query(description="Source that says so.", examples=["github"])
    ] = None,
    prerelease: Annotated[bool | None, Query(description="Only pre-releases, or none.")] = None,
    planned: Annotated[
        bool | None, Query(description="Only versions whose day is still to come, or none of them.")
    ] = None,
    search: Annotated[str | None, Query(description="A text in product, version or title.")] = None,
) -> Response:
    """Versions, the newest UTC day first, undated ones last; one for each source that tells of it."""
    told = "product_name || ' ' || version || ' ' || ifnull(release_name, '')"
    where, values = condition(
        {
            "product_name": listed(products),
            "released_date >= ?": since,
            "released_date <= ?": until,
            "source_name = ?": source,
            "is_prerelease = ?": prerelease,
            "ifnull(is_planned, 0) = ?": planned,
            f"instr(lower({told}), lower(?))": search,
        }
    )
    order = "released_date desc, product_name, version, source_name"
    return paging.rows(answer, "releases", where, values, order)


@router.get("/release-cycles", response_model=Page[row_model("release_cycles")])
async def release_cycles(
    answer: Annotated[Answer, Depends(over("release_cycles"))],
    paging: Paged,
    products: Products = None,
) -> Response:
    """Release cycles with their end of life, by product, the newest first."""
    where, values = condition({"product_name": listed(products)})
    order = "product_name, released_date desc, cycle_name"
    return paging.rows(answer, "release_cycles", where, values, order)
