"""What happens to particular repositories on particular days, so that a demo meets every case."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.instants import read

DEFAULT_NOW = "2026-11-02T06:00:00Z"
REFERENCE = read(DEFAULT_NOW)
# Worlds smaller than this have no pinned repositories: their indexes would not exist.
PINNED_FROM = 60


@dataclass(frozen=True, slots=True)
class Pin:
    """What is fixed for one repository instead of being drawn."""

    created: str | None = None
    renamed: str | None = None
    transferred: str | None = None
    deleted: str | None = None
    blocked: str | None = None
    archived: str | None = None
    purged: str | None = None
    size: float | None = None
    takes_name_of: int | None = None


PINS: dict[int, Pin] = {
    0: Pin(created="2016-03-01T09:00:00Z", size=6.0),
    1: Pin(created="2018-05-14T12:30:00Z", size=4.0),
    2: Pin(created="2019-02-11T07:45:00Z", size=3.0),
    3: Pin(renamed="2026-06-15T11:00:00Z"),
    5: Pin(renamed="2026-11-02T18:00:00Z"),
    7: Pin(transferred="2026-03-10T15:00:00Z"),
    9: Pin(transferred="2026-11-03T09:00:00Z"),
    11: Pin(deleted="2026-11-02T20:00:00Z"),
    13: Pin(archived="2025-09-01T00:00:00Z"),
    17: Pin(created="2019-04-01T08:00:00Z", deleted="2024-08-01T10:00:00Z"),
    18: Pin(created="2025-02-01T10:00:00Z", takes_name_of=17),
    19: Pin(purged="2026-10-20T00:00:00Z", size=2.0),
    23: Pin(blocked="2026-07-01T00:00:00Z"),
    29: Pin(deleted="2026-05-01T13:00:00Z"),
    31: Pin(created="2020-01-20T10:00:00Z", renamed="2025-05-05T05:05:05Z"),
    32: Pin(created="2025-06-01T10:00:00Z", takes_name_of=31),
    41: Pin(created="2026-11-02T15:00:00Z"),
}
for _index in (0, 1, 2, 4, 6, 8, 10, 12, 14, 15, 16, 20, 21, 22):
    # Watched ones stay put, apart from those pinned above: the first run must find them all.
    PINS.setdefault(_index, Pin())

# Repositories of the watch list, as index and whether it is asked by the name it no longer has.
WATCHED = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20)
WATCHED_BY_OLD_NAME = (3, 7)
WATCHED_OWNER = 2
SEARCHES = (("most-stars", "stars:>100 sort:stars"), ("most-forks", "forks:>20 sort:forks"))
