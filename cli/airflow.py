"""The commands around Airflow: start it with its world, and disturb or move on the world that it looks at."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from typing import Annotated

import typer
from filelock import FileLock, Timeout

from cli.options import Live, Recorded, effective
from orchestration.airflow_home import USER, AirflowFailed, AirflowHome, executable
from orchestration.display import console
from orchestration.mailbox import connection, mailbox
from orchestration.standalone import BUILD, INGEST, Standalone, Unpause
from trendhouse import worlds
from trendhouse.declared.sources import landed_specs
from trendhouse.ports import LAST
from trendhouse.running import Locked, held_by, holder_of
from trendhouse.sessions import end_sessions
from trendhouse.settings import Settings, load_settings
from trendhouse.terminable import ENDINGS, terminable

USUAL_PORT = 8080
CHANNELS = ("AIRFLOW_CONN_SLACK_DEFAULT", "AIRFLOW_CONN_SMTP_DEFAULT")


def register(app: typer.Typer) -> None:
    """Make these commands verbs of `app`."""
    for verb in (airflow, upstream):
        app.command()(verb)


def airflow(
    unpause: Annotated[
        Unpause,
        typer.Option(
            help="What runs on schedule: the sources and the warehouse, all DAGs, or none."
        ),
    ] = Unpause.flow,
    first_run: Annotated[
        bool | None,
        typer.Option(
            "--first-run/--no-first-run",
            help="Land every source at once; without it, if nothing has been published yet.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=LAST, help="Port on 127.0.0.1; another one if it is taken.")
    ] = USUAL_PORT,
    live: Live = False,
    recorded: Recorded = None,
) -> None:
    """Airflow on this machine with everything provisioned, until Ctrl-C.

    Without an option it looks at the **sample world**; its simulator runs beside it.
    """
    executable()
    if live and os.environ.get("AIRFLOW_CONN_GITHUB_DEFAULT"):
        settings = load_settings(world="live")
    else:
        settings = worlds.choose(effective(), live=live, recorded=recorded)
    home = AirflowHome(settings.home / "airflow")
    is_clock_given = settings.now is not None
    begins = not (settings.place.published / "CURRENT.json").exists()
    with alone(home), terminable(), worlds.enter(settings, recorded=recorded) as entered:
        entered.place.make_current()
        if entered.effective_world == "sample" and not is_clock_given:
            # Tasks read the world's own clock, which `trendhouse upstream --advance` moves.
            del os.environ["TRENDHOUSE_NOW"]
        with channels(home) as box:
            house = Standalone(home, entered, free_port(port), upstream_of(settings))
            work(house, box, unpause, begins if first_run is None else first_run)
    console.print("Ended. `make airflow` goes on where it stopped.")


def upstream(
    down: Annotated[
        str | None, typer.Option(help="A source that answers nothing but 503 from now on.")
    ] = None,
    cut_page: Annotated[
        str | None,
        typer.Option(
            help="Paths (regular expression) of which half a page is missing from now on."
        ),
    ] = None,
    mend: Annotated[bool, typer.Option("--mend", help="All is well from now on.")] = False,
    advance: Annotated[int, typer.Option(min=0, help="Move the world on by so many days.")] = 0,
) -> None:
    """Disturb, mend or move on the sample world that Airflow looks at; without an option, show it."""
    from simulator.instants import moment, read
    from simulator.running import Controls

    home = AirflowHome(effective().home / "airflow")
    state = held_by(home.lock)
    if state is None or not state.get("upstream"):
        raise worlds.WorldError("No sample world is served now: `make airflow` starts one.")
    paths = upstream_paths()
    if down is not None and down not in paths:
        raise typer.BadParameter(f"no source `{down}`; there are: {', '.join(paths)}.")
    simulator = Controls(state["upstream"])
    faults = {"down": paths[down]} if down else {"cut_page": cut_page} if cut_page else None
    if faults or mend:
        simulator.faults(**(faults or {"rate": 0.0}))
    if advance:
        memory = worlds.Memory(effective().home / "sample" / "world.json")
        simulator.move_to(memory.sample_now(advance).isoformat())
    now = moment(read(simulator.control("now")["now"]))
    shown = simulator.control("faults")
    source = next((name for name, path in paths.items() if path == shown["down"]), "none")
    console.print(
        f"The sample world at {state['upstream']}: {now:%Y-%m-%d %H:%M} UTC, source down: {source}, "
        f"pages cut: {shown['cut_page'] or 'none'}.",
        highlight=False,
        soft_wrap=True,
    )


def work(house: Standalone, box: str | None, unpause: Unpause, first_run: bool) -> None:
    """From the start to Ctrl-C; however it ends, no process is left."""
    try:
        house.start()
        welcome(house, box)
        begin(house, unpause, first_run)
        house.watch()
    except KeyboardInterrupt:
        console.print("\nEnding Airflow and all that it started …")
    finally:
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        house.end()


def welcome(house: Standalone, box: str | None) -> None:
    """Address and login, on a screen of their own lines."""
    console.print(
        f"\n  Airflow   [bold]{house.url}[/]   user [bold]{USER}[/]   "
        f"password [bold]{house.home.password()}[/]\n"
        + (
            f"  Alerts    [bold]{box}[/]   (no Slack or mail connection is set, so they come here)\n"
            if box
            else ""
        )
        + (
            f"  Upstream  {house.upstream}   (`trendhouse upstream` breaks and mends it)\n"
            if house.upstream
            else ""
        )
        + "  Ctrl-C ends all of it.\n",
        highlight=False,
        soft_wrap=True,
    )


def begin(house: Standalone, unpause: Unpause, first_run: bool) -> None:
    """Unpause by choice, and land every source once if that is wanted."""
    sources = sorted(f"{INGEST}{spec.name}" for spec in landed_specs())
    dags = house.wait_for_dags({*sources, BUILD})
    on = house.unpause(unpause, dags)
    house.say(f"{len(dags)} DAGs; on schedule: {', '.join(on) or 'none'}")
    paused = sorted(set(dags) - set(on))
    if paused:
        house.say(f"paused: {', '.join(paused)} (--unpause all lets them run)")
    if first_run:
        started = house.land_now([dag for dag in sources if dag in on])
        house.say(f"first run: {', '.join(started)}; the warehouse follows what they bring")


@contextlib.contextmanager
def channels(home: AirflowHome) -> Iterator[str | None]:
    """Where alerts go: the operator's connections; without any, a mailbox on this machine."""
    if any(os.environ.get(name) for name in CHANNELS):
        yield None
        return

    def show(headline: str) -> None:
        console.print(
            f"  [yellow]alert[/]   {headline}", highlight=False, markup=True, soft_wrap=True
        )

    with (
        mailbox(home.alerts, show) as box,
        worlds.environment({"AIRFLOW_CONN_SLACK_DEFAULT": connection(box.url)}),
    ):
        yield box.url


