"""What may be published: this very state, checked, and of it every mart whose suite holds."""

from __future__ import annotations

import duckdb
import pytest

from expectations.marts.opensource import SUITES as MARTS
from orchestration import steps
from trendhouse.settings import load_settings
from trendhouse.verdicts import CLEAN, Verdicts, marts_path
from warehouse.publish import PublicationBlocked, publish
from warehouse.published import connect, current


def test_marts_that_were_not_checked_since_they_were_built_are_refused(house):
    with duckdb.connect(str(house.place.warehouse)) as connection:
        connection.execute("insert into marts.products values ('python', '3.14.0')")
    with pytest.raises(PublicationBlocked, match="have not been checked since they were built"):
        publish(house.place)


def test_a_clean_table_that_broke_its_promise_refuses_publication(house):
    from expectations.clean.endoflife import SUITES

    verdicts = Verdicts(house.place.lake.clean / "endoflife" / CLEAN)
    verdicts.keep("release_cycles", SUITES["release_cycles"], [], holds=False)
    with pytest.raises(PublicationBlocked, match=r"clean\.endoflife\.release_cycles"):
        publish(house.place)


def refuse(house, mart: str, *, is_tolerable: bool = False) -> None:
    verdicts = Verdicts(marts_path(house.place.warehouse, "opensource"))
    said = {"broken": [f"{mart} broke"], "is_tolerable": is_tolerable}
    verdicts.keep(mart, MARTS[mart], -1, holds=False, **said)


def test_of_a_mart_that_does_not_hold_readers_keep_the_last_version(house):
    house.sql("insert into marts.products values ('python', '3.13.0')")
    publish(house.place)
    house.sql("update marts.products set latest_version = 'none'")
    house.sql("insert into marts.drift (path) values ('x')")
    refuse(house, "products")
    outcome = steps.publish(settings=load_settings(home=house.place.root.parent, world="sample"))
    assert [line.partition(",")[0] for line in outcome.failures] == [
        "mart products is not published"
    ]
    assert "readers keep its last version" in outcome.failures[0]
    readers = connect(house.place)
    assert readers.execute("select * from products").fetchall() == [("python", "3.13.0")]
    assert readers.execute("select path from drift").fetchall() == [("x",)]
    house.sql("update marts.products set latest_version = '3.14.0'")
    Verdicts(marts_path(house.place.warehouse, "opensource")).keep(
        "products", MARTS["products"], -1, holds=True
    )
    assert publish(house.place).refused == []
    assert connect(house.place).execute("select latest_version from products").fetchone() == (
        "3.14.0",
    )


def test_a_mart_that_was_never_published_and_does_not_hold_is_not_there(house):
    refuse(house, "products")
    (said,) = publish(house.place).refused
    assert "readers have none yet" in said and "products" not in current(house.place)["marts"]


def test_a_mart_with_a_few_odd_rows_is_published_and_flagged(house):
    house.sql("insert into marts.products values ('python', '3.13.0')")
    refuse(house, "products", is_tolerable=True)
    publication = publish(house.place)
    assert (publication.refused, publication.flagged) == ([], ["products broke"])
    assert connect(house.place).execute("select count(*) from products").fetchone() == (1,)


def test_where_no_mart_holds_nothing_is_published(house):
    publish(house.place)
    before = (house.place.published / "CURRENT.json").read_text()
    for mart in ("completeness", "products", "events_hourly", "quarantine", "drift"):
        refuse(house, mart)
    with pytest.raises(PublicationBlocked, match=r"marts\.opensource\.products"):
        publish(house.place)
    assert (house.place.published / "CURRENT.json").read_text() == before


def test_what_the_warehouse_was_built_from_must_have_been_checked(house):
    from expectations.clean.endoflife import SUITES

    def built_from(version: int) -> None:
        house.sql(
            "create schema if not exists operations",
            "create or replace table operations.clean_versions as "
            f"select 'endoflife' as source_name, 'release_cycles' as table_name, {version} as version",
        )

    verdicts = Verdicts(house.place.lake.clean / "endoflife" / CLEAN)
    suite = SUITES["release_cycles"]
    built_from(4)
    verdicts.keep("release_cycles", suite, ["0/2-0.parquet", "1/3-0.parquet"], holds=True)
    with pytest.raises(PublicationBlocked, match=r"endoflife\.release_cycles.*check clean"):
        publish(house.place)
    verdicts.keep("release_cycles", suite, ["0/2-0.parquet", "1/4-0.parquet"], holds=True)
    assert publish(house.place).version == 1
    # A deduplication that came while the marts were built, and its check, change nothing.
    verdicts.keep("release_cycles", suite, ["0/9-0.parquet", "1/4-0.parquet"], holds=True)
    publish(house.place)
