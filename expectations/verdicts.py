"""What has been checked: per table the suite that held and how far, kept beside the data."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.lake import replace_text

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

CLEAN = "_checked.json"


def results_of(data_docs: Path) -> Path:
    """Where the last result of every suite stands, beside the pages that show them."""
    return data_docs.with_name(f"{data_docs.name}_results")


def marts_path(warehouse: Path, domain: str) -> Path:
    """Where the verdicts on the marts of a domain stand."""
    return warehouse.with_name(f"checked_{domain}.json")


def state_of(warehouse: Path) -> list[int] | None:
    """Size and time of the warehouse's file: another state is another warehouse; None if there is none."""
    if not warehouse.exists():
        return None
    stat = warehouse.stat()
    return [stat.st_size, stat.st_mtime_ns]


class Verdicts:
    """The last verdict on each table of one boundary; every change is written atomically.

    `about` names the state of the whole that was last looked at to the end, `salt` whatever else
    than the suite makes earlier verdicts worthless.
    """

    def __init__(self, path: Path, salt: str = "") -> None:
        self.path = path
        self.salt = salt
        known = json.loads(path.read_text()) if path.exists() else {}
        self.about: Any = known.get("about")
        self.tables: dict[str, dict[str, Any]] = known.get("tables", {})

    def reached(self, table: str, suite: ExpectationSuite, default: Any = None) -> Any:
        """How far `table` held when this very suite was last checked; `default` if it did not."""
        known = self.tables.get(table, {})
        return known["reached"] if known.get("suite") == self.salt + fingerprint(suite) else default

    def keep(self, table: str, suite: ExpectationSuite, reached: Any, *, holds: bool) -> None:
        """A table that does not hold is checked again from its beginning."""
        held = {"suite": self.salt + fingerprint(suite), "reached": reached}
        self.tables[table] = held if holds else {"failed": suite.name}
        self.write()

    def conclude(self, about: Any) -> None:
        """Everything was looked at, in the state `about`."""
        self.about = about
        self.write()

    def write(self) -> None:
        replace_text(self.path, json.dumps({"about": self.about, "tables": self.tables}, indent=1))

    @property
    def failed(self) -> list[str]:
        """The suites that did not hold when last checked."""
        return [known["failed"] for known in self.tables.values() if "failed" in known]


def fingerprint(suite: ExpectationSuite) -> str:
    """Another promise, another fingerprint."""
    told = [[each.expectation_type, each.configuration.kwargs] for each in suite.expectations]
    return sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]
