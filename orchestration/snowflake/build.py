"""Before a build on Snowflake: the clean lake is loaded, and models that have changed are built anew."""

from __future__ import annotations

from collections.abc import Callable

from orchestration.settings import Place
from orchestration.snowflake import state
from orchestration.snowflake.account import Account, connect
from orchestration.snowflake.load import TAG, load
from orchestration.upgrade import schema_version


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
        built_by = state.read(cursor, "models")
        if built_by is None:
            state.write(cursor, models=schema_version())
    return afresh or built_by not in (None, schema_version())
