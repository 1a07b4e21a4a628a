"""What landings did and cost, kept by source for those who watch: the newest one, and the sum of all."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ingestion.limits import told
from trendhouse.lake.lake import replace_text
from trendhouse.settings import Place
from trendhouse.state import read_state

if TYPE_CHECKING:
    from ingestion.landing import Landing


def keep(place: Place, landing: Landing, now: datetime | None) -> None:
    """Add a landing to `landings/<source>.json`, with the quotas that upstream told this process.

    `now` is the world's time: when the source was last found to be as it is here, unless something
    failed; None for a landing that did not ask for what is new. The source's lock is held, so nobody
    else writes there.
    """
    path = place.landings / f"{landing.source}.json"
    before = read_state(path) if path.exists() else {}
    sums = before.get("totals", {})
    figures: dict[str, Any] = {
        "requests": landing.requests,
        "points": landing.points,
        "bytes": landing.bytes,
        "failures": len(landing.failures),
    }
    totals = {name: sums.get(name, 0) + figure for name, figure in figures.items()}
    content = {
        "source": landing.source,
        "last": {
            "started_at": landing.started_at.isoformat(),
            "seconds": round(landing.seconds, 3),
            "planned_requests": landing.planned.requests if landing.planned else None,
            "rows": landing.rows,
            **figures,
        },
        "totals": {
            "landings": sums.get("landings", 0) + 1,
            "rows": dict(Counter(sums.get("rows", {})) + Counter(landing.rows)),
            **totals,
        },
        "confirmed_at": now.isoformat()
        if now and not landing.failures
        else before.get("confirmed_at"),
        "quotas": before.get("quotas", {}) | {name: asdict(quota) for name, quota in told.items()},
    }
    replace_text(path, json.dumps(content, indent=1))


def landings(place: Place) -> list[dict[str, Any]]:
    """What is kept of each source that has landed, by name."""
    paths = sorted(place.landings.glob("*.json"))
    return [read_state(path) for path in paths]
