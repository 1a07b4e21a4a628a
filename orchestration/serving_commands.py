"""The commands that serve what people read."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.options import Live, Recorded, chosen, console


def register(app: typer.Typer) -> None:
    """Make these commands verbs of `app`."""
    app.command()(serve)


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
