"""The release page and a product's page."""

from __future__ import annotations

from fastapi import APIRouter, Response

from serving.completeness import RELEASES
from serving.pages.reader import Read
from serving.pages.selection import PAGE, DamagedPlace, Selected
from serving.posted import Posted
from serving.queries import products, releases, repositories

router = APIRouter(include_in_schema=False)

# The day, whether it has come where no day is told, and the word for both; what no cycle has is no column.
CYCLE_DATES = (
    ("support_end_date", "is_support_ended", "support_end"),
    ("end_of_life_date", "is_ended", "eol"),
    ("extended_support_end_date", "is_extended_support_ended", "extended_end"),
)
FIRST_CHIPS = 18
SITE_RELEASES = 480  # on the one page of a site, which no server can extend


@router.get("/")
async def release_page(reader: Read, selected: Selected) -> Response:
    """Releases of a selection, newest first."""
    reader.over("releases", "products")
    limit = SITE_RELEASES if reader.is_site else PAGE
    try:
        found = selected.found(
            reader.model, posted(reader), reader.calendar, reader.today, limit + 1
        )
    except DamagedPlace:
        return reader.refuse("bad_place", 400)
    listed = products.listed(reader.model)
    names = [each["product_name"] for each in listed]
    # Who has chosen a product sees it chosen, wherever it stands.
    chosen = [*selected.products, *(name for name in names if name not in selected.products)]
    first = max(FIRST_CHIPS, len(selected.products))
    older = None
    if len(found) > limit and not reader.is_site:
        older = reader.page(
            products=",".join(selected.products),
            q=selected.search,
            before=selected.after(found[limit - 1]),
        )
    return reader.render(
        "releases.html",
        selected=selected,
        chips=chosen[:first],
        others=sorted(chosen[first:], key=str.casefold),
        product_count=len(names),
        found=found[:limit],
        older=older,
        stale=reader.stale(RELEASES),
        feed_query={"products": ",".join(selected.products)} if selected.products else {},
    )


@router.get("/products/{name:path}/")
async def product_page(reader: Read, name: str) -> Response:
    """Every version of a product, its release cycles and their end of life."""
    product = products.find(reader.model, name)
    if product is None:
        return reader.refuse("unknown_product", 404, name=name)
    reader.over("releases", "products")
    repository = product["repository_id"] and repositories.find(
        reader.model, product["repository_id"]
    )
    cycles = products.cycles(reader.model, name)
    found = releases.of_product(reader.model, name, reader.calendar)
    return reader.render(
        "product.html",
        product=product,
        repository=repository,
        found=[each for each in found if not each.is_planned],
        planned=[each for each in found if each.is_planned],
        cycles=cycles,
        dates=[
            (day, truth, word)
            for day, truth, word in CYCLE_DATES
            if any(row[day] or row[truth] is not None for row in cycles)
        ],
        stale=reader.stale(RELEASES),
        feed_query={"products": name},
    )


def posted(reader: Read) -> Posted:
    return Posted(reader.request.app.state.settings.place)
