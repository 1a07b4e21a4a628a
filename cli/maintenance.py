"""The commands that look after what is stored: compact, retain, erase, backup, restore, rollback, repair."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import Live, Recorded, Source, Wait, chosen, sources_of
from orchestration.display import console


def register(app: typer.Typer) -> None:
    """Make these commands verbs of `app`."""
    for verb in (compact, retain, erase, backup, restore, rollback, repair):
        app.command()(verb)


def compact(
    source: Source = None, live: Live = False, recorded: Recorded = None, wait: Wait = False
) -> None:
    """Merge small raw files into few; the same rows, proven before any is removed."""
    from orchestration import steps
    from trendhouse.running import guarded, locks_of

    settings, names = chosen(live, recorded), sources_of(source)
    with guarded(settings, "compact", locks=locks_of("compact", names), wait=wait):
        for name in names:
            outcome = steps.compact(name, settings)
            console.print(f"compact {name}: {outcome.summary}", highlight=False)


def retain(
    days: Annotated[
        int | None,
        typer.Option(min=1, help="Age in days; else TRENDHOUSE_RAW_RETENTION_DAYS."),
    ] = None,
    live: Live = False,
    recorded: Recorded = None,
    wait: Wait = False,
) -> None:
    """Remove raw files that are older than the policy says and already deduplicated."""
    from orchestration import steps
    from trendhouse.running import guarded, locks_of

    settings = chosen(live, recorded)
    if not (days or settings.raw_retention_days):
        raise typer.BadParameter(
            "Raw is kept for ever: give --days or set TRENDHOUSE_RAW_RETENTION_DAYS."
        )
    names = sources_of(None)
    with guarded(settings, "retain", locks=locks_of("retain", names), wait=wait):
        for name in names:
            outcome = steps.retain(name, settings, days=days)
            console.print(f"retain {name}: {outcome.summary}", highlight=False)


def erase(
    person: Annotated[
        list[str],
        typer.Argument(help="Login, database id or e-mail address; several of one person."),
    ],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask; there is no way back.")
    ] = False,
    live: Live = False,
    recorded: Recorded = None,
    wait: Wait = False,
) -> None:
    """Take one person out of raw, clean, the warehouse and what is published; counts stay."""
    from orchestration import erasure
    from trendhouse import worlds
    from trendhouse.running import guarded

    settings = chosen(live, recorded)
    with guarded(settings, "erase", wait=wait), worlds.environment(worlds.home_variables(settings)):
        settings.place.lake.pull()
        known = erasure.identities(settings.place.lake, person)
        console.print(f"Known as: {', '.join(sorted(known))}", highlight=False, soft_wrap=True)
        if not yes:
            typer.confirm("Erase this person for good?", abort=True)
        for line in erasure.erase(settings, known):
            console.print(line, highlight=False, soft_wrap=True)


def backup(live: Live = False, recorded: Recorded = None, wait: Wait = False) -> None:
    """Copy warehouse and published state to a backup."""
    from trendhouse.running import guarded, locks_of
    from warehouse.dbt import require_warehouse
    from warehouse.snowflake.account import is_target
    from warehouse.upgrade import back_up

    if is_target():
        raise typer.BadParameter("On Snowflake time travel and `trendhouse rollback` do this.")
    settings = chosen(live, recorded)
    require_warehouse(settings.place)
    with guarded(settings, "backup", locks=locks_of("backup"), wait=wait):
        console.print(f"backup {back_up(settings.place, 'by-hand')}")


def restore(
    name: Annotated[
        str | None, typer.Argument(help="A backup; without it, they are listed.")
    ] = None,
    live: Live = False,
    recorded: Recorded = None,
    wait: Wait = False,
) -> None:
    """Put a backup's warehouse and published state back."""
    from trendhouse.running import guarded, locks_of
    from warehouse.upgrade import backups
    from warehouse.upgrade import restore as bring_back

    settings = chosen(live, recorded)
    if name is None:
        found = backups(settings.place)
        if not found:
            console.print("No backup yet. `trendhouse backup` makes one.")
        for each in found:
            console.print(
                f"{each.name}  {each.made_at:%Y-%m-%d %H:%M} UTC  {each.size / 1e6:,.1f} MB"
            )
        return
    with guarded(settings, "restore", locks=locks_of("restore"), wait=wait):
        bring_back(settings.place, name)
    console.print(f"restored {name}; `trendhouse build` brings in what the lake holds beyond it")


def rollback(live: Live = False, recorded: Recorded = None, wait: Wait = False) -> None:
    """Show readers the publication before the current one; it stays until the next `publish`."""
    from trendhouse.running import guarded, locks_of
    from warehouse.rollback import roll_back

    settings = chosen(live, recorded)
    with guarded(settings, "rollback", locks=locks_of("rollback"), wait=wait):
        version = roll_back(settings.place)
    console.print(
        f"Readers see version {version} again. The next publication replaces it: mend the cause first; "
        "under Airflow pause `build_warehouse`.",
        highlight=False,
        soft_wrap=True,
    )


def repair(
    check: Annotated[bool, typer.Option("--check", help="Only name what is broken.")] = False,
    live: Live = False,
    recorded: Recorded = None,
    wait: Wait = False,
) -> None:
    """Find every broken piece of the state, and mend it from the layer below or say what to do.

    What is broken moves to `broken/`, nothing is deleted. Exit code 1: something is left broken.
    """
    from orchestration.pieces import broken_pieces
    from orchestration.repair import Repair
    from trendhouse import worlds
    from trendhouse.running import guarded

    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True, markup=False)

    settings = chosen(live, recorded)
    if check:
        found = list(broken_pieces(settings.place, deep=True))
        for each in found:
            say(f"{each.path} {each.wrong}: {each.remedy}")
        say(f"{len(found)} broken." if found else "Nothing is broken.")
        raise typer.Exit(int(bool(found)))
    with (
        guarded(settings, "repair", wait=wait),
        worlds.environment(worlds.home_variables(settings)),
    ):
        whole = Repair(settings, say)
        count = whole.mend()
    say(
        f"{count} mended, {len(whole.left)} left to do by hand."
        if count or whole.left
        else "Nothing is broken."
    )
    raise typer.Exit(int(bool(whole.left)))
