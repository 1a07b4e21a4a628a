"""Publish on Snowflake: a zero-copy clone of the marts takes the place of what readers see, and goes back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from trendhouse.run_records import newest_run
from trendhouse.settings import Place
from trendhouse.verdicts import Verdicts, marts_path
from trendhouse.worlds import world_clock
from warehouse import floors
from warehouse.fitness import fit, refusals, refuse_unchecked, require_clean
from warehouse.refreshes import Refreshes
from warehouse.rollback import RollbackFailed
from warehouse.snowflake import state
from warehouse.snowflake.account import Account, connect
from warehouse.snowflake.build import MODELS

if TYPE_CHECKING:
    from snowflake.connector.cursor import SnowflakeCursor

    from warehouse.publish import Publication

PUBLISHED = "published"
NEXT = "published_next"
PREVIOUS = "published_previous"
TAG = '{"app": "trendhouse", "model": "publish"}'


def swapping(reader: str, refused: Iterable[str] = (), seen: Collection[str] = ()) -> Iterator[str]:
    """Make the clone, let readers in, swap: each statement is metadata only, and the swap is atomic.

    Of the marts that are refused the clone gets what readers have, if it is among those `seen`.
    """
    yield f"create or replace transient schema {NEXT} clone marts"
    for mart in sorted(refused):
        yield f"drop table if exists {NEXT}.{mart}"
        if mart in seen:
            yield f"create transient table {NEXT}.{mart} clone {PUBLISHED}.{mart}"
    yield f"grant usage on schema {NEXT} to role {reader}"
    yield f"grant select on all tables in schema {NEXT} to role {reader}"
    yield f"create transient schema if not exists {PUBLISHED}"
    yield f"alter schema {PUBLISHED} swap with {NEXT}"
    yield f"drop schema if exists {PREVIOUS}"
    yield f"alter schema {NEXT} rename to {PREVIOUS}"


def publish(place: Place, domain: str, run_id: str | None) -> Publication:
    """Swap in the marts as they are, but for those whose suite does not hold: readers keep theirs.

    Raises PublicationBlocked if checks do not allow it, or no mart holds.
    """
    from warehouse.publish import Publication, short_of_floors

    account = Account()
    with connect(account, TAG) as connection:
        cursor = connection.cursor()
        cursor.execute(state.STATE_OF_MARTS)
        marts = state.as_state(cursor.fetchone())
        state.prepare(cursor)
        verdicts = require_checked(place, domain, marts, state.read(cursor, "clean_versions"))
        fit(tables_of(cursor, "marts"), verdicts)
        seen = tables_of(cursor, PUBLISHED)
        held_back, flagged = short_of_floors(cursor, domain)
        cursor.execute(f"grant usage on schema {state.SCHEMA} to role {account.reader_role}")
        cursor.execute(f"grant select on table {state.STATE} to role {account.reader_role}")
        for statement in swapping(account.reader_role, verdicts.refused, seen):
            cursor.execute(statement)
        former = state.read(cursor, "publication")
        newest = max(
            (each["version"] for each in (former, state.read(cursor, "former")) if each), default=0
        )
        version = newest + 1
        known = Refreshes.read(state.read(cursor, MODELS)).conclude()
        state.write(
            cursor,
            models=known.kept(),
            former=former,
            publication={
                "version": version,
                "run_id": run_id or newest_run(place.runs),
                "published_at": world_clock(place).isoformat(),
                "capture_rates": floors.capture_rates(cursor),
            },
        )
    count, rows, _ = marts
    return Publication(
        *(version, int(count), int(float(rows))),
        held_back=held_back,
        flagged=[*flagged, *verdicts.told, *known.warning],
        refused=refusals(verdicts, seen),
    )


def require_checked(
    place: Place, domain: str, marts: list[str], built: dict[str, int] | None
) -> Verdicts:
    """The verdicts on the very marts that Snowflake holds; `built` has the version of each clean table
    that was loaded. Raises PublicationBlocked as publishing files does."""
    versions = {tuple(name.split(".")): version for name, version in (built or {}).items()}
    require_clean(place, domain, versions)
    verdicts = Verdicts(marts_path(place.warehouse, domain))
    refuse_unchecked(verdicts, domain, marts)
    return verdicts


def tables_of(cursor: SnowflakeCursor, schema: str) -> list[str]:
    """The tables of a schema, by name in lower case; none of one that does not exist."""
    cursor.execute(
        "select lower(table_name) from information_schema.tables where table_schema = %s",
        (schema.upper(),),
    )
    return sorted(name for (name,) in cursor.fetchall())


def swap_back() -> int:
    """Readers see the former publication again; the one that it replaces is kept in its place.

    The number of the publication that is seen now. Raises RollbackFailed.
    """
    with connect(Account(), TAG) as connection:
        cursor = connection.cursor()
        state.prepare(cursor)
        publication, former = state.read(cursor, "publication"), state.read(cursor, "former")
        if not former:
            raise RollbackFailed("Nothing was published before what is published now.")
        cursor.execute(f"alter schema {PUBLISHED} swap with {PREVIOUS}")
        state.write(cursor, publication=former, former=publication)
    return former["version"]
