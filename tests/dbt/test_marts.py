"""The marts say what plain Python computes from the same clean rows."""

import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.dbt.conftest import Dbt, begin, day, moment
from tests.dbt.histories import GROWING, TYPED, History

CALENDARS = ("UTC", "Asia/Seoul")
BOTS = {"dependabot[bot]", "renovate", "k8s-ci-robot", "quiet"}


def local_date(value: datetime, calendar: str):
    return value.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(calendar)).date()


def author(commit: dict) -> object:
    return commit.get("author_id") or commit["author_email"]


@pytest.fixture(scope="module")
def world(dbt_folder) -> tuple[Dbt, dict[str, list[dict]]]:
    """Twelve days of a random history, built, and the rows it was made of by clean table."""
    with pytest.MonkeyPatch.context() as patch:
        dbt = begin(dbt_folder, patch)
        rows = build(dbt)
    # Other tests begin anew in the same place.
    dbt.warehouse = dbt.warehouse.replace(dbt_folder / "world.duckdb")
    return dbt, rows


def build(dbt: Dbt) -> dict[str, list[dict]]:
    history, rows = History(7), defaultdict(list)
    for number in range(12):
        tables = history.day(number)
        dbt.clean.deduplicate(tables)
        for name, added in tables.items():
            rows[name].extend(added)
    dbt("seed")
    dbt("run", "--select", " ".join(f"+{name}" for name in GROWING))
    return rows


def test_commits_are_counted_by_the_authors_day_in_both_calendars(world):
    dbt, rows = world
    expected: dict[tuple, list[dict]] = defaultdict(list)
    gone = {
        row["object_key"]: row["is_deleted"]
        for row in rows["github.tombstones"]
        if row["object_type"] == "commits"
    }
    assert True in gone.values() and False in gone.values()
    for commit in rows["github.commits"]:
        if gone.get(f"{commit['repository_id']}/{commit['sha']}"):
            continue
        for calendar in CALENDARS:
            key = (
                str(commit["repository_id"]),
                calendar,
                local_date(commit["authored_at"], calendar),
            )
            expected[key].append(commit)

    found = dbt.rows("""
        select repository_id, calendar, commit_date, commit_count, commit_without_bots_count,
            merge_commit_count, author_count, author_without_bots_count
        from marts.commits_daily
    """)
    assert sorted(found) == sorted(
        (
            *key,
            len(commits),
            sum(c["author_login"] not in BOTS for c in commits),
            sum(len(json.loads(c["parents"])) > 1 for c in commits),
            len({author(c) for c in commits}),
            len({author(c) for c in commits if c["author_login"] not in BOTS}),
        )
        for key, commits in expected.items()
    )


def test_events_are_counted_by_type_and_hour(world):
    dbt, rows = world
    typed = any(commit.get("author_id") == TYPED for commit in rows["github.commits"])
    assert typed and dbt.rows(
        "select sum(event_count), sum(event_without_bots_count) from marts.events_hourly"
    ) == [
        (
            len(rows["gharchive.events"]),
            sum(
                e["actor_login"] not in BOTS and e["actor_id"] != TYPED
                for e in rows["gharchive.events"]
            ),
        )
    ]
    expected = Counter(
        (str(e["repository_id"]), e["event_type"], e["created_at"].replace(minute=0, second=0))
        for e in rows["gharchive.events"]
    )
    found = dbt.rows(
        "select repository_id, event_type, event_hour, event_count from marts.events_hourly"
    )
    assert {row[:3]: row[3] for row in found} == expected


def test_every_ranking_line_is_a_repositorys_or_unresolved(world):
    dbt, rows = world
    lines = {
        (r["ranking_date"], r["list_name"], r["list_rank"]) for r in rows["github_ranking.rankings"]
    }
    resolved = dbt.rows("""
        select ranking_date, list_name, list_rank, repository_id is null
        from intermediate.int_rankings_resolved
    """)
    unresolved = dbt.rows(
        "select ranking_date, list_name, list_rank from marts.unresolved_rankings"
    )

    assert {row[:3] for row in resolved} == lines
    assert sorted(unresolved) == sorted(row[:3] for row in resolved if row[3])
    assert ("Nobody/knows", "unknown name") in dbt.rows(
        "select distinct repository_name, reason from marts.unresolved_rankings"
    )


