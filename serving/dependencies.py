"""What routes ask for: the newest read model, and the time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from serving.model import Model
from warehouse.published import NothingPublished


async def served(request: Request) -> Model:
    """The newest read model; 503 until something is published."""
    try:
        return request.app.state.follower.model
    except NothingPublished as error:
        raise HTTPException(503, str(error), headers={"Retry-After": "10"}) from error


async def clock(request: Request) -> datetime:
    """Now, UTC, as the world that is served has it: the sample world has a clock of its own."""
    return request.app.state.settings.clock()


Served = Annotated[Model, Depends(served)]
Now = Annotated[datetime, Depends(clock)]
