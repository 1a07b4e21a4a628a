"""What the clean lake holds, as Snowflake is to hold it: tables, their declared columns, their live files."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import yaml

from trendhouse.declared.marts import DBT_PROJECT
from trendhouse.lake.lake import Lake

# What the declarations mean in whatever session asks: a bare `timestamp` follows a parameter.
TYPES = {"timestamp": "timestamp_ntz", "double": "float"}
FILE = "_file"


@dataclass(frozen=True)
class CleanTable:
    """One table of dbt's sources; `files` are its live files, relative to the clean lake, and the
    version of the manifest that names them."""

    source: str
    name: str
    columns: dict[str, str]
    files: dict[str, int] = field(default_factory=dict)

    @property
    def relation(self) -> str:
        return f"{self.source}.{self.name}"

    @property
    def all_columns(self) -> dict[str, str]:
        """The declared columns, and the file that a row came from."""
        return {**self.columns, FILE: "varchar"}


def clean_tables(lake: Lake) -> list[CleanTable]:
    """Every table that dbt's sources declare, with the live files that the lake's manifests name."""
    live = live_files(lake)
    return [
        CleanTable(source, table["name"], columns(table), live.get((source, table["name"]), {}))
        for source, declared in sorted(declared_sources().items())
        for table in declared["tables"]
    ]


def declared_sources() -> dict[str, dict]:
    """dbt's sources by name."""
    paths = sorted((DBT_PROJECT / "models" / "staging").glob("*/_*__sources.yml"))
    read = [yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) for path in paths]
    return {source["name"]: source for each in read for source in each["sources"]}


def columns(table: dict) -> dict[str, str]:
    return {
        column["name"]: TYPES.get(column["data_type"], column["data_type"])
        for column in table["columns"]
    }


def live_files(lake: Lake) -> dict[tuple[str, str], dict[str, int]]:
    """Per (source, table) its live files; the ledger's lie beside the tables they are about."""
    files: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for source, table, manifest in lake.manifests():
        named = {(source, table): manifest["files"]}
        named |= {("ledger", kind): names for kind, names in manifest["ledger"].items()}
        for key, names in named.items():
            files[key] |= {f"{source}/{table}/{name}": manifest["version"] for name in names}
    return files