@contextlib.contextmanager
def alone(home: AirflowHome) -> Iterator[None]:
    """One Airflow per home; what a killed one left is ended first. Raises Locked."""
    home.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        state = holder_of(home.state)
        raise Locked(
            f"Airflow runs here already, process {state.get('pid', '?')}, at {state.get('url', '?')}. "
            "End it with Ctrl-C where it was started."
        ) from None
    try:
        end_sessions(holder_of(home.state).get("sessions", {}).values())
        yield
    finally:
        lock.release()


def free_port(wanted: int) -> int:
    """The wanted port of 127.0.0.1, or any free one if something listens there."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
    raise AirflowFailed("No port of 127.0.0.1 is free.")


def upstream_paths() -> dict[str, str]:
    """By source, a pattern of what the simulator serves of it; the source at its root has all the rest."""
    variables = worlds.sample_variables("", effective())
    roots = {spec.name: variables[spec.location.env] for spec in landed_specs()}
    others = "|".join(f"{root}/" for root in roots.values() if root)
    return {name: f"^{root}/" if root else f"^(?!{others})" for name, root in roots.items()}


def upstream_of(settings: Settings) -> str | None:
    """The simulator's address, where the sample world is looked at."""
    return os.environ["TRENDHOUSE_GITHUB_URL"] if settings.effective_world == "sample" else None
