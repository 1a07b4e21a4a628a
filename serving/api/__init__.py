"""The API, version 1: one router per subject, its OpenAPI, and what every error looks like.

What a later source adds (questions, films, hotels) is one more module in SUBJECTS.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from serving.api import completeness, days, marts, products, repositories, updates
from serving.problems import Problem, answers

PREFIX = "/api/v1"
SUBJECTS = (products, repositories, days, completeness, marts, updates)

router = APIRouter(prefix=PREFIX, responses=answers())
for subject in SUBJECTS:
    router.include_router(subject.router)


@router.get("/openapi.json", include_in_schema=False)
async def description() -> dict[str, Any]:
    return DESCRIPTION


def described() -> dict[str, Any]:
    """The API's OpenAPI: its own routes, with problems as the answers of all errors."""
    app = FastAPI()
    app.include_router(router)
    found = get_openapi(
        title="Trendhouse",
        version="1",
        description="Open-source trends: releases, repositories and their days, and how complete all of it is. "
        "Types are the contracts of the marts. Every answer over marts has `Trendhouse-Version`, "
        "`Trendhouse-Published-At` and, where upstream says how much there is, `Trendhouse-Capture-Rate`.",
        routes=app.routes,
    )
    found["components"]["schemas"]["Problem"] = Problem.model_json_schema()
    return found


DESCRIPTION = described()
