"""Before a build on Snowflake: the clean lake is loaded, and models that have changed are built anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trendhouse.settings import Place
from warehouse.refreshes import Refreshes
from warehouse.snowflake import state
from warehouse.snowflake.account import Account, connect
from warehouse.snowflake.load import TAG, load
from warehouse.upgrade import schema_version

MODELS = "models"


def prepare(place: Place, progress: Callable[[str], None], *, afresh: bool = False) -> bool:
    """Load what is new (with `afresh` everything); whether dbt has to refresh in full.

    It has to until what these very models built is published. Raises LoadIncomplete.
    """
    account = Account()
    loaded = load(
        place.lake, account, afresh=afresh, progress=lambda name: progress(f"load {name}")
    )
    progress(loaded.summary)
    with connect(account, TAG) as connection:
        cursor = connection.cursor()
        state.prepare(cursor)
        state.write(cursor, clean_versions=loaded.versions)
        version, found = schema_version(), state.read(cursor, MODELS)
        known = Refreshes.read(found)
        if found is None:
            known = Refreshes(version)
        elif known != Refreshes(version):
            known = known.begin(version)
        state.write(cursor, models=known.kept())
    return afresh or known != Refreshes(version)


def refreshes() -> Refreshes:
    """What is known of the code that built the marts."""
    with connect(Account(), TAG) as connection:
        cursor = connection.cursor()
        state.prepare(cursor)
        return Refreshes.read(state.read(cursor, MODELS))


def note_refreshed(built: Iterable[str], every: Iterable[str]) -> None:
    """After a full refresh of the models `built` of `every` one in the project."""
    with connect(Account(), TAG) as connection:
        cursor = connection.cursor()
        known = Refreshes.read(state.read(cursor, MODELS)).note(built, every)
        state.write(cursor, models=known.kept())
