"""The commands that serve what people read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.options import Live, Recorded, chosen, console, errors


def register(app: typer.Typer) -> None:
    """Make these commands verbs of `app`."""
    app.command()(serve)
    app.command()(site)


def serve(
    port: Annotated[int, typer.Option(help="Port of pages and API.")] = 8000,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    live: Live = False,
    recorded: Recorded = None,
) -> None:
    """Serve pages, feeds, charts and the API over the published marts, until Ctrl-C."""
    import uvicorn

    from serving.app import create_app
    from serving.publication import Publication
    from serving.read_model import build

    settings = chosen(live, recorded)
    publication = Publication.newest(settings.place)
    with console.status(f"Reading version {publication.version} of {settings.place.root.name}"):
        build(publication)
    console.print(f"http://{address}:{port}/ (Ctrl-C ends it)", highlight=False)
    uvicorn.run(create_app(settings), host=address, port=port, log_level="warning")


def site(
    folder: Annotated[Path, typer.Argument(help="Where the files go; replaced as a whole.")],
    address: Annotated[
        str | None,
        typer.Option(help="Where the site will be, as in https://example.org/trends/, for feeds."),
    ] = None,
    live: Live = False,
    recorded: Recorded = None,
) -> None:
    """Write the main views of the published marts as files that any static host can serve."""
    import asyncio

    from serving.site import NotASite, write_site

    settings = chosen(live, recorded)
    try:
        with console.status(f"Writing {folder}"):
            count = asyncio.run(write_site(settings, folder, address))
    except NotASite as error:
        errors.print(str(error), style="red")
        raise typer.Exit(2) from error
    console.print(f"{count:,} files in {folder}", highlight=False)
