"""The command `trendhouse`: the verbs of the warehouse, by hand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli import airflow as airflow_commands
from cli import dashboards as dashboard_commands
from cli import maintenance, reading
from cli import serving as serving_commands
from cli import snowflake as commands
from cli.options import Live, Recorded, Source, Wait, a_pattern, chosen, effective, sources_of
from orchestration.display import console, errors

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="A warehouse of open-source trends: every number traceable, every gap stated.",
)


class Boundary(StrEnum):
    clean = "clean"
    marts = "marts"
    all = "all"


def main() -> None:
    """Run a command; an error that has a remedy is told without a traceback."""
    import atexit
    import os

    from cli.errors import ended_by
    from trendhouse.terminable import asked

    code = 0
    try:
        with ended_by(errors):
            app()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    # DuckDB 2.0's binding lists its own reference leaks on stderr when the interpreter is torn down;
    # leave before that, with everything that must run at exit done. May go once that is mended.
    if not asked():
        atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@app.command()
def run(
    live: Live = False,
    recorded: Recorded = None,
    advance: Annotated[
        int, typer.Option(min=0, help="Move the sample world on by so many days first.")
    ] = 0,
    faults: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of the simulator's answers that go wrong.")
    ] = 0.0,
    cut_page: Annotated[
        str | None,
        typer.Option(
            help="Paths (regular expression) of which the simulator silently cuts a page.",
            callback=a_pattern,
        ),
    ] = None,
    wait: Wait = False,
) -> None:
    """Land, deduplicate, build, check and publish, all of it.

    Without an option it looks at the **sample world** of the built-in simulator. Exit codes: 0 done,
    1 failed, 3 partial (published, something upstream failed), 4 publication refused, 5 another run
    holds the lock.
    """
    from cli.summary import show
    from orchestration.display import Display
    from orchestration.run import carry_out, sources, step_names
    from trendhouse import worlds
    from trendhouse.running import guarded

    settings = worlds.choose(effective(), live=live, recorded=recorded)
    simulator = {key: value for key, value in (("faults", faults), ("cut_page", cut_page)) if value}
    with (
        guarded(settings, "run", wait=wait) as record,
        worlds.enter(settings, recorded=recorded, advance=advance, simulator=simulator) as entered,
    ):
        console.print(
            f"World [bold]{entered.effective_world}[/], now {entered.clock():%Y-%m-%d %H:%M} UTC, "
            f"run {record.run_id}, in {entered.place.root}",
            highlight=False,
            soft_wrap=True,
        )
        tell_of_java()
        display = Display(console, step_names(sources()))
        report = carry_out(entered, display, record)
        entered.place.make_current()
        show(console, entered, report)
    raise typer.Exit(report.exit_code)


@app.command()
def plan(source: Source = None, live: Live = False, recorded: Recorded = None) -> None:
    """What the next landing will cost in requests, points and time; nothing is sent upstream."""
    from cli.planning import show_plan
    from trendhouse import worlds

    # Inside the world, so that watchlist, tokens and state are those of the landing itself.
    with worlds.enter(chosen(live, recorded), recorded=recorded) as settings:
        show_plan(console, settings, sources_of(source))


@app.command()
def land(
    source: Source = None, live: Live = False, recorded: Recorded = None, wait: Wait = False
) -> None:
    """Upstream -> raw lake."""
    from orchestration import steps

    _each("land", steps.land, source, live, recorded, wait)


@app.command()
def deduplicate(
    source: Source = None, live: Live = False, recorded: Recorded = None, wait: Wait = False
) -> None:
    """Raw lake -> clean lake, by Spark."""
    from orchestration import steps

    _each("deduplicate", steps.deduplicate, source, live, recorded, wait, upstream=False)


@app.command()
def build(
    select: Annotated[
        str | None, typer.Option("--select", "-s", help="dbt's node selection.")
    ] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Rebuild incremental models.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            resolve_path=True,
            help="Folder of an older manifest.json: build only what differs from it, beside the warehouse.",
        ),
    ] = None,
    live: Live = False,
    recorded: Recorded = None,
    wait: Wait = False,
) -> None:
    """Clean lake -> marts, by dbt, with its tests and snapshots."""
    from orchestration import steps
    from trendhouse import worlds
    from trendhouse.running import guarded, locks_of
    from warehouse import slim

    if state and (select or full_refresh):
        raise typer.BadParameter(
            "--state decides what is built: leave out --select, --full-refresh."
        )
    settings = chosen(live, recorded)
    with (
        guarded(settings, "build", locks=locks_of("build"), wait=wait) as record,
        worlds.environment(worlds.home_variables(settings)),
    ):
        if state:
            console.print(f"build: {slim.build(state, settings.place, _say).summary}")
        else:
            _told("build", steps.build(select, full_refresh, settings, _say), record)
    _end(record.failures)


@app.command()
def check(
    boundary: Annotated[Boundary, typer.Argument(help="Which boundary to check.")] = Boundary.all,
    live: Live = False,
    recorded: Recorded = None,
    wait: Wait = False,
) -> None:
    """Hold clean tables and marts to their expectation suites."""
    from orchestration import steps
    from trendhouse.running import guarded, locks_of

    if boundary is not Boundary.marts:
        _each("check_clean", steps.check_clean, None, live, recorded, wait, upstream=False)
    if boundary is not Boundary.clean:
        settings = chosen(live, recorded)
        with guarded(settings, "check", locks=locks_of("check_marts"), wait=wait) as record:
            _told("check_marts", steps.check_marts(settings=settings), record)
        _end(record.failures)


@app.command()
def publish(live: Live = False, recorded: Recorded = None, wait: Wait = False) -> None:
    """Swap the marts that readers see, if the ledger and the suites allow it."""
    from orchestration import steps
    from trendhouse.running import guarded, locks_of

    settings = chosen(live, recorded)
    locks = {*locks_of("check_marts"), *locks_of("publish")}
    with guarded(settings, "publish", locks=locks, wait=wait) as record:
        _told("check_marts", steps.check_marts(settings=settings), record)
        _told("publish", steps.publish(settings=settings, run_id=record.run_id), record)
    _end(record.failures)


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def simulate(context: typer.Context) -> None:
    """Serve the upstream APIs on this machine, simulated or replayed, until Ctrl-C (`--help`: more)."""
    import asyncio

    from simulator.__main__ import parser, serve
    from trendhouse.ports import LAST, require_port

    options = parser()
    options.prog = "trendhouse simulate"
    asked = options.parse_args(context.args)
    if not 0 <= asked.port <= LAST:
        options.error(f"argument --port: 0 to {LAST}")
    require_port("127.0.0.1", asked.port)
    asyncio.run(serve(asked))


reading.register(app)
serving_commands.register(app)
maintenance.register(app)
airflow_commands.register(app)
dashboard_commands.register(app)
commands.register(app)


def tell_of_java() -> None:
    """Say so where Spark runs on the wheel's Java, for want of another. Raises NoJava."""
    from spark.java import CACHE, find_java

    java = find_java()
    if java.home.is_relative_to(CACHE):
        console.print(f"Spark: {java.found}", style="dim", highlight=False, soft_wrap=True)


