"""The published marts: what there is of them, and each as a file."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from serving.answers import CACHE_CONTROL, is_held
from serving.completeness import capture_rate, streams_of
from serving.dependencies import Served
from serving.downloads import FORMATS, Download
from serving.model import Model
from serving.problems import Refused, answers
from serving.publication import Publication
from trendhouse.declared.marts import contracts
from trendhouse.settings import Place
from warehouse.published import NothingPublished

router = APIRouter(prefix="/marts", tags=["marts"])

Named = Annotated[str, Path(description="Name of the mart.", examples=["repositories_daily"])]


class Column(BaseModel):
    """A column as the contract has it."""

    name: str
    type: str = Field(description="Its SQL type.")
    description: str


class Partition(BaseModel):
    """A period that a mart is cut into."""

    name: str = Field(description="As in `2026-10`; `all` if the mart is not cut.")
    row_count: int
    byte_count: int = Field(description="Size of its Parquet file.")


class Mart(BaseModel):
    """A published mart."""

    name: str
    description: str = Field(description="What it holds, and its grain.")
    row_count: int
    columns: list[Column]
    partitions: list[Partition]
    downloads: dict[str, str] = Field(description="Format to the address of the whole mart.")


def newest(place: Place) -> Publication:
    """Raises HTTPException (503) where nothing is published."""
    try:
        return Publication.newest(place)
    except NothingPublished as error:
        raise HTTPException(503, str(error), headers={"Retry-After": "10"}) from error


def the_mart(publication: Publication, mart: str) -> dict:
    """What is published of it. Raises Refused (404)."""
    if mart not in publication.state["marts"]:
        known = ", ".join(sorted(publication.state["marts"]))
        raise Refused(404, f"There is no such mart. Published are: {known}.")
    return publication.state["marts"][mart]


def headers_of(model: Model, publication: Publication, mart: str, *parts: str) -> dict[str, str]:
    """What states version, freshness and completeness; the tag changes with the mart's rows alone."""
    told = hashlib.sha256(repr((publication.fingerprints(mart), parts)).encode()).hexdigest()
    rate = capture_rate(model, *streams_of(mart))
    return {
        "Cache-Control": CACHE_CONTROL,
        "ETag": f'"{told[:24]}"',
        "Trendhouse-Version": str(publication.version),
        "Trendhouse-Published-At": publication.state["published_at"],
        **({} if rate is None else {"Trendhouse-Capture-Rate": f"{rate:.4f}"}),
    }


def told(publication: Publication, name: str) -> Mart:
    """A mart as the list tells of it."""
    state, contract = the_mart(publication, name), contracts().get(name)
    declared = contract.columns if contract else {}
    return Mart(
        name=name,
        description=contract.description if contract else "",
        row_count=state["row_count"],
        columns=[
            Column(
                name=column,
                type=kind.lower(),
                description=declared[column].description if column in declared else "",
            )
            for column, kind in state["columns"].items()
        ],
        partitions=[
            Partition(
                name=part, row_count=each["row_count"], byte_count=size(publication, each["file"])
            )
            for part, each in sorted(state["partitions"].items())
        ],
        downloads={format: f"/api/v1/marts/{name}/download?format={format}" for format in FORMATS},
    )


def size(publication: Publication, file: str) -> int:
    """Bytes of a published file; 0 of one that a publication has just replaced."""
    try:
        return (publication.place.published / file).stat().st_size
    except FileNotFoundError:
        return 0


@router.get("", response_model=list[Mart])
def marts(request: Request) -> list[Mart]:
    """Every published mart with its columns, its periods and where to download it."""
    publication = newest(request.app.state.settings.place)
    return [told(publication, name) for name in sorted(publication.state["marts"])]


@router.get("/{mart}", response_model=Mart, responses=answers(404))
def mart(request: Request, mart: Named) -> Mart:
    """One published mart."""
    return told(newest(request.app.state.settings.place), mart)


@router.get(
    "/{mart}/download",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The rows, as they were published in one go.",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in FORMATS.values()
            },
        },
        **answers(404),
    },
)
async def download(
    request: Request,
    model: Served,
    mart: Named,
    format: Annotated[
        Literal["parquet", "arrow", "csv"], Query(description="The file's form.")
    ] = "csv",
    partition: Annotated[
        str | None, Query(description="One period alone.", examples=["2026-10"])
    ] = None,
) -> Response:
    """A mart as a file. It is one publication's to the last row, also where the next one comes meanwhile."""
    place = request.app.state.settings.place
    parts = the_mart(newest(place), mart)["partitions"]
    if partition is not None and partition not in parts:
        raise Refused(404, f"There is no such partition. There are: {', '.join(sorted(parts))}.")
    opened = await run_in_threadpool(Download.opened, place, mart, partition, format)
    headers = headers_of(model, opened.publication, mart, format, partition or "")
    if is_held(request, headers["ETag"]):
        opened.close()
        raise HTTPException(304, headers=headers)
    name = f"{mart}-{partition}" if partition else mart
    headers["Content-Disposition"] = f'attachment; filename="{name}.{format}"'
    return StreamingResponse(opened.chunks(), 200, headers, FORMATS[format])
