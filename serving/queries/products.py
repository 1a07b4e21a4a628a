"""Products with their latest version and its end of life."""

from __future__ import annotations

import sqlite3

from serving.model import Model


def listed(model: Model) -> list[sqlite3.Row]:
    """Products that have a version, newest release first."""
    return model.rows(
        "select * from products where latest_version is not null "
        "order by latest_released_date is null, latest_released_date desc, product_name"
    )


def find(model: Model, name: str) -> sqlite3.Row | None:
    return model.row("select * from products where product_name = ?", name)


def cycles(model: Model, name: str) -> list[sqlite3.Row]:
    """A product's release cycles that upstream still lists, newest first."""
    return model.rows(
        "select * from release_cycles where product_name = ? and is_withdrawn is not 1 "
        "order by released_date desc, cycle_name desc",
        name,
    )
