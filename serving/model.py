"""Reading a read model: one publication, whole, for as long as somebody holds it."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any


class Model:
    """One publication's read model, open for reading.

    `version` and `published_at` (UTC) are the publication's, `capture_rates` its ledger by source and stream.
    The file may be deleted meanwhile: what is open stays readable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = sqlite3.connect(
            f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        self.connection.row_factory = sqlite3.Row
        (state,) = self.connection.execute("select state from _publication").fetchone()
        self.state = json.loads(state)
        self.version: int = self.state["version"]
        self.published_at = datetime.fromisoformat(self.state["published_at"])
        self.capture_rates: list[dict[str, Any]] = self.state["capture_rates"]

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Every row of a query over the served marts."""
        return self.connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row, if there is one."""
        return self.connection.execute(sql, values).fetchone()
