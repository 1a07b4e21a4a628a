"""The run on real data recorded by others, against figures computed another way."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from packaging.version import InvalidVersion, Version

from tests.published_marts import differences, marts
from trendhouse.settings import Place
from warehouse.published import connect

HISTORIES = {
    "vue": "vuejs/vue",
    "redux": "reduxjs/redux",
    "flask": "pallets/flask",
    "recoil": "facebookexperimental/Recoil",
}
HOURS = ("2015-01-01-0", "2015-01-01-1")
SEOUL = ZoneInfo("Asia/Seoul")


def run(shared_data: Path, home: Path) -> Place:
    """Run the world of the recordings once more; where it lies."""
    done = subprocess.run(
        [Path(sys.executable).parent / "trendhouse", "run", "--recorded", shared_data],
        env={**os.environ, "TRENDHOUSE_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Place(home / "recorded")


@pytest.fixture(scope="session")
def place(shared_data, tmp_path_factory):
    return run(shared_data, tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="session")
def recorded(place):
    """A connection to the marts that one run over the recordings published."""
    return connect(place)


@pytest.fixture(scope="session")
def events(shared_data):
    """Every event of the two recorded hours, read by nothing but gzip and json."""
    found = []
    for hour in HOURS:
        with gzip.open(shared_data / "gharchive" / f"{hour}.emailhashed.json.gz", "rt") as lines:
            found += [json.loads(line) for line in lines]
    return found


@pytest.fixture(scope="session")
def ranking_rows(shared_data):
    """(day, row) of every line of every ranking file, read by nothing but gzip and csv."""
    found = []
    for path in sorted((shared_data / "ranking").glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            found += [(path.name[15:25], row) for row in csv.DictReader(lines)]
    return found


def test_events_are_counted_by_repository_type_and_hour(recorded, events):
    expected = Counter(
        (str(event["repo"]["id"]), event["type"], event["created_at"][:13].replace("T", " "))
        for event in events
    )
    rows = recorded.execute("""
        select repository_id, event_type, strftime(event_hour, '%Y-%m-%d %H'), event_count
        from events_hourly where event_hour >= '2015-01-01' and event_hour < '2015-01-01 02:00'
    """).fetchall()
    assert sum(expected.values()) == 15_129
    assert {row[:3]: row[3] for row in rows} == dict(expected)


def test_every_repository_of_the_events_is_known_by_its_id(recorded, events):
    expected = {str(event["repo"]["id"]) for event in events}
    rows = recorded.execute(
        "select distinct repository_id from events_hourly where event_hour < '2015-01-01 02:00'"
    )
    assert {row[0] for row in rows.fetchall()} == expected


def test_a_name_with_two_ids_stays_two_repositories(recorded, events):
    ids = defaultdict(set)
    for event in events:
        ids[event["repo"]["name"].lower()].add(str(event["repo"]["id"]))
    twice = {name: found for name, found in ids.items() if len(found) > 1}
    assert len(twice) >= 10
    rows = recorded.execute(
        "select lower(repository_name), repository_id from repository_names"
    ).fetchall()
    known = defaultdict(set)
    for name, repository_id in rows:
        known[name].add(repository_id)
    assert {name: known[name] for name in twice} == twice


def test_every_ranking_row_reaches_clean_or_quarantine(recorded, ranking_rows):
    landed, kept, superseded, quarantined = recorded.execute("""
        select sum(landed_count), sum(kept_count), sum(superseded_count), sum(quarantined_count)
        from completeness where source_name = 'github_ranking' and stream_name = 'rankings'
    """).fetchone()
    assert len(ranking_rows) == 263_533
    assert landed == len(ranking_rows)
    assert kept + quarantined == len(ranking_rows)
    assert superseded == 0


def test_stars_of_january_2023_are_those_of_the_files(recorded, ranking_rows):
    expected = defaultdict(int)
    for day, row in ranking_rows:
        if day.startswith("2023-01"):
            name = row["repo_url"].removeprefix("https://github.com/").lower()
            expected[day, name] = max(expected[day, name], int(row["stars"]))
    resolved = recorded.execute("""
        select strftime(observed_date, '%Y-%m-%d'), lower(repository_name), star_count
        from repositories_daily
        where calendar = 'UTC' and origin = 'ranking' and observed_date between '2023-01-01' and '2023-01-31'
    """).fetchall()
    unresolved = recorded.execute("""
        select strftime(ranking_date, '%Y-%m-%d'), lower(repository_name), max(star_count)
        from unresolved_rankings where ranking_date between '2023-01-01' and '2023-01-31' group by all
    """).fetchall()
    assert len(resolved) > 0 and len(unresolved) > 0
    assert not {row[:2] for row in resolved} & {row[:2] for row in unresolved}
    assert {row[:2]: row[2] for row in (*resolved, *unresolved)} == dict(expected)


def test_a_ranking_day_is_the_seoul_day_that_holds_its_end(recorded):
    shift = recorded.execute("""
        select distinct seoul.observed_date - utc.observed_date
        from repositories_daily as utc
        inner join repositories_daily as seoul
            on utc.repository_id = seoul.repository_id
            and utc.observed_at = seoul.observed_at
            and seoul.calendar = 'Asia/Seoul'
        where utc.calendar = 'UTC' and utc.origin = 'ranking'
    """).fetchall()
    assert shift == [(1,)]


def test_one_row_per_repository_calendar_and_day(recorded):
    total, distinct = recorded.execute("""
        select count(*), count(distinct (repository_id, calendar, observed_date)) from repositories_daily
    """).fetchone()
    assert total == distinct > 0


def commits(shared_data, repository):
    path = shared_data / "git_history" / f"{repository.replace('/', '__')}.commits.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


@pytest.mark.parametrize("repository", HISTORIES.values())
@pytest.mark.parametrize("calendar, zone", [("UTC", UTC), ("Asia/Seoul", SEOUL)])
def test_commits_are_counted_by_the_authors_day(recorded, shared_data, repository, calendar, zone):
    expected = Counter(
        datetime.fromisoformat(row["author_date"]).astimezone(zone).date()
        for row in commits(shared_data, repository)
    )
    rows = recorded.execute(
        """
        select commits_daily.commit_date, commits_daily.commit_count
        from commits_daily
        inner join repositories using (repository_id)
        where repositories.repository_name = ? and calendar = ?
        """,
        [repository, calendar],
    ).fetchall()
    assert dict(rows) == dict(expected)


@pytest.mark.parametrize("repository", HISTORIES.values())
def test_merges_and_bots_of_the_histories_are_flagged(recorded, shared_data, repository):
    found = list(commits(shared_data, repository))
    merges = sum(int(row["n_parents"]) > 1 for row in found)
    bots = sum(row["is_bot"] == "1" for row in found)
    rows = recorded.execute(
        """
        select sum(merge_commit_count), sum(bot_commit_count)
        from commits_daily inner join repositories using (repository_id)
        where repository_name = ? and calendar = 'UTC'
        """,
        [repository],
    ).fetchone()
    assert rows == (merges, bots)


def tags(shared_data, repository):
    path = shared_data / "git_history" / f"{repository.replace('/', '__')}.tags.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [row["tag"] for row in csv.DictReader(lines, delimiter="\t")]


@pytest.mark.parametrize("product, repository", HISTORIES.items())
def test_every_tag_of_the_histories_is_a_release(recorded, shared_data, product, repository):
    rows = recorded.execute(
        "select tag_name from releases where product_name = ? and source_name = 'github'", [product]
    )
    assert sorted(row[0] for row in rows.fetchall()) == sorted(tags(shared_data, repository))


def endoflife(shared_data):
    """{product: {version: date}} of each product's newest snapshot."""
    newest = {}
    for path in sorted((shared_data / "eol").glob("*/*.json")):
        content = json.loads(path.read_text())
        versions = content.get("versions", content)
        newest[path.stem] = {
            name: value if isinstance(value, str) else value["date"]
            for name, value in versions.items()
        }
    return newest


