"""A small world of marts, as plain rows: what the dashboards show is computed from these a second time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from tests.mart_warehouse import MartWarehouse
from trendhouse.settings import Place
from trendhouse.verdicts import Verdicts, marts_path, state_of

TODAY = date(2026, 11, 2)
NOW = datetime(2026, 11, 2, 6)
DAYS = [TODAY - timedelta(days=back) for back in reversed(range(40))]
CALENDARS = ("UTC", "Asia/Seoul")
LANGUAGES = ("Python", "Go", "Rust")
LICENSES = (("mit", "MIT License", "MIT"), ("apache-2.0", "Apache License 2.0", "Apache-2.0"))
COUNT = 9

Rows = list[dict[str, Any]]


def repositories() -> Rows:
    """Nine repositories; the last one, with most stars of all, is deleted."""
    found = []
    for number in range(COUNT):
        key, name, spdx = LICENSES[number % 2]
        found.append(
            {
                "repository_id": str(100 + number),
                "repository_name": f"owner-{number}/name-{number}",
                "language_name": LANGUAGES[number % 3],
                "license_key": key,
                "license_name": name,
                "license_spdx_id": spdx,
                "star_count": 1000 * (number + 1),
                "fork_count": 90 - number,
                "open_issue_count": number,
                "open_pull_request_count": 2,
                "release_count": 3,
                "commit_count": 500 + number,
                "is_deleted": number == COUNT - 1,
                "created_at": datetime(2015 + number, 5, 17),
            }
        )
    return found


def gain(number: int) -> int:
    """Stars a day; the third repository grows fastest."""
    return (7 * (number + 1)) % 23


def repositories_daily() -> Rows:
    found = []
    for number, each in enumerate(repositories()):
        for calendar in CALENDARS:
            for place, day in enumerate(DAYS):
                stars = each["star_count"] - gain(number) * (len(DAYS) - 1 - place)
                found.append(
                    {
                        "repository_id": each["repository_id"],
                        "repository_name": each["repository_name"],
                        "calendar": calendar,
                        "origin": "api",
                        "observed_date": day,
                        "star_count": stars,
                        "fork_count": each["fork_count"],
                        "star_growth_7d": 7 * gain(number) if place >= 7 else None,
                        "star_growth_28d": 28 * gain(number) if place >= 28 else None,
                        "fork_growth_7d": 0 if place >= 7 else None,
                    }
                )
    return found


def of_each(mart: str) -> Rows:
    """Three rows of something dated for every repository."""
    found = []
    for number, each in enumerate(repositories()):
        for place in range(3):
            found.append(
                {
                    f"{mart.removesuffix('s')}_id": f"{number}-{place}",
                    "repository_id": each["repository_id"],
                    "created_date": TODAY - timedelta(days=200 * place + number),
                    "state": "open" if place else "closed",
                }
            )
    return found


def commits_daily() -> Rows:
    return [
        {
            "repository_id": each["repository_id"],
            "calendar": calendar,
            "commit_date": day,
            "commit_without_bots_count": number + day.day,
            "bot_commit_count": number,
        }
        for number, each in enumerate(repositories())
        for calendar in CALENDARS
        for day in DAYS
    ]


def completeness() -> Rows:
    return [
        {
            "source_name": "github",
            "stream_name": stream,
            "partition_name": str(partition),
            "observed_date": day,
            "expected_count": 200,
            "captured_count": 200 - partition,
            "landed_count": 200 - partition,
            "kept_count": 190 - partition,
            "superseded_count": 10,
            "quarantined_count": 0,
            "held_count": 200 - partition,
            "capture_rate": (200 - partition) / 200,
            "floor_capture_rate": 0.98,
            "floor_action": "flag",
            "is_below_floor": (200 - partition) / 200 < 0.98,
            "clean_version": 1,
        }
        for stream in ("issues", "commits")
        for partition in range(7)
        for day in DAYS[-3:]
    ]


def rows() -> dict[str, Rows]:
    """The rows of every mart that the dashboards read."""
    ids = [each["repository_id"] for each in repositories()]
    return {
        "repositories": repositories(),
        "repositories_daily": repositories_daily(),
        "languages": [
            {"repository_id": each, "language_name": language, "byte_count": 10 * (place + 1)}
            for each in ids
            for place, language in enumerate(LANGUAGES)
        ],
        "topics": [{"repository_id": each, "topic_name": "data"} for each in ids],
        "licenses": [
            {"license_key": key, "license_name": name, "spdx_id": spdx, "repository_count": 4}
            for key, name, spdx in LICENSES
        ],
        "issues": of_each("issues"),
        "pull_requests": of_each("pull_requests"),
        "forks": [
            {name: value for name, value in each.items() if name != "state"}
            for each in of_each("forks")
        ],
        "releases": [
            {
                "repository_id": each,
                "product_name": "name",
                "version": f"1.{place}",
                "source_name": "github",
                "release_kind": "release",
                "released_date": DAYS[place],
                "is_prerelease": False,
            }
            for each in ids
            for place in range(3)
        ],
        "projects": [
            {"repository_id": each, "project_name": "Roadmap", "state": "open"} for each in ids
        ],
        "commits_daily": commits_daily(),
        **ledger(),
    }


def ledger() -> dict[str, Rows]:
    """What is told of the landing."""
    return {
        "completeness": completeness(),
        "quarantine": [
            {
                "load_id": "1",
                "source_name": "github",
                "table_name": "issues",
                "reason": "the record is not JSON",
                "record": "{",
                "collected_at": NOW,
            }
        ],
        "drift": [
            {
                "source_name": "github",
                "table_name": "issues",
                "path": "reactions",
                "kind": "unknown",
                "occurrence_count": 5,
                "first_seen_at": NOW,
            }
        ],
        "unresolved_rankings": [
            {
                "repository_name": "gone/gone",
                "list_name": "Go",
                "reason": "unknown name",
                "list_rank": 1,
                "ranking_date": TODAY,
            }
        ],
    }


def build(place: Place, domain: str = "opensource") -> None:
    """A warehouse with every mart by its contract, those rows in it, found in order."""
    MartWarehouse(place.warehouse)
    with duckdb.connect(str(place.warehouse)) as connection:
        for mart, found in rows().items():
            for row in found:
                connection.execute(
                    f"insert into marts.{mart} ({', '.join(row)}) values ({', '.join('?' * len(row))})",
                    list(row.values()),
                )
    checked(place, domain)


def checked(place: Place, domain: str = "opensource") -> None:
    """Let the suites hold on what the warehouse has now."""
    Verdicts(marts_path(place.warehouse, domain)).conclude(state_of(place.warehouse))
