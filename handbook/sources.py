"""The page of the sources, from their YAML files."""

from __future__ import annotations

from handbook.markdown import code, codes, facts, page, table
from trendhouse.declared.sources import Column, SourceSpec, Table, load_specs


def write() -> str:
    return page(
        "Sources",
        "What is landed, from where and how often, and what each clean table holds: "
        "`ingestion/sources/*.yml` as the house reads them. Every clean table also has the load columns "
        "`partition_name`, `source_url`, `collected_at`, `observed_at`, `load_id` and `clean_version`.",
        *map(described, load_specs()),
    )


def described(spec: SourceSpec) -> str:
    schedule = spec.schedule
    told = facts(
        ("domain", spec.domain),
        ("owner", spec.owner),
        (
            "found at",
            spec.location and f"{code(spec.location.default)}, or {code(spec.location.env)}",
        ),
        ("schedule", schedule and f"{code(schedule.cron)}, {schedule.timezone}"),
        ("fresh for", spec.freshness_hours and f"{spec.freshness_hours} hours"),
        ("kept upstream by", spec.history),
        ("Airflow pool", spec.pool and code(spec.pool.name)),
        ("tries", spec.connector and f"{spec.retries + 1}, {spec.retry_minutes:g} minutes apart"),
    )
    return "\n\n".join(
        [
            f"## {spec.name}",
            spec.description,
            told,
            *(stream(spec, name, each) for name, each in spec.tables.items()),
        ]
    )


def stream(spec: SourceSpec, name: str, declared: Table) -> str:
    """One clean table: key, cursor, floor, how it is asked, and its columns."""
    floor, cut = declared.floor, declared.partition
    told = facts(
        ("key", codes(declared.key)),
        ("newest by", code(declared.cursor)),
        ("raw table", code(spec.raw_name(name))),
        ("asked", asked(declared)),
        ("every row", codes(declared.rules)),
        ("one row per item of", declared.explode and code(declared.explode.path)),
        (
            "folders by",
            cut and f"{code(cut.column)} ({cut.buckets} buckets)"
            if cut and cut.by == "bucket"
            else cut and f"{code(cut.column)} ({cut.by})",
        ),
        (
            "floor",
            floor and f"{floor.capture_rate:.1%} of what upstream has, else {code(floor.action)}",
        ),
    )
    columns = [
        (
            code(column),
            each.type,
            code(each.path or column),
            "" if each.nullable else "never",
            promise(each),
            each.description,
        )
        for column, each in declared.columns.items()
    ]
    return "\n\n".join(
        [
            f"### {spec.name}.{name}",
            declared.description,
            told,
            table(
                ("column", "type", "path in the record", "null", "every row", "meaning"), columns
            ),
        ]
    )


def promise(column: Column) -> str:
    """What no row may break, in words; empty if nothing is promised."""
    words = {
        "min": "at least {}",
        "max": "at most {}",
        "pattern": "matches {}",
        "one_of": "one of {}",
    }
    return ", ".join(
        words[name].format(codes(value) if isinstance(value, list) else code(str(value)))
        for name, value in column.promise.items()
    )


def asked(declared: Table) -> str:
    """How upstream is asked for it; empty where a file or the connector decides."""
    if declared.query:
        return f"GraphQL {code(declared.query.document)}, {declared.query.batch} ids at once"
    return code(declared.endpoint.path) if declared.endpoint else ""
