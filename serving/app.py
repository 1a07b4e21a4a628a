"""The application: every router of what people read, over the newest read model of one world."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from serving import api, health, measuring, pages, problems, protection
from serving.follower import Follower
from trendhouse.settings import Settings

# What a later source adds (questions, films, hotels) is one more router here.
ROUTERS = (health.router, measuring.router, api.router, pages.router)


def create_app(settings: Settings) -> FastAPI:
    """The application over the published state of the settings' world; it follows later publications.

    `app.state` has `follower` and `settings`; routes ask for what serving.dependencies offers.
    """
    follower = Follower(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with follower.following():
            yield

    app = FastAPI(
        title="Trendhouse", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.follower, app.state.settings = follower, settings
    for part in (measuring, protection):
        part.install(app, settings)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    return app