def test_stars_of_a_day_are_the_apis_last_reading_and_growth_looks_back_exactly(world):
    dbt, rows = world
    api: dict[tuple, dict] = {}
    for name in ("github.repository_observations", "github.repository_counters"):
        for reading in rows[name]:
            for calendar in CALENDARS:
                key = (str(reading["id"]), calendar, local_date(reading["observed_at"], calendar))
                if key not in api or reading["observed_at"] > api[key]["observed_at"]:
                    api[key] = reading
    found = {
        row[:3]: row[3:]
        for row in dbt.rows("""
            select repository_id, calendar, observed_date, origin, star_count, star_growth_1d, star_growth_7d
            from marts.repositories_daily
        """)
    }
    assert {key: row[1] for key, row in found.items() if row[0] == "api"} == {
        key: reading["stargazers_count"] for key, reading in api.items()
    }
    assert {row[0] for row in found.values()} == {"api", "ranking", "archive"}
    for (repository, calendar, date), (_, stars, *growths) in found.items():
        for growth, days in zip(growths, (1, 7), strict=True):
            before = found.get((repository, calendar, date - timedelta(days=days)))
            assert growth == (stars - before[1] if before else None)


def test_issues_are_the_last_states_without_pull_requests(world):
    dbt, rows = world
    last = {row["id"]: row for row in rows["github.issues"]}
    gone = {row["object_key"]: row["is_deleted"] for row in rows["github.tombstones"]}

    found = dbt.rows("select issue_id, state, is_bot, is_deleted from marts.issues")
    assert sorted(found) == sorted(
        (str(i), row["state"], row["user_login"] in BOTS, gone.get(str(i), False))
        for i, row in last.items()
        if row["pull_request"] is None
    )


def test_completeness_holds_the_running_sum_against_the_days_expectation(world):
    dbt, rows = world
    inserted, expected = Counter(), {}
    for row in rows["ledger.reconciliations"]:
        inserted[row["observed_date"]] += row["inserted_count"]
    for row in rows["ledger.captures"]:
        expected[row["observed_date"]] = (row["captured_count"] / row["expected_count"], row)
    last = {row["object_key"]: row for row in rows["github.tombstones"]}
    deleted = Counter(
        row["observed_at"].date()
        for row in last.values()
        if row["is_deleted"] and row["repository_id"] == 1 and row["object_type"] == "issues"
    )
    found = dbt.rows("""
        select observed_date, held_count, capture_rate, is_below_floor
        from marts.completeness where partition_name = '1' and stream_name = 'issues'
    """)
    assert len(found) == 12
    for date, held, rate, is_below in found:
        until = [d for d in {*inserted, *deleted} if d <= date]
        assert held == sum(inserted[d] - deleted[d] for d in until)
        assert rate == pytest.approx(expected[date][0])
        assert is_below == expected[date][1]["is_below_floor"]


def test_the_last_verdict_on_the_last_reading_of_a_day_stands(dbt):
    named = {"source_name": "gharchive", "table_name": "events", "partition_name": "2015-01-01-3"}
    capture = {
        **named,
        "method": "lines of the file",
        "measure": "landed",
        "expected_count": 7000,
        "floor_capture_rate": 1.0,
        "floor_action": "block",
        "observed_date": day("2015-01-01"),
        "observed_at": moment("2015-01-01 03:00"),
    }
    for captured, is_below in ((7000, False), (0, True)):
        row = {**capture, "captured_count": captured, "is_below_floor": is_below}
        dbt.clean.deduplicate({"ledger.captures": [row]})
    dbt("seed")
    dbt("run", "--select", "+completeness")

    assert dbt.rows("""
        select observed_date, expected_count, landed_count, capture_rate, is_below_floor, floor_action
        from marts.completeness
    """) == [(day("2015-01-01"), 7000, 0, 0.0, True, "block")]
