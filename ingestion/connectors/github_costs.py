"""What a landing of GitHub will cost, from what the last ones did cost; nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

from ingestion.budget import Estimate, Plan
from ingestion.connectors.github_desk import Desk
from ingestion.connectors.github_state import Repository
from ingestion.connectors.github_watchlist import OURS
from ingestion.landing import Remember
from ingestion.watchlist import Entry, read_watchlist
from trendhouse.declared.sources import SourceSpec
from trendhouse.settings import Settings

# Requests per repository where no landing has told yet: at its first visit, and on later days.
FIRST = {
    "issues": 5.0, "pull_requests": 3.0, "commits": 5.0, "forks": 2.0, "tags": 2.0,
    "contributors": 2.0, "contributor_weeks": 2.0, "tagged_commits": 10.0,
}  # fmt: skip
AGAIN = 0.15
ASSUMED = {"owner": 30, "search": 100, "github": 1}
SECONDS = 0.05
POINTS = 5  # of a batch: connections times ids, by the hundred


async def remember_costs(
    desk: Desk, tracked: Sequence[Repository], before: set[str], seconds: float
) -> None:
    """Keep requests per repository of this landing, first visits and later ones apart.

    A second landing on the same day tells nothing of what a day brings, one that was cut off neither.
    """
    today = f"{desk.context.now():%Y-%m-%d}"
    costs = desk.context.state.get("costs", {})
    new = sum(repository.id not in before for repository in tracked)
    kind = "first" if new > len(tracked) / 2 else "again"
    if not tracked or desk.stopped or (kind == "again" and costs.get("day") == today):
        return
    await desk.emit(Remember(("costs", "day"), today))
    rates = {
        name: round(cost.requests / len(tracked), 4)
        for name, cost in desk.context.costs.items()
        if name != "watchlist"
    }
    await desk.emit(Remember(("costs", kind), rates))
    requests = desk.context.request_count
    if requests:
        await desk.emit(Remember(("costs", "seconds"), round(seconds / requests, 5)))


def plan(spec: SourceSpec, state: dict[str, Any], settings: Settings) -> Plan:
    """Requests, points and seconds by table, each with what the figure rests on."""
    entries = [e for e in read_watchlist(settings) if e.kind in OURS and e.is_enabled]
    known, new = tracked_counts(entries, state)
    costs = state.get("costs", {})
    pace = costs.get("seconds", SECONDS)
    made = Plan(spec.name)

    def add(resource: str, requests: float, basis: str, points: int = 0) -> None:
        count = ceil(requests)
        if count:
            made.estimates.append(Estimate(resource, count, points, round(count * pace, 2), basis))

    add("watchlist", *watchlist_requests(entries, state))
    for name, table in spec.tables.items():
        if table.query is not None:
            if settings.tokens:
                batches = ceil((known + new) / table.query.batch)
                if name == "projects" and known:
                    batches = ceil(batches * min(1.0, costs.get("again", {}).get(name, 0.1) * 10))
                basis = f"{known + new:,} repositories, {table.query.batch} a batch"
                points = POINTS if name == "repository_counters" else 1
                add(name, batches, basis, batches * points)
        elif table.endpoint is not None and "{" not in table.endpoint.path:
            add(name, 1, "one conditional request")
        elif table.endpoint is not None:
            add(name, *stream_requests(name, known, new, costs, bool(settings.tokens)))
    return made


def tracked_counts(entries: Sequence[Entry], state: dict[str, Any]) -> tuple[int, int]:
    """Repositories that were visited before, and how many more the watchlist will bring."""
    watch, names = state.get("watch", {}), state.get("names", {})
    visited = {id for id, kept in state.get("repositories", {}).items() if kept.get("landed_at")}
    ids: set[str] = set()
    unknown = 0
    for entry in entries:
        if entry.key in watch:
            ids.update(watch[entry.key]["ids"])
        elif entry.target.lower() in names:
            ids.add(names[entry.target.lower()])
        else:
            unknown += ASSUMED[entry.kind]
    return len(ids & visited), len(ids - visited) + unknown


def watchlist_requests(entries: Sequence[Entry], state: dict[str, Any]) -> tuple[float, str]:
    """Names are asked until they are known; owners and searches each time, 100 a page."""
    watch, requests = state.get("watch", {}), 0
    for entry in entries:
        if entry.kind == "github":
            requests += entry.target.lower() not in state.get("names", {})
        else:
            held = len(watch.get(entry.key, {}).get("ids", [])) or ASSUMED[entry.kind]
            requests += ceil(held / 100)
    return requests, f"{len(entries)} entries"


def stream_requests(
    name: str, known: int, new: int, costs: dict[str, Any], has_tokens: bool
) -> tuple[float, str]:
    first, again = costs.get("first", {}), costs.get("again", {})
    again_rate = again.get(name, 0.0) if again else (AGAIN if has_tokens else 1.0)
    first_rate = first.get(name, 0.0) if first else FIRST.get(name, 1.0)
    told = "the last landing" if again else "a guess, no later day was landed yet"
    told_first = "the first landing" if first else "a guess, nothing was landed yet"
    parts = [f"{known:,} known: {told}"] if known else []
    parts += [f"{new:,} new: {told_first}"] if new else []
    return known * again_rate + new * first_rate, "; ".join(parts)
