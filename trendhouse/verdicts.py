"""What has been checked: per table the suite that held and how far, kept beside the data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trendhouse.lake.lake import replace_text
from trendhouse.state import read_state

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

    `about` names the state of the whole that was last looked at to the end, `code` says what has made a
    table: a verdict on what other code made says nothing.
    """

    def __init__(self, path: Path, code: Callable[[str], str] = lambda table: "") -> None:
        self.path = path
        self.code = code
        known = read_state(path) if path.exists() else {}
        self.about: Any = known.get("about")
        self.tables: dict[str, dict[str, Any]] = known.get("tables", {})

    def reached(self, table: str, suite: ExpectationSuite, default: Any = None) -> Any:
        """How far `table` held when this very suite was last checked; `default` if it did not."""
        known = self.tables.get(table, {})
        return (
            known["reached"]
            if known.get("suite") == self.code(table) + fingerprint(suite)
            else default
        )

    def keep(
        self,
        table: str,
        suite: ExpectationSuite,
        reached: Any,
        *,
        holds: bool,
        broken: Sequence[str] = (),
        is_tolerable: bool = False,
    ) -> None:
        """A table that does not hold is checked again from its beginning, and `broken` says why; where
        `is_tolerable` that is told and keeps nothing back."""
        held = {"suite": self.code(table) + fingerprint(suite), "reached": reached}
        failed = {"failed": suite.name, "broken": [*broken], "is_tolerable": is_tolerable}
        self.tables[table] = held if holds else failed
        self.write()

    def conclude(self, about: Any) -> None:
        """Everything was looked at, in the state `about`."""
        self.about = about
        self.write()

    def write(self) -> None:
        replace_text(self.path, json.dumps({"about": self.about, "tables": self.tables}, indent=1))

    @property
    def failed(self) -> list[str]:
        """The suites that did not hold when last checked, but for those that are only told."""
        return [self.tables[name]["failed"] for name in self.refused]

    @property
    def refused(self) -> dict[str, list[str]]:
        """Each table that did not hold when last checked, with the promises that it breaks."""
        return {
            name: known.get("broken", [])
            for name, known in self.tables.items()
            if "failed" in known and not known.get("is_tolerable")
        }

    @property
    def told(self) -> list[str]:
        """The promises that few rows broke when last checked: they keep nothing back."""
        return [
            line
            for known in self.tables.values()
            if known.get("is_tolerable")
            for line in known["broken"]
        ]

    def files(self, table: str) -> list[str]:
        """The files of a clean table that were last checked and held, under whatever suite."""
        return self.tables.get(table, {}).get("reached", [])


def newest_version(files: Iterable[str]) -> int:
    """The newest version among the files of a clean table (`<folder>/<version>-<n>.parquet`); 0 of none."""
    return max((int(Path(name).name.partition("-")[0]) for name in files), default=0)


def fingerprint(suite: ExpectationSuite) -> str:
    """Another promise, another fingerprint."""
    told = [[each.expectation_type, each.configuration.kwargs] for each in suite.expectations]
    return sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]
