"""Writes dbt's source files from the declared sources: `python tests/dbt/source_files.py`."""

from pathlib import Path

import yaml

from trendhouse.declared.sources import LOAD_COLUMNS, SourceSpec, load_specs

STAGING = Path(__file__).parents[2] / "dbt_project" / "models" / "staging"
SQL_TYPES = {"string": "varchar", "json": "varchar"}
LOAD_DESCRIPTIONS = {
    "partition_name": "Ledger partition: repository id, hour, day or product.",
    "source_url": "Address that answered.",
    "collected_at": "When it was fetched, UTC.",
    "observed_at": "When it was true, UTC.",
    "load_id": "Load that brought it.",
    "clean_version": "Deduplication run that last changed the row.",
}


def source_file(spec: SourceSpec) -> Path:
    return STAGING / spec.name / f"_{spec.name}__sources.yml"


def source_yaml(spec: SourceSpec) -> str:
    """The text of `_<source>__sources.yml`: tables, columns and types as the spec declares them."""
    source = {"name": spec.name, "schema": spec.name, "description": spec.description}
    if spec.freshness_hours:
        source["config"] = {
            "loaded_at_field": "collected_at",
            "freshness": {
                "warn_after": {"count": spec.freshness_hours, "period": "hour"},
                "error_after": {"count": 7 * spec.freshness_hours, "period": "hour"},
            },
        }
    source["tables"] = [
        {"name": name, "description": table.description, "columns": columns(spec, name)}
        for name, table in spec.tables.items()
    ]
    return yaml.safe_dump({"sources": [source]}, sort_keys=False, width=110, allow_unicode=True)


def columns(spec: SourceSpec, table: str) -> list[dict[str, str]]:
    declared = [
        column_entry(name, column.type, column.description)
        for name, column in spec.tables[table].columns.items()
    ]
    if spec.connector is None:
        return declared
    return declared + [
        column_entry(name, kind, LOAD_DESCRIPTIONS[name]) for name, kind in LOAD_COLUMNS.items()
    ]


def column_entry(name: str, kind: str, description: str) -> dict[str, str]:
    return {"name": name, "data_type": SQL_TYPES.get(kind, kind), "description": description}


if __name__ == "__main__":
    for declared in load_specs():
        source_file(declared).parent.mkdir(parents=True, exist_ok=True)
        source_file(declared).write_text(source_yaml(declared), encoding="utf-8")