def stable(names):
    """The versions among `names` that PEP 440 calls final, as written, by their order."""
    found = {}
    for name in names:
        try:
            version = Version(name)
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            found[version] = name
    return found


def test_the_latest_version_is_the_highest_stable_one(recorded, shared_data):
    versions = {product: set(dates) for product, dates in endoflife(shared_data).items()}
    for product, repository in HISTORIES.items():
        versions.setdefault(product, set()).update(tags(shared_data, repository))
    latest = dict(recorded.execute("select product_name, latest_version from products").fetchall())
    expected = {
        product: max(found) for product, names in versions.items() if (found := stable(names))
    }
    assert {product: Version(latest[product]) for product in expected} == expected


def test_endoflife_restatements_are_kept(recorded, shared_data):
    stated = defaultdict(set)
    for path in sorted((shared_data / "eol").glob("*/*.json")):
        content = json.loads(path.read_text())
        for name, value in content.get("versions", content).items():
            stated[path.stem, name].add(value if isinstance(value, str) else value["date"])
    restated = {key for key, dates in stated.items() if len(dates) > 1}
    assert restated
    rows = recorded.execute("""
        select product_name, version from releases
        where source_name = 'endoflife' and stated_date_count > 1
    """).fetchall()
    assert set(rows) == restated


def test_files_that_are_no_hours_are_in_quarantine(recorded):
    rows = recorded.execute("""
        select distinct reason from quarantine where source_name = 'gharchive' and table_name = 'events'
    """).fetchall()
    assert ("file name does not begin with an hour",) in rows


def answered_at(answer):
    """The recorded Date; a template instead of one counts as the oldest."""
    try:
        return parsedate_to_datetime(answer["headers"].get("date", ""))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def test_recorded_repositories_reach_the_marts(recorded, shared_data):
    """By id; of a name that several repositories have borne, the one of the newest answer."""
    bearers = {}
    for path in (shared_data / "github_api").glob("*-GET-train.jsonl.gz"):
        with gzip.open(path, "rt") as lines:
            for answer in map(json.loads, lines):
                url = answer["url"].removeprefix("https://api.github.com/").lower()
                if (
                    answer["status"] == 200
                    and "<" not in url
                    and re.fullmatch("repos/[^/?]+/[^/?]+", url)
                ):
                    found = (answered_at(answer), json.loads(answer["body"])["id"])
                    bearers[url] = max(bearers.get(url, found), found)
    expected = {str(repository_id) for _, repository_id in bearers.values()}
    rows = recorded.execute("select repository_id from repositories").fetchall()
    assert expected and expected <= {row[0] for row in rows}


def test_two_hours_span_two_hours(recorded):
    first, last = recorded.execute(
        "select min(event_hour), max(event_hour) from events_hourly where event_hour < '2016-01-01'"
    ).fetchone()
    assert last - first == timedelta(hours=1)


# Its recordings span seven years: by name and by id the replay answers with different ones of them.
MANY_TIMES = "206888201"


def test_a_second_run_over_the_recordings_changes_no_number(recorded, place, shared_data):
    def steady():
        return {
            name: [row for row in rows if MANY_TIMES not in row]
            for name, rows in marts(place).items()
            if name != "drift"  # its examples are those of whichever answers were read
        }

    before = steady()
    run(shared_data, place.root.parent)
    assert differences(steady(), before) == {}
