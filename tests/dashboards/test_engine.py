"""The way to the published marts, without Superset around it; and the copy for a Superset elsewhere."""

from __future__ import annotations

import duckdb
import pytest

from dashboards.engine import connect
from dashboards.specs import domains, load
from dashboards.tables import write_tables
from warehouse.published import connect as published


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_text('{root}/secret')",
        "select * from read_parquet('{root}/*.parquet')",
        "copy (select 1) to '{root}/written.parquet'",
        "set enable_external_access = true",
        "attach '{root}/warehouse/warehouse.duckdb' as warehouse",
    ],
)
def test_a_query_reaches_no_file_but_what_is_published(place, statement):
    (place.root / "secret").touch()
    with connect(place.published) as connection:
        assert connection.execute("select count(*) from published.topics").fetchall()[0][0]
        with pytest.raises(duckdb.Error, match=r"[Pp]ermission|locked|disabled"):
            connection.execute(statement.format(root=place.root))


def test_its_rows_are_those_of_trendhouse_query(place):
    with connect(place.published) as ours, published(place) as theirs:
        for (mart,) in theirs.execute(
            "select view_name from duckdb_views() where not internal"
        ).fetchall():
            count = f'count(*), sum(hash("{mart}"))'
            assert (
                ours.execute(f'select {count} from published."{mart}"').fetchall()
                == theirs.execute(f'select {count} from "{mart}"').fetchall()
            ), mart


def test_the_copy_holds_what_the_dashboards_read_and_no_person(place, tmp_path):
    file = tmp_path / "marts.duckdb"
    used = {name: mart for each in map(load, domains()) for name, mart in each.marts.items()}
    count = write_tables(place.published, file)
    assert list(tmp_path.iterdir()) == [file], "nothing is left beside it"
    with connect(place.published) as ours, duckdb.connect(str(file), read_only=True) as copy:
        tables = copy.execute("select table_name from duckdb_tables()").fetchall()
        assert len(tables) == count == len(load("opensource").all_used_marts)
        for (name,) in tables:
            columns = [row[0] for row in copy.execute(f"describe published.{name}").fetchall()]
            assert columns == list(used[name].columns)
            listed = ", ".join(columns)
            assert sorted(
                copy.execute(f"select {listed} from published.{name}").fetchall(), key=repr
            ) == sorted(ours.execute(f"select {listed} from published.{name}").fetchall(), key=repr)
