"""Lists of issues and pull requests out of all that was recorded of them, selected as GitHub selects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson

from simulator.replay_git import moment
from simulator.replay_library import Library, Recording

STATED = ("issues", "pulls")
"""The lists below a repository that have a `state`."""

SELECTING = {"state", "since", "sort", "direction", "per_page", "page"}
"""The parameters that can be minded without knowing more than the items."""

SORTS = {"created": "created_at", "updated": "updated_at", "comments": "comments"}


def is_selectable(path: str, query: Mapping[str, str]) -> bool:
    """Whether the request is for such a list, and asks nothing that only GitHub could tell."""
    parts = path.split("/")
    stem = {"repos": 4, "repositories": 3}.get(parts[1] if len(parts) > 1 else "", 0)
    return bool(stem) and parts[stem:] in ([name] for name in STATED) and query.keys() <= SELECTING


def recordings_of(library: Library, path: str) -> list[Recording]:
    """Every recorded success of a list, under any name of its repository, the oldest first."""
    found = [
        recording
        for alias in library.aliases(path)
        for recording in library.recorded(alias)
        if recording.status == 200 and recording.id not in library.malformed
    ]
    return sorted(found, key=lambda recording: recording.date_order)


def items_of(recordings: Iterable[Recording]) -> list[dict[str, Any]]:
    """Every item once, as it was last recorded."""
    known: dict[int, dict[str, Any]] = {}
    for recording in recordings:
        for item in orjson.loads(recording.body):
            before = known.get(item["id"])
            if before is None or before["updated_at"] <= item["updated_at"]:
                known[item["id"]] = item
    return list(known.values())


def select(items: Iterable[dict[str, Any]], query: Mapping[str, str]) -> list[dict[str, Any]]:
    """The items that GitHub would list, in its order: open ones, the newest first, if not told otherwise.

    Raises:
        ValueError: `since` is no instant.
    """
    state, since = query.get("state", "open"), moment(query, "since")
    chosen = [
        item
        for item in items
        if state in ("all", item["state"])
        and (since is None or datetime.fromisoformat(item["updated_at"]) >= since)
    ]
    by = SORTS.get(query.get("sort", "created"), "created_at")
    is_descending = query.get("direction", "desc") != "asc"
    return sorted(chosen, key=lambda item: (item.get(by) or 0, item["id"]), reverse=is_descending)
