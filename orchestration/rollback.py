"""The way back for readers: the publication before the current one, swapped in as it was."""

from __future__ import annotations

import json
from typing import Any

from ingestion.lake import replace_text
from orchestration.publish import VERSIONS
from orchestration.published import CURRENT, current
from orchestration.settings import Place


class RollbackFailed(Exception):
    """There is no older publication to go back to; the message says what else there is."""


def roll_back(place: Place) -> dict[str, Any]:
    """Point readers to the publication before the current one; its state.

    Nothing else moves: the warehouse stays as it is, and the next publication gets a new number.
    Raises RollbackFailed, published.NothingPublished.
    """
    version = current(place)["version"]
    folder = place.published / VERSIONS
    older = [each for each in (int(path.stem) for path in folder.glob("*.json")) if each < version]
    if not older:
        raise RollbackFailed(
            f"Version {version} is the oldest publication that is kept. `trendhouse restore` lists backups."
        )
    text = (folder / f"{max(older)}.json").read_text(encoding="utf-8")
    replace_text(place.published / CURRENT, text)
    return json.loads(text)
