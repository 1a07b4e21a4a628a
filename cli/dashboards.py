"""The command around the dashboards: start Superset with them, or write what another Superset imports."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from cli.options import Live, Recorded, chosen
from dashboards.bundle import Connection, Warehouse
from orchestration.display import console
from trendhouse.ports import LAST
from trendhouse.settings import Place
from warehouse.snowflake.account import Account

if TYPE_CHECKING:
    from dashboards.server import Server

USUAL_PORT = 8088


def register(app: typer.Typer) -> None:
    """Make this command a verb of `app`."""
    app.command()(dashboards)


def dashboards(
    bundle: Annotated[
        Path | None,
        typer.Option(help="Write a zip that Superset and Preset import, and start nothing."),
    ] = None,
    warehouse: Annotated[
        Warehouse, typer.Option(help="Where the marts of that bundle lie.")
    ] = Warehouse.duckdb,
    uri: Annotated[
        str | None,
        typer.Option(help="SQLAlchemy address of that warehouse, without a secret."),
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(help="Copy what the dashboards read into a DuckDB file, and start nothing."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=LAST, help="Port on 127.0.0.1; another one if it is taken.")
    ] = USUAL_PORT,
    live: Live = False,
    recorded: Recorded = None,
) -> None:
    """Superset on this machine with all dashboards over the published marts, until Ctrl-C."""
    for file in filter(None, (bundle, tables)):
        if not file.absolute().parent.is_dir():
            raise typer.BadParameter(f"{file}: there is no such folder to write to.")
    place = chosen(live, recorded).place
    if tables:
        copy(place, tables)
    if bundle:
        write(bundle, Connection(warehouse, uri or address(warehouse, tables)))
    if not (bundle or tables):
        serve(place, port)


def copy(place: Place, file: Path) -> None:
    from dashboards.tables import write_tables
    from serving.publication import Publication

    version = Publication.fetched(place).version
    count = write_tables(place.published, file)
    console.print(f"{file}: {count} tables, version {version}", highlight=False, soft_wrap=True)


def write(file: Path, connection: Connection) -> None:
    from dashboards.bundle import bundle

    if urlsplit(connection.uri).password:
        raise typer.BadParameter("--uri holds a password: leave it out, and give it to Superset.")
    file.write_bytes(bundle(connection))
    console.print(
        f"{file}: for {connection.uri}; import it under Dashboards.",
        highlight=False,
        soft_wrap=True,
    )


def address(warehouse: Warehouse, tables: Path | None) -> str:
    """Where a Superset elsewhere finds the marts, as far as it is known here. Raises BadParameter."""
    if warehouse is Warehouse.duckdb:
        if tables is None:
            raise typer.BadParameter("say where the marts will lie: --tables FILE.duckdb or --uri.")
        # Read only, so that several processes of a Superset can have it open.
        return f"duckdb:///{tables.resolve()}?access_mode=READ_ONLY"
    account = Account()
    if not account.account:
        raise typer.BadParameter("say which Snowflake: SNOWFLAKE_ACCOUNT or --uri.")
    user = f"{account.user}@" if account.user else ""
    return (
        f"snowflake://{user}{account.account}/{account.database}"
        f"?warehouse={account.warehouse_reading}&role={account.reader_role}"
    )


def serve(place: Place, port: int) -> None:
    """From the start to Ctrl-C; however it ends, no process is left."""
    from cli.airflow import free_port, terminable
    from dashboards.server import Server, SupersetHome
    from serving.publication import Publication

    Publication.fetched(place)
    home = SupersetHome(place.root / "superset")
    with home.alone(), terminable():
        server = Server(home, free_port(port))
        try:
            console.print("Starting Superset (the first start takes half a minute) …")
            server.start()
            welcome(server)
            while True:
                server.check()
                time.sleep(1)
        except KeyboardInterrupt:
            console.print("\nEnding Superset …")
        finally:
            server.end()


def welcome(server: Server) -> None:
    """Address and login, on a screen of their own lines."""
    from dashboards.superset_app import USER

    console.print(
        f"\n  Superset   [bold]{server.url}[/]   user [bold]{USER}[/]   "
        f"password [bold]{server.home.password}[/]\n"
        "  Ctrl-C ends it. A new publication is seen at the next look.\n",
        highlight=False,
        soft_wrap=True,
    )
