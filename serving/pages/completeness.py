"""Is it all there: expected and landed by stream, and what is below its floor."""

from __future__ import annotations

from fastapi import APIRouter, Response

from serving.completeness import NEWEST_FIRST
from serving.pages.reader import Read

router = APIRouter(include_in_schema=False)

MOST_BELOW = 100


@router.get("/completeness/")
async def completeness_page(reader: Read) -> Response:
    """The ledger by source and stream."""
    reader.over("completeness")
    streams = [
        f"{each['source_name']}.{each['stream_name']}" for each in reader.model.capture_rates
    ]
    below = reader.model.rows(
        "select * from (select *, row_number() over (partition by source_name, stream_name, partition_name "
        f"order by {NEWEST_FIRST}) as recency from completeness) "
        "where recency = 1 and is_below_floor "
        "order by observed_date desc, source_name, stream_name, partition_name limit ?",
        MOST_BELOW,
    )
    return reader.render(
        "completeness.html",
        rates=reader.model.capture_rates,
        below=below,
        stale=reader.stale(streams),
    )
