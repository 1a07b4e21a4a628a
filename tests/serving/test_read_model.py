"""The read model says what the published marts say, and of a new publication only what changed is written."""

from __future__ import annotations

import os
from datetime import date, datetime

import duckdb
import pytest

from serving import read_model
from serving.completeness import STREAMS
from serving.model import Model
from serving.publication import Publication
from trendhouse.declared.marts import contracts
from trendhouse.declared.sources import landed_specs
from warehouse.published import NothingPublished, connect

DAY = datetime(2026, 10, 31, 20, 0, 0, 250_000)


@pytest.fixture
def filled(house):
    house.product("spark", "4.1.0", DAY.date())
    house.release("spark", "4.1.0", DAY)
    house.release("spark", "4.2.0-rc1", DAY, is_prerelease=True, released_at=None)
    house.insert("repositories", repository_id="1", repository_name="apache/spark", star_count=7)
    for day, stars in ((1, 5), (2, 7)):
        house.insert(
            "repositories_daily",
            repository_id="1",
            calendar="UTC",
            observed_date=date(2026, 11, day),
            star_count=stars,
        )
    house.insert(
        "repositories_daily", repository_id="1", calendar="UTC", observed_date=date(2026, 10, 31)
    )
    house.publish()
    return house


def build(house) -> Model:
    return Model(read_model.build(Publication.newest(house.place)))


def test_half_a_model_is_built_again(filled):
    path = read_model.build(Publication.newest(filled.place))
    before = served(Model(path))
    os.truncate(path, path.stat().st_size // 2)
    assert not read_model.is_whole(path)
    assert served(build(filled)) == before


def served(model: Model) -> dict[str, list[tuple]]:
    return {
        mart: sorted((tuple(row)[:-1] for row in model.rows(f"select * from {mart}")), key=repr)
        for mart in read_model.SERVED
    }


def published(house) -> dict[str, list[tuple]]:
    """The same rows by plain Python, out of the views that `trendhouse query` reads."""
    connection = connect(house.place)
    found = {}
    for mart in read_model.SERVED:
        columns = ", ".join(f'"{name}"' for name in contracts()[mart].columns)
        rows = connection.execute(f'select {columns} from "{mart}"').fetchall()
        found[mart] = sorted((tuple(map(plain, row)) for row in rows), key=repr)
    return found


def plain(value):
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value


def test_every_row_is_that_of_the_published_marts(filled):
    assert served(build(filled)) == published(filled)
    assert [len(rows) for name, rows in published(filled).items() if rows] == [1, 2, 1, 3]


def test_a_later_publication_writes_only_what_changed_and_leaves_open_models_alone(filled):
    before = build(filled)
    months = before.rows("select * from _partitions where mart = 'repositories_daily'")
    assert len(months) == 2
    before_rows = served(before)
    filled.insert(
        "repositories_daily",
        repository_id="1",
        calendar="UTC",
        observed_date=date(2026, 12, 1),
        star_count=9,
    )
    filled.sql("update marts.products set latest_version = '4.2.0'", "delete from marts.releases")
    filled.publish()
    after = build(filled)
    assert served(after) == published(filled)
    assert after.row("select count(*) from releases")[0] == 0
    # The rows of November are the ones that were there, under their old row ids.
    november = "select rowid, * from repositories_daily where observed_date < '2026-12-01'"
    assert [*map(tuple, after.rows(november))] == [*map(tuple, before.rows(november))]
    assert served(before) == before_rows
    assert [path.name for path in filled.place.serving.glob("*.sqlite")] == [after.path.name]


def test_a_build_that_was_killed_is_done_again(filled):
    publication = Publication.newest(filled.place)
    path = read_model.path_of(publication)
    path.parent.mkdir()
    path.with_suffix(".part").write_bytes(b"half")
    assert served(Model(read_model.build(publication))) == published(filled)
    assert not path.with_suffix(".part").exists()


def test_a_mart_or_column_that_an_older_publication_lacks_is_empty(filled):
    filled.sql("alter table marts.products drop column has_dissent", "drop table marts.licenses")
    filled.publish()
    model = build(filled)
    assert model.row("select has_dissent, latest_version from products")[:] == (None, "4.1.0")
    assert model.rows("select spdx_id from licenses") == []


def test_what_is_asked_often_is_found_by_an_index(filled):
    model = build(filled)
    for sql in (
        "select * from releases where product_name in ('a', 'b') order by released_date desc limit 9",
        "select * from repositories where repository_name = 'A/b' collate nocase",
        "select * from repositories order by star_count desc limit 100",
        "select * from repositories_daily where repository_id = '1' and calendar = 'UTC'",
    ):
        plan = " ".join(row["detail"] for row in model.rows(f"explain query plan {sql}"))
        assert "USING INDEX" in plan, plan


def test_nothing_published_is_said(house):
    with pytest.raises(NothingPublished, match="make run"):
        Publication.newest(house.place)


def test_a_model_serves_without_its_published_files(filled):
    model = build(filled)
    for path in filled.place.published.rglob("*.parquet"):
        path.unlink()
    with pytest.raises(duckdb.Error):
        connect(filled.place).execute("select * from products")
    assert model.row("select latest_version from products")[0] == "4.1.0"


def test_completeness_is_told_of_every_mart_by_streams_that_there_are():
    streams = {f"{spec.name}.{table}" for spec in landed_specs() for table in spec.tables}
    assert STREAMS.keys() == contracts().keys()
    assert {each for streams_of in STREAMS.values() for each in streams_of} <= streams