def _say(detail: str) -> None:
    if console.is_terminal:
        console.print(f"[dim]{detail}[/]", end="\r", highlight=False, soft_wrap=True)


def _each(name, step, source, live, recorded, wait, *, upstream: bool = True) -> None:
    """Run a step for each source under its lock; exit code 3 if something failed beside it, 1 for a crash."""
    from contextlib import nullcontext

    from trendhouse import worlds
    from trendhouse.running import guarded, locks_of

    settings, names = chosen(live, recorded), sources_of(source)
    crashes: list[str] = []
    world = worlds.enter(settings, recorded=recorded) if upstream else nullcontext(settings)
    with (
        guarded(settings, name, locks=locks_of(name, names), wait=wait) as record,
        world as entered,
    ):
        for each in names:
            outcome = step(each, entered, _say)
            crashes += outcome.crashes
            _told(f"{name} {each}", outcome, record)
    for crash in crashes:
        errors.print(f"failed: {crash}", soft_wrap=True)
    _end(record.failures, crashes)


def _told(name, outcome, record) -> None:
    """Print what a step did; what failed beside it stands in the run's record, with the code of its end."""
    from trendhouse.errors import Exit

    console.print(f"{name}: {outcome.summary}", highlight=False, soft_wrap=True)
    record.failures += outcome.failures
    if record.failures:
        record.exit_code = int(Exit.PARTIAL)
    if outcome.crashes:
        record.exit_code = int(Exit.FAILED)


def _end(failures: list[str], crashes: Sequence[str] = ()) -> None:
    """Print what failed beside the rest, and exit with 3 for it, or 1 for a crash."""
    from trendhouse.errors import Exit

    for failure in failures:
        errors.print(f"partial: {failure}", highlight=False, soft_wrap=True)
    if failures or crashes:
        raise typer.Exit(Exit.FAILED if crashes else Exit.PARTIAL)
