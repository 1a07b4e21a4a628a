"""A world for the API's tests: three repositories, their days, releases and issues, published once."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.serving.conftest import NOW, House
from trendhouse.settings import Settings, load_settings

DAY = datetime(2026, 11, 1, 20, 0, 0, 250_000)


def moment(day: int, hour: int = 20) -> datetime:
    return datetime(2026, 10, day, hour, 30)


# Opening and closing of the issues of repository 1; the last one upstream has deleted.
ISSUES = [
    (moment(1), moment(3, 2)),
    (moment(1, 3), None),
    (moment(3), moment(3, 21)),
    (moment(5), moment(9)),
]
IS_DELETED = 3


def activity(house: House) -> None:
    """The same for pull requests, the first of them merged."""
    for number, (opened, closed) in enumerate(ISSUES):
        for kind, key in (("issues", "issue_id"), ("pull_requests", "pull_request_id")):
            house.insert(
                kind, repository_id="1", created_at=opened, closed_at=closed,
                is_deleted=number == IS_DELETED, **{key: str(number)},
                **({"merged_at": closed} if kind == "pull_requests" and number == 0 else {}),
            )  # fmt: skip
    house.insert("issues", repository_id="2", issue_id="9", created_at=moment(1), is_deleted=False)
    house.insert("forks", repository_id="1", fork_id="1", created_at=moment(2), is_deleted=False)
    house.insert(
        "commits_daily", repository_id="1", calendar="UTC", commit_date=date(2026, 10, 2), commit_count=3
    )  # fmt: skip


def fill(folder: Path) -> None:
    """Make the world below a folder and publish it."""
    house = House(settings_of(folder).place)
    repositories(house)
    days(house)
    house.product("spark", "4.1.0", DAY.date(), repository_id="1")
    house.release("spark", "4.1.0", DAY, repository_id="1")
    house.release("spark", "4.2.0-rc1", DAY - timedelta(days=1), is_prerelease=True)
    house.release("hive", "5.0", DAY - timedelta(days=2), body="'; drop table releases; --")
    for partition, held in (("1", 8), ("2", 10)):
        house.insert(
            "completeness", source_name="github", stream_name="issues", partition_name=partition,
            observed_date=DAY.date(), expected_count=10, captured_count=held, landed_count=held, held_count=held,
            capture_rate=held / 10, is_below_floor=held < 9, floor_capture_rate=0.9, floor_action="flag",
        )  # fmt: skip
    activity(house)
    house.publish()


def repositories(house: House) -> None:
    """One with all that there may be, one that had another name, and one that upstream has deleted."""
    for number, (name, stars, language) in enumerate(
        (("apache/spark", 40, "Scala"), ("apache/hive", 10, "Java"), ("old/thing", None, "Java")), 1
    ):
        house.insert(
            "repositories", repository_id=str(number), repository_name=name, star_count=stars,
            fork_count=50 - number, language_name=language, license_key="apache-2.0",
            license_spdx_id="Apache-2.0", is_deleted=name == "old/thing", is_archived=False,
        )  # fmt: skip
    house.insert("topics", repository_id="1", topic_name="big-data")
    house.insert("languages", repository_id="1", language_name="Scala", byte_count=9)
    house.insert("languages", repository_id="1", language_name="Python", byte_count=10)
    for name, current in (("yahoo/hive", False), ("apache/hive", True)):
        house.insert(
            "repository_names", repository_id="2", repository_name=name, name_number=1 + current,
            is_current=current, last_confirmed_at=DAY,
        )  # fmt: skip


def days(house: House) -> None:
    """Three days of the first repository in both calendars."""
    for back in range(3):
        for calendar in ("UTC", "Asia/Seoul"):
            house.insert(
                "repositories_daily", repository_id="1", repository_name="apache/spark",
                calendar=calendar, origin="api", observed_date=DAY.date() - timedelta(days=back),
                star_count=40 - back, star_growth_7d=7 - back,
            )  # fmt: skip


def copied(template: Path, folder: Path, **settings: Any) -> tuple[House, Settings]:
    """The world that was made elsewhere, once more below a folder, and the settings that serve it."""
    shutil.copytree(template / "sample", folder / "sample")
    given = settings_of(folder, **settings)
    return House.standing(given.place), given


def settings_of(folder: Path, **settings: Any) -> Settings:
    return load_settings(home=folder, world="sample", now=NOW, **settings)
