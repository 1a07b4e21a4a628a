"""How old what we hold is, by `dbt source freshness`, beside the age that each source promises."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trendhouse.declared.sources import landed_specs
from trendhouse.settings import Place
from warehouse.dbt import BuildFailed, dbt

HOUR = 3600


class SourcesStale(Exception):
    """Sources are older than they promise; a line names each, its age and its limit."""


@dataclass(frozen=True)
class Age:
    """When a source last gave anything, how long ago that is and how long it may be; hours."""

    source: str
    newest: datetime
    hours: float
    limit: float

    @property
    def is_stale(self) -> bool:
        return self.hours > self.limit

    def __str__(self) -> str:
        return (
            f"{self.source}: nothing new for {self.hours:,.0f} hours, its limit is {self.limit:g} "
            f"(last fetched {self.newest:%Y-%m-%d %H:%M} UTC)"
        )


def ages(place: Place, now: datetime) -> list[Age]:
    """The age of every source that has ever been landed and promises one, at the time `now`.

    The newest of a source's tables counts: what did not change upstream is not fetched again. Raises
    BuildFailed if dbt cannot tell.
    """
    limits = {spec.name: spec.freshness_hours for spec in landed_specs() if spec.freshness_hours}
    newest: dict[str, datetime] = {}
    for unique_id, loaded_at in measured(place).items():
        source = unique_id.split(".")[2]
        newest[source] = max(loaded_at, newest.get(source, loaded_at))
    return [
        Age(name, newest[name], (now - newest[name]).total_seconds() / HOUR, limits[name])
        for name in sorted(newest)
        if name in limits
    ]


def measured(place: Place) -> dict[str, datetime]:
    """When each table's newest row was fetched, by unique id; tables without rows are left out."""
    folder = place.root / "freshness"
    result = folder / "sources.json"
    result.unlink(missing_ok=True)
    try:
        dbt("source", "freshness", "--target-path", str(folder), place=place)
    except BuildFailed:
        # That is also how dbt says that a table is stale by the real clock.
        if not result.exists():
            raise
    return times_of(result)


def times_of(result: Path) -> dict[str, datetime]:
    found = {}
    for entry in json.loads(result.read_text())["results"]:
        loaded_at = datetime.fromisoformat(
            entry.get("max_loaded_at") or "0001-01-01T00:00:00+00:00"
        )
        if loaded_at.year > 1:  # dbt's time for a table without rows
            found[entry["unique_id"]] = loaded_at
    return found
