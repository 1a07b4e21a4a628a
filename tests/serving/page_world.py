"""A world for the tests of pages: products with releases, a repository with its days, two languages to read it in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from serving.app import create_app
from tests.serving.conftest import NOW, House
from trendhouse.settings import Settings, load_settings

SPARK = "apache/spark"


def empty(folder: Path, **settings: Any) -> tuple[House, Settings]:
    """A house below a folder, and the settings that serve it."""
    given = load_settings(home=folder, world="sample", now=NOW, rate_limit="none", **settings)
    return House(given.place), given


def client_of(settings: Settings) -> TestClient:
    return TestClient(create_app(settings), raise_server_exceptions=False)


def at(day: date, hour: int = 6) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def repository(house: House, name: str = SPARK, id: str = "1", **values: Any) -> None:
    row = {
        "repository_id": id,
        "repository_name": name,
        "url": f"https://github.com/{name}",
        "star_count": 12_345,
        "fork_count": 50,
        "is_deleted": False,
        "is_archived": False,
        "is_fork": False,
        "is_watched": True,
        "clean_version": 1,
    }
    house.insert("repositories", **(row | values))


def counted(house: House, day: date, stars: int, origin: str, id: str = "1") -> None:
    """A repository's counters of a UTC day."""
    house.insert(
        "repositories_daily", repository_id=id, repository_name=SPARK, calendar="UTC", origin=origin,
        star_count=stars, fork_count=50, clean_version=1, observed_date=day, observed_at=at(day),
    )  # fmt: skip


def issue(house: House, number: int, opened: date, closed: date | None) -> None:
    house.insert(
        "issues", issue_id=str(number), repository_id="1", title="x", is_deleted=False,
        is_open=closed is None, created_date=opened, created_at=at(opened), clean_version=1,
        closed_date=closed, closed_at=closed and at(closed),
    )  # fmt: skip


def captured(
    house: House,
    stream: str,
    partition: str,
    expected: int,
    landed: int,
    action: str = "flag",
    day: date = date(2026, 11, 1),
) -> None:
    """A line of GitHub's ledger, whose floor is 0.9."""
    house.insert(
        "completeness", source_name="github", stream_name=stream, partition_name=partition,
        measure="held", expected_count=expected, captured_count=landed, landed_count=landed, held_count=landed,
        kept_count=landed, superseded_count=0, quarantined_count=0, inserted_count=landed, deleted_count=0,
        capture_rate=landed / expected, is_below_floor=landed < 0.9 * expected, floor_capture_rate=0.9,
        floor_action=action, observed_date=day, clean_version=1,
    )  # fmt: skip


def fill_releases(house: House) -> None:
    """Two versions of spark, the older one a pre-release, and one of hive."""
    for name, version, day in (("spark", "4.1.0", 31), ("hive", "4.2.0", 20)):
        house.product(name, version, date(2026, 10, day))
    evening = at(date(2026, 10, 31), 20)
    house.release("spark", "4.1.0", evening, released_date_seoul=date(2026, 11, 1))
    for product, version, day, is_early in (
        ("spark", "4.1.0-rc1", 28, True),
        ("hive", "4.2.0", 20, False),
    ):
        day = date(2026, 10, day)
        house.release(product, version, at(day), is_prerelease=is_early, released_date_seoul=day)


def fill_old(house: House, product: str, count: int) -> None:
    """Versions 0.0, 0.1, … of a product, a day apart, back from 1 September."""
    newest = date(2026, 9, 1)
    house.product(product, "0.0", newest)
    house.release(product, "0.0", at(newest), released_date_seoul=newest)
    house.sql(
        "insert into marts.releases select releases.* replace ('0.' || n as version, released_at - to_days(n::int) "
        "as released_at, released_date - n::int as released_date, released_date_seoul - n::int as released_date_seoul) "
        f"from marts.releases, range(1, {count}) as numbers (n) where product_name = '{product}'"
    )


def fill_repository(house: House) -> None:
    """`apache/spark`: 10 days of a ranking, a gap, two days of the API, three issues, a product."""
    repository(house)
    for number in range(10):
        counted(house, date(2026, 10, 1) + timedelta(number), 12_000 + 10 * number, "ranking")
    counted(house, date(2026, 10, 20), 12_300, "api")
    counted(house, date(2026, 10, 21), 12_345, "api")
    for number, closed in enumerate([date(2026, 10, 7), None, date(2026, 10, 15)]):
        issue(house, number, date(2026, 10, 5) + timedelta(number), closed)
    day = date(2026, 10, 5)
    house.release("spark-core", "4.1.0", at(day), repository_id="1", released_date_seoul=day)
    house.product("spark-core", "4.1.0", day, repository_id="1", end_of_life_date=date(2026, 10, 6))
    captured(house, "repository_counters", "1", 10_000, 9_876)
