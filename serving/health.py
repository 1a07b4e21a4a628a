"""Whether the application lives, and whether it has something to serve."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from serving.dependencies import Served

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(model: Served, request: Request) -> dict[str, Any]:
    """A publication is served: its version and time, and why a newer one could not be taken, if so."""
    return {
        "status": "ok",
        "version": model.version,
        "published_at": model.published_at,
        "failure": request.app.state.follower.failure,
    }
