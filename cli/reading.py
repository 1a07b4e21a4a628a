"""The commands that only look: status, query, docs, metrics, doctor."""

from __future__ import annotations

import contextlib
import sys
from enum import StrEnum
from typing import Annotated

import typer

from cli.options import Live, Port, Recorded, chosen, effective
from orchestration.display import console


class Format(StrEnum):
    table = "table"
    json = "json"
    csv = "csv"


def register(app: typer.Typer) -> None:
    """Make these commands verbs of `app`."""
    for verb in (status, query, docs, metrics, doctor):
        app.command()(verb)


def status(
    live: Live = False,
    recorded: Recorded = None,
) -> None:
    """How complete, how fresh and how clean the warehouse is."""
    from cli.status import status as show_status

    show_status(console, chosen(live, recorded).place)


def query(
    sql: Annotated[str, typer.Argument(help="SQL over the published marts, by bare name.")],
    format: Annotated[
        Format, typer.Option("--format", "-f", help="How to print rows.")
    ] = Format.table,
    live: Live = False,
    recorded: Recorded = None,
) -> None:
    """Ask the published marts, also while a build runs."""
    from warehouse.published import query as ask

    ask(chosen(live, recorded).place, sql, format.value)


def docs(
    serve: Annotated[bool, typer.Option("--serve", help="Serve the site on 127.0.0.1.")] = False,
    port: Port = 8080,
) -> None:
    """Write the documentation as one site: the project's pages, dbt's models, the results of the checks."""
    from handbook.documentation import serve_docs, write_docs
    from trendhouse.ports import require_port

    place = effective().place
    if serve:
        require_port("127.0.0.1", port)
    pages = write_docs(place)
    for title, page in pages.items():
        console.print(f"{title}: {page}", soft_wrap=True)
    if serve:
        serve_docs(place, port)


def metrics(
    port: Port = 9180,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    once: Annotated[bool, typer.Option("--once", help="Print them and end.")] = False,
) -> None:
    """Serve the project's own metrics for Prometheus, of the world of the last run."""
    from prometheus_client import generate_latest

    from orchestration.metrics import registry, serve
    from trendhouse.ports import require_port
    from trendhouse.terminable import terminable

    if once:
        sys.stdout.write(generate_latest(registry(effective)).decode())
        return
    require_port(address, port)
    server = serve(effective, address, port)
    console.print(f"Metrics: http://{address}:{port}/metrics", highlight=False)
    with terminable(), contextlib.suppress(KeyboardInterrupt):
        server.join()


def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="Start Spark as well.")] = False,
) -> None:
    """What is missing on this machine and how to mend it; prints the effective settings."""
    from cli.doctor import show

    raise typer.Exit(show(console, effective(), deep=deep))
