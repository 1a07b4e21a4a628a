"""What vanishes upstream ends in the histories, and comes back into them."""

from datetime import datetime

from tests.dbt.conftest import Dbt, day, moment

RELEASE = {"id": 5, "repository_id": 1, "tag_name": "v1.0", "draft": False, "prerelease": False}
GONE = {"object_type": "releases", "object_key": "5", "repository_id": 1, "evidence": "404"}
BUILD = ("build", "--select", "+snap_github__releases", "+snap_endoflife__release_dates")


def observed(row: dict, when: str, **values) -> dict:
    return {**row, **values, "observed_at": moment(when)}


def periods(dbt: Dbt, snapshot: str, columns: str) -> list[tuple]:
    return dbt.rows(
        f"select {columns}, dbt_valid_from, dbt_valid_to from snapshots.{snapshot} order by 1, 3"
    )


def test_a_release_that_vanishes_and_returns_has_three_periods(dbt):
    first, gone, back = (datetime(2024, 1, number) for number in (1, 2, 3))
    for tables in (
        {"github.releases": [observed(RELEASE, "2024-01-01")]},
        {"github.tombstones": [observed(GONE, "2024-01-02", is_deleted=True)]},
        {"github.tombstones": [observed(GONE, "2024-01-03", is_deleted=False)]},
    ):
        dbt.clean.deduplicate(tables)
        dbt(*BUILD)
    dbt(*BUILD)

    assert periods(dbt, "snap_github__releases", "release_id, is_deleted") == [
        ("5", False, first, gone),
        ("5", True, gone, back),
        ("5", False, back, None),
    ]


def test_a_date_that_is_restated_and_then_withdrawn_has_three_periods(dbt):
    first, second, third = (datetime(2024, 1, number) for number in (1, 2, 3))
    stated = {"product": "kafka", "product_name": "Apache Kafka", "version": "1.0"}
    other = {**stated, "version": "2.0", "released_on": day("2021-01-01")}
    for rows in (
        [observed(stated, "2024-01-01", released_on=day("2020-01-01"))],
        [observed(stated, "2024-01-02", released_on=day("2020-02-02"))],
        [observed(other, "2024-01-03")],
    ):
        dbt.clean.deduplicate(
            {"endoflife.release_dates": rows, "endoflife.release_date_history": rows}
        )
        dbt(*BUILD)

    assert periods(
        dbt, "snap_endoflife__release_dates", "version, released_date, is_withdrawn"
    ) == [
        ("1.0", day("2020-01-01"), False, first, second),
        ("1.0", day("2020-02-02"), False, second, third),
        ("1.0", day("2020-02-02"), True, third, None),
        ("2.0", day("2021-01-01"), False, third, None),
    ]
