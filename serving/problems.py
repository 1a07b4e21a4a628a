"""Errors as RFC 9457 has them: `application/problem+json` that says what is wrong, and never how it broke."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What is wrong with a request (RFC 9457)."""

    type: str = Field("about:blank", description="Kind of the problem; the status says it all.")
    title: str = Field(description="The status in words.", examples=["Unprocessable Content"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(description="What is wrong, and what would do.")
    errors: list[dict[str, Any]] | None = Field(
        None, description="Each part that is wrong: a parameter, or a row by its `index`."
    )


class Refused(HTTPException):
    """A request that cannot be answered; `errors` names each part of it that is wrong."""

    def __init__(
        self, status: int, detail: str, errors: list[dict[str, Any]] | None = None
    ) -> None:
        super().__init__(status, detail)
        self.errors = errors


def problem(
    status: int,
    detail: str,
    errors: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """The answer to a request that came to nothing."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        content["errors"] = errors
    kept = {**(headers or {}), "Cache-Control": "no-store"}
    return Response(orjson.dumps(content), status, kept, MEDIA_TYPE)


async def of_exception(_: Request, error: HTTPException) -> Response:
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    detail = {404: "There is nothing at this address."} if error.detail == "Not Found" else {}
    return problem(
        error.status_code,
        detail.get(error.status_code, str(error.detail)),
        getattr(error, "errors", None),
        error.headers,
    )


async def of_validation(_: Request, error: RequestValidationError) -> Response:
    found = [
        {"name": ".".join(map(str, each["loc"][1:])), "in": each["loc"][0], "reason": each["msg"]}
        for each in error.errors()
    ]
    said = "; ".join(f"{each['name']}: {each['reason']}" for each in found[:5])
    return problem(422, f"Parameters do not fit. {said}.", found)


async def of_bug(_: Request, error: Exception) -> Response:
    """The server's log has the traceback."""
    return problem(500, "Something broke here; the server's log says what.")


def install(app: FastAPI) -> None:
    """Let every error of the application be answered so."""
    app.add_exception_handler(HTTPException, of_exception)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(Exception, of_bug)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, for its OpenAPI; every one may be asked too often, or too early."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in (*statuses, 400, 413, 422, 429, 500, 503)
    }
