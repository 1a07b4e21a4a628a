"""The way back for readers: the publication before the current one, swapped in as it was."""

from __future__ import annotations

import json

from trendhouse.errors import UsageError
from trendhouse.lake.lake import replace_text
from trendhouse.settings import Place
from trendhouse.state import read_state
from warehouse.publish import VERSIONS
from warehouse.published import CURRENT, current
from warehouse.snowflake.account import is_target


class RollbackFailed(UsageError):
    """There is no older publication to go back to; the message says what else there is."""


def roll_back(place: Place) -> int:
    """Point readers to the publication before the current one; its number.

    Nothing else moves: the warehouse stays as it is, and the next publication gets a new number.
    Raises RollbackFailed, published.NothingPublished.
    """
    if is_target():
        from warehouse.snowflake.publish import swap_back

        return swap_back()
    version = current(place)["version"]
    folder = place.published / VERSIONS
    older = [each for each in (int(path.stem) for path in folder.glob("*.json")) if each < version]
    if not older:
        raise RollbackFailed(
            f"Version {version} is the oldest publication that is kept. `trendhouse restore` lists backups."
        )
    state = read_state(folder / f"{max(older)}.json")
    replace_text(place.published / CURRENT, json.dumps(state, indent=1))
    return state["version"]
