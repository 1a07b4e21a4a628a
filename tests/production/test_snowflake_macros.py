"""Each macro that the two warehouses spell differently says the same on both, and what Python says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from tests.production.conftest import ROOT
from tests.production.rows import normalised
from warehouse.snowflake.account import connect

pytestmark = pytest.mark.filterwarnings("ignore")
DBT = Path(sys.executable).with_name("dbt")
TARGETS = ("duckdb", "snowflake")
MOMENTS = (
    "2024-02-28 14:59:59",
    "2024-02-28 15:00:00",
    "2023-12-31 23:30:00.5",
    "1969-12-31 15:00:00",
)
LISTS = ("[]", "[1]", '[{"a": [1, 2]}, null]', None)
TEXTS = (
    "v1.10.0-rc.2",
    "2024.1",
    "1.0.post1",
    "kafka-3.1.0",
    "not a version",
    "",
    None,
    "3.12.0B4",
    "1!2.0",
)
PATTERNS = (
    ("[0-9]+", 0),
    ("^([0-9]+!)?([0-9]+([.][0-9]+)*)", 2),
    ("dev[-._]?([0-9]+)", 1),
    ("^[a-z]+", 0),
)
WHOLE = "[0-9]+([.][0-9]+)*"
QUERY = """
select 'date UTC' as what, text, cast({{{{ calendar_date('moment', 'UTC') }}}} as varchar) as value from moments
union all select 'date Seoul', text, cast({{{{ calendar_date('moment', 'Asia/Seoul') }}}} as varchar) from moments
union all select 'length', text, cast({{{{ json_length('text') }}}} as varchar) from lists
union all select 'match', text, cast({{{{ is_match('text', '{whole}') }}}} as varchar) from texts
{extracts}
"""
MERGE = """
{{ config(unique_key=['id', 'part'], meta={'alive': 'value'}) }}
{{ get_incremental_changed_keys_sql({
    'target_relation': 'held', 'temp_relation': 'came', 'unique_key': ['id', 'part'],
    'dest_columns': [{'name': 'id'}, {'name': 'part'}, {'name': 'value'}]
}) }}
"""
BETWEEN = "-- and then"
EXTRACTS = "\n".join(
    f"union all select 'extract {place}', text, "
    f"{{{{ extract_match('text', '{pattern}', {group}) }}}} from texts"
    for place, (pattern, group) in enumerate(PATTERNS)
)
HELD = [(1, "a", "old"), (2, None, "old"), (3, "a", "old"), (4, "a", "kept")]
CAME = [(1, "a", "new"), (2, None, "new"), (3, "a", None), (5, "b", "added"), (6, "b", None)]


class Side:
    """One warehouse: dbt compiles for it, and its own engine runs what comes out."""

    def __init__(self, target: str, run, folder: Path, variables: dict[str, str]) -> None:
        self.target, self.run, self.folder, self.variables = target, run, folder, variables
        # One start of dbt for both.
        inline = f"{MERGE}{BETWEEN}{QUERY.format(whole=WHOLE, extracts=EXTRACTS)}"
        self.merge, self.query = self.compiled(inline).split(BETWEEN)

    def compiled(self, inline: str) -> str:
        variables = {
            **self.variables,
            "DBT_TARGET": self.target,
            "DBT_PROJECT_DIR": str(ROOT / "dbt_project"),
            "DBT_PROFILES_DIR": str(ROOT),
            "DBT_TARGET_PATH": str(self.folder / self.target),
            "DBT_LOG_PATH": str(self.folder / self.target),
            "TRENDHOUSE_ROOT": str(ROOT),
            "TRENDHOUSE_WAREHOUSE": str(self.folder / "macros.duckdb"),
            "TRENDHOUSE_LAKE": str(self.folder),
        }
        done = subprocess.run(
            [DBT, "--quiet", "compile", "--output", "json", "--inline", inline],
            env={**os.environ, **variables},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout[done.stdout.index("{") :])["compiled"]


@pytest.fixture(scope="module", params=TARGETS)
def side(request, tmp_path_factory, emulator):
    folder = tmp_path_factory.mktemp(f"macros_{request.param}")
    variables = emulator.environment("macros")
    if request.param == "duckdb":
        with duckdb.connect() as connection:
            yield Side("duckdb", lambda sql: connection.execute(sql).fetchall(), folder, variables)
        return
    with connect(emulator.account("macros"), "macros") as connection:
        cursor = connection.cursor()
        cursor.execute("create schema if not exists macros.main")
        yield Side("snowflake", lambda sql: cursor.execute(sql).fetchall(), folder, variables)


def values(table: str, columns: str, rows: list[tuple]) -> str:
    """A statement that makes a table of literals."""
    listed = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
    return f"create or replace table {table} as select * from (values {listed}) as t ({columns})"


def literal(value: object) -> str:
    if value is None:
        return "cast(null as varchar)"
    return str(value) if isinstance(value, int) else f"'{value}'"


def expected() -> list[tuple]:
    rows = []
    for text in MOMENTS:
        moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("UTC"))
        rows.append(("date UTC", text, str(moment.date())))
        rows.append(("date Seoul", text, str(moment.astimezone(ZoneInfo("Asia/Seoul")).date())))
    rows += [("length", text, text and str(len(json.loads(text)))) for text in LISTS]
    for text in TEXTS:
        held = None if text is None else str(re.fullmatch(WHOLE, text) is not None).lower()
        rows.append(("match", text, held))
        for place, (pattern, group) in enumerate(PATTERNS):
            found = re.search(pattern, text or "")
            rows.append((f"extract {place}", text, (found and found[group]) or ""))
    return normalised(rows)


def test_dates_lists_and_patterns_mean_the_same(side):
    side.run(values("lists", "text", [(each,) for each in LISTS]))
    side.run(values("texts", "text", [(each,) for each in TEXTS]))
    side.run(values("plain_moments", "text", [(each,) for each in MOMENTS]))
    side.run(
        "create or replace table moments as select text, cast(text as timestamp) as moment from plain_moments"
    )
    found = side.run(side.query)
    assert normalised(found) == expected()


def test_changed_keys_replace_add_and_remove_rows_also_under_null_keys(side):
    side.run(values("held", "id, part, value", HELD))
    side.run(values("came", "id, part, value", CAME))
    for statement in side.merge.split(";"):
        side.run(statement)
    assert normalised(side.run("select id, part, value from held")) == normalised(
        [(1, "a", "new"), (2, None, "new"), (4, "a", "kept"), (5, "b", "added")]
    )


def test_a_descending_order_says_where_nulls_stand():
    """Snowflake puts them first where DuckDB puts them last."""
    silent = [
        f"{path.stem}: {line.strip()}"
        for folder in ("models", "macros", "tests")
        for path in (ROOT / "dbt_project" / folder).rglob("*.sql")
        for line in path.read_text().splitlines()
        if re.search(r"\bdesc\b(?! nulls (first|last))", line)
    ]
    assert silent == []
