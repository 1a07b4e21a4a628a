"""The published marts as rows that can be compared: what two ways to the same state must agree on."""

from __future__ import annotations

from trendhouse.settings import Place
from warehouse.published import connect

# What names a load, and (in the ledger) how often the same rows were brought: a landing that was killed or
# disturbed may bring them again. All else, what was kept and inserted among it, must be the same.
LOAD_COLUMNS = {"clean_version", "load_id", "collected_at", "source_url"}
LANDING_COUNTS = {
    "completeness": {"landed_count", "superseded_count"},
    "drift": {"occurrence_count", "first_version"},
}


def marts(place: Place) -> dict[str, list[tuple]]:
    """Every row of every published mart, load columns aside, in one order."""
    connection = connect(place)
    names = connection.execute("select view_name from duckdb_views() where not internal").fetchall()
    found = {}
    for (name,) in sorted(names):
        left_out = LOAD_COLUMNS | LANDING_COUNTS.get(name, set())
        described = connection.execute(f'describe "{name}"').fetchall()
        columns = [row[0] for row in described if row[0] not in left_out]
        selected = ", ".join(f'"{column}"' for column in columns)
        rows = connection.execute(f'select {selected} from "{name}"').fetchall()
        found[name] = sorted(rows, key=repr)
    return found


def differences(ours: dict[str, list[tuple]], theirs: dict[str, list[tuple]]) -> dict[str, tuple]:
    """What stands on one side only, by mart; a few rows of each."""
    found = {}
    for name in sorted({*ours, *theirs}):
        left, right = set(map(repr, ours.get(name, []))), set(map(repr, theirs.get(name, [])))
        if left != right or len(ours.get(name, [])) != len(theirs.get(name, [])):
            found[name] = (sorted(left - right)[:3], sorted(right - left)[:3])
    return found
