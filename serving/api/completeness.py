"""Is it all there? The ledger, by stream and by partition."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from serving.answers import Answer, over
from serving.api.asking import Paged, Since, Until, condition
from serving.contracts import Page, row_model

router = APIRouter(tags=["completeness"])

Source = Annotated[str | None, Query(description="A source.", examples=["github"])]
Stream = Annotated[str | None, Query(description="One of its streams.", examples=["issues"])]


class CaptureRate(BaseModel):
    """A stream over the newest reading of each of its partitions."""

    source_name: str = Field(description="Source.")
    stream_name: str = Field(description="Stream.")
    partition_count: int = Field(description="Partitions.")
    expected_count: int | None = Field(description="Records upstream says there are.")
    unread_partition_count: int | None = Field(
        None, description="Of these, partitions of which upstream did not say how much they hold."
    )
    refused_partition_count: int | None = Field(
        None,
        description="Of these, partitions that are shown as they were when they met their floor.",
    )
    captured_count: int | None = Field(
        None, description="Records of the expected ones that were kept."
    )
    landed_count: int | None = Field(description="Raw rows read.")
    held_count: int | None = Field(description="Rows held.")
    worst_capture_rate: float | None = Field(description="Rate of the worst partition.")
    worst_partition_name: str | None = Field(description="The worst partition.")
    newest_date: date | None = Field(description="Newest UTC day.")


@router.get("/completeness", response_model=list[CaptureRate])
async def completeness(
    answer: Annotated[Answer, Depends(over("completeness"))],
    source: Source = None,
    stream: Stream = None,
) -> Response:
    """Expected, landed and held records of each stream, and its worst partition."""
    return answer.json(
        [
            each
            for each in answer.model.capture_rates
            if source in (None, each["source_name"]) and stream in (None, each["stream_name"])
        ]
    )


@router.get("/completeness/partitions", response_model=Page[row_model("completeness")])
async def partitions(
    answer: Annotated[Answer, Depends(over("completeness"))],
    paging: Paged,
    source: Source = None,
    stream: Stream = None,
    partition: Annotated[str | None, Query(description="A partition.")] = None,
    below_floor: Annotated[bool | None, Query(description="Only what is too little.")] = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    """Every partition and day of the ledger, the newest first."""
    where, values = condition(
        {
            "source_name = ?": source,
            "stream_name = ?": stream,
            "partition_name = ?": partition,
            "is_below_floor = ?": below_floor,
            "observed_date >= ?": since,
            "observed_date <= ?": until,
        }
    )
    order = "observed_date desc, source_name, stream_name, partition_name"
    return paging.rows(answer, "completeness", where, values, order)
