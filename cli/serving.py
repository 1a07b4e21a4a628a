"""The commands that serve what people read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.options import Live, Port, Recorded, chosen
from orchestration.display import console


class Language(StrEnum):
    en = "en"
    ko = "ko"


def register(app: typer.Typer) -> None:
    """Make these commands verbs of `app`."""
    for verb in (serve, site, send, digest):
        app.command()(verb)


def serve(
    port: Port = 8000,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    wait: Annotated[
        bool, typer.Option("--wait", help="Start also where nothing is published yet.")
    ] = False,
    live: Live = False,
    recorded: Recorded = None,
) -> None:
    """Serve pages, feeds, charts and the API over the published marts, until Ctrl-C."""
    import uvicorn

    from serving.app import create_app
    from serving.publication import Publication
    from serving.read_model import build
    from trendhouse.ports import require_port
    from trendhouse.terminable import terminable
    from warehouse.published import NothingPublished

    settings = chosen(live, recorded)
    require_port(address, port)
    with console.status(f"Reading what is published in {settings.place.root.name}"):
        try:
            build(Publication.fetched(settings.place))
        except NothingPublished:
            if not wait:
                raise
    console.print(f"http://{address}:{port}/ (Ctrl-C ends it)", highlight=False)
    with terminable():
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

    from serving.publication import Publication
    from serving.site import write_site

    settings = chosen(live, recorded)
    with console.status(f"Writing {folder}"):
        Publication.fetched(settings.place)
        count = asyncio.run(write_site(settings, folder, address))
    console.print(f"{count:,} files in {folder}", highlight=False)


def send(
    url: Annotated[str, typer.Argument(help="Where to, as in `https://host/api/v1/update`.")],
    again: Annotated[
        bool, typer.Option("--again", help="Also if this very feed was delivered there before.")
    ] = False,
    live: Live = False,
    recorded: Recorded = None,
) -> None:
    """Post the release feed, newest first, to any server that takes S1's wire shape.

    The key of that server is TRENDHOUSE_SEND_KEY. A proof of each delivery is kept in the world's `sent.json`.
    """
    from serving.publication import Publication
    from serving.sender import Sender

    settings = chosen(live, recorded)
    key = settings.send_key.get_secret_value() if settings.send_key else None
    with console.status("Sending") as status:
        Publication.fetched(settings.place)
        proof = Sender(settings.place, key).send(
            url, again=again, progress=lambda done, rows: status.update(f"{done:,} of {rows:,}")
        )
    if proof is None:
        console.print("Delivered before, and nothing is new: nothing sent (`--again` sends it).")
    else:
        console.print(
            f"{proof.rows:,} releases in {proof.requests} requests to {proof.url}: {proof.status} {proof.answer}",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )


def digest(
    slack: Annotated[bool, typer.Option("--slack", help="By Slack, `slack_default`.")] = False,
    mail: Annotated[
        bool, typer.Option("--mail", help="By mail, to TRENDHOUSE_ALERT_MAIL.")
    ] = False,
    products: Annotated[
        str, typer.Option(help="Products, separated by commas; without it, all.")
    ] = "",
    lang: Annotated[Language, typer.Option(help="Language of the message.")] = Language.en,
    days: Annotated[
        int, typer.Option(min=1, max=365, help="So many days back a release is news.")
    ] = 7,
    live: Live = False,
    recorded: Recorded = None,
) -> None:
    """Tell of releases that are new since the last digest; nothing is sent where nothing is new."""
    from serving.digest import send as tell
    from serving.model import Model
    from serving.publication import Publication
    from serving.read_model import build
    from trendhouse.settings import parts

    ways = [name for name, wanted in (("slack", slack), ("mail", mail)) if wanted]
    if not ways:
        raise typer.BadParameter("say by which way: --slack, --mail, or both.")
    settings = chosen(live, recorded)
    model = Model(build(Publication.fetched(settings.place)))
    told = tell(settings, model, ways, products=parts(products), language=lang.value, days=days)
    for way, count in told.items():
        console.print(
            f"{way}: {count} new releases told." if count else f"{way}: nothing new, silent."
        )
