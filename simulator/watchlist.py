"""The watch list that fits the default world: `python -m simulator.watchlist > simulator/watchlist.csv`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from simulator import endoflife
from simulator.scenarios import (
    REFERENCE,
    SEARCHES,
    WATCHED,
    WATCHED_BY_OLD_NAME,
    WATCHED_OWNER,
)
from simulator.world import World

COLUMNS = ("product_name", "kind", "target", "enabled")
FILE = Path(__file__).with_name("watchlist.csv")


def rows(world: World) -> list[tuple[str, str, str, str]]:
    """Repositories under the name they have (two: had) at the reference, products, searches, owner."""
    made = []
    for index in WATCHED:
        repository = world.repositories[index]
        alias = repository.alias(REFERENCE)
        if index in WATCHED_BY_OLD_NAME:
            alias = repository.aliases[0]
        made.append((repository.aliases[0].name, "github", alias.full_name, "true"))
    made += [(name, "endoflife", name, "true") for name in endoflife.products(world)]
    made += [(name, "search", query, "true") for name, query in SEARCHES]
    owner = world.repositories[WATCHED_OWNER].aliases[0].owner.login
    made.append((owner, "owner", owner, "true"))
    return made


def main() -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS)
    out.writerows(rows(World()))


if __name__ == "__main__":
    main()
