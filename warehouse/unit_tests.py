"""dbt's unit tests prove the project's SQL, not its data: they run once for each content of the project."""

from __future__ import annotations

import contextlib
import json
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from trendhouse.lake.lake import replace_text
from trendhouse.state import StateBroken, read_state
from warehouse.dbt import DBT_PROJECT
from warehouse.snowflake.account import is_target

PACKAGES = {
    "duckdb": ("dbt-core", "dbt-duckdb", "duckdb"),
    "snowflake": ("dbt-core", "dbt-snowflake"),
}
MADE = {"target", "logs", "dbt_packages"}


class UnitTests:
    """What is known of a project's unit tests, kept beside what dbt itself makes of the project."""

    def __init__(self, project: Path = DBT_PROJECT) -> None:
        self.project = project
        self.record = project / "target" / "unit_tests_passed.json"
        self.target = "snowflake" if is_target() else "duckdb"

    @property
    def have_passed(self) -> bool:
        """Whether they passed on this very content, for this kind of warehouse."""
        return self.known().get(self.target) == self.content()

    def note_passed(self) -> None:
        """After a build that ran all of them. Where nothing can be written they run again."""
        with contextlib.suppress(OSError):
            replace_text(self.record, json.dumps({**self.known(), self.target: self.content()}))

    def known(self) -> dict[str, str]:
        """The content by kind of warehouse; nothing where the record is missing or broken."""
        try:
            return read_state(self.record)
        except (OSError, StateBroken):
            return {}

    def content(self) -> str:
        """A fingerprint of every file of the project, and of what runs them."""
        digest = sha256()
        for package in PACKAGES[self.target]:
            digest.update(f"{package} {version(package)}\n".encode())
        own = [entry for entry in self.project.iterdir() if entry.name not in MADE]
        for path in sorted(file for entry in own for file in (entry, *entry.rglob("*"))):
            if path.is_file():
                inside = path.relative_to(self.project)
                digest.update(f"{inside} {sha256(path.read_bytes()).hexdigest()}\n".encode())
        return digest.hexdigest()
