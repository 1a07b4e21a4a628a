"""Full lists are compared by ids: what slipped by is found, what is gone is buried, nothing else is."""

import json
import threading

import duckdb
import pytest

from ingestion.connectors import github_known
from tests.ingestion.github_world import DAY_1, DAY_2, DAY_3, GitHubWorld
from tests.ingestion.odd_github import (
    OddGitHub,
    OddRepository,
    commit,
    issue,
    project,
    said,
    serving,
)

DAY_4 = "2026-11-05T06:00:00Z"
WEEK_LATER = "2026-11-10T06:00:00Z"
PUSHED = "2026-11-02T00:00:00Z"


@pytest.fixture
def odd(tmp_path, monkeypatch):
    with serving(OddGitHub(OddRepository(1))) as github:
        world = GitHubWorld(tmp_path, github, monkeypatch.setenv)
        world.watch("odd/case1")
        world.repository = github.repositories[0]
        yield world


def buried(world, table: str) -> set[str]:
    """The keys of a table whose newest tombstone says that they are deleted."""
    told = {}
    for row in world.rows("tombstones"):
        if row["record"]["object_type"] == table:
            told[row["record"]["object_key"]] = row["record"]["is_deleted"]
    return {key for key, is_deleted in told.items() if is_deleted}


def alive(world, table: str) -> set[str]:
    return {key for _, key in world.keys(table)} - buried(world, table)


def asked(world, text: str) -> list[str]:
    return [path for path in world.upstream.asked if text in path]


def without(items, id):
    return [item for item in items if item["id"] != id]


def test_an_item_that_slipped_between_two_pages_is_there_a_run_later(odd):
    issues = [issue(number) for number in range(100, 400)]
    odd.repository.node = {"issues": {"totalCount": 300}}
    odd.repository.lists["issues"] = without(issues, 250)
    odd.land(DAY_1)
    odd.repository.lists["issues"] = issues
    odd.land(DAY_2)
    assert alive(odd, "issues") == {str(number) for number in range(100, 400)}
    odd.land(DAY_3)
    assert asked(odd, "/issues") == []


def test_a_gap_that_stays_is_looked_at_once_more_and_then_once_a_week(odd):
    odd.repository.lists["issues"] = [issue(number) for number in range(100, 300)]
    odd.repository.node = {"issues": {"totalCount": 201}}
    full = []
    for day in (DAY_1, DAY_2, DAY_3, DAY_4, WEEK_LATER):
        assert odd.land(day).failures == []
        full.append(len(asked(odd, "/issues")))
    assert full == [2, 2, 0, 0, 2]
    assert buried(odd, "issues") == set()


def test_a_list_below_its_floor_is_read_by_three_more_runs_and_then_once_a_day(odd):
    odd.repository.lists["issues"] = [issue(100)]
    odd.repository.node = {"issues": {"totalCount": 2}}
    hours = [f"2026-11-02T{hour:02}:00:00Z" for hour in (1, 2, 3, 4, 5)]
    full = []
    for hour in (*hours, DAY_3):
        odd.land(hour)
        full.append(len(asked(odd, "/issues")))
    assert full == [1, 1, 1, 1, 0, 1]


def test_a_rewritten_history_replaces_the_commits_whatever_their_number(odd):
    shown = {2: "ab", 3: "xy", 4: "xyz", 5: "x"}
    made = [OddRepository(id, {"commits": [commit("b", "a"), commit("a")]}) for id in shown]
    odd.upstream.repositories += made
    odd.watch(*(each.name for each in made))
    odd.land(DAY_1)
    for each in made:
        each.lists["commits"] = [commit(sha) for sha in shown[each.id]]
        each.pushed_at = PUSHED
    assert odd.land(DAY_2).failures == []
    assert alive(odd, "commits") == {f"{id}/{sha * 40}" for id in shown for sha in shown[id]}


def test_a_push_that_goes_on_from_what_is_known_is_not_read_in_full(odd):
    old = [commit("b", "a"), commit("a")]
    odd.repository.lists["commits"] = old
    odd.land(DAY_1)
    odd.repository.lists["commits"] = [commit("c", "b", at="2026-11-02T20:00:00Z"), *old]
    odd.repository.pushed_at = PUSHED
    odd.land(DAY_2)
    assert [path.split("?")[1] for path in asked(odd, "/commits?")] == [
        "per_page=100&since=2026-11-02T05%3A00%3A00Z"
    ]
    odd.repository.pushed_at = DAY_2  # to another branch
    odd.land(DAY_3)
    assert [path.split("?")[1] for path in asked(odd, "/commits?")] == [
        "per_page=100&since=2026-11-03T05%3A00%3A00Z", "per_page=1",
    ]  # fmt: skip
    assert alive(odd, "commits") == {f"1/{sha * 40}" for sha in "abc"}


def test_a_contributor_who_links_an_account_is_counted_once(odd):
    carol = {"email": "carol@example.org", "name": "Carol", "contributions": 7}
    nameless = [
        {"email": "", "name": name, "contributions": 2} for name in ("Dora", "", "", "Emil")
    ]
    odd.repository.lists["contributors"] = [carol, *nameless]
    odd.land(DAY_1)
    assert alive(odd, "contributors") == {
        "1/carol@example.org", "1/Dora", "1/@2", "1/@3", "1/Emil",
    }  # fmt: skip
    odd.repository.lists["contributors"] = [{"id": 777, "contributions": 7}, *nameless]
    odd.repository.pushed_at = PUSHED
    odd.land(DAY_2)
    assert alive(odd, "contributors") == {"1/777", "1/Dora", "1/@2", "1/@3", "1/Emil"}
    contexts = [row["context"]["contributor_key"] for row in odd.rows("contributors")]
    assert set(contexts) == {key.split("/")[1] for _, key in odd.keys("contributors")}


def test_two_people_of_one_name_without_an_address_are_two(odd):
    odd.repository.lists["contributors"] = [{"email": "", "name": "root"}, {"name": "root"}]
    odd.land(DAY_1)
    assert alive(odd, "contributors") == {"1/root", "1/root#2"}


def test_a_licence_that_was_removed_is_buried_and_comes_back(odd):
    odd.repository.license = {"license": {"key": "mit"}}
    odd.land(DAY_1)
    odd.repository.license, odd.repository.pushed_at = None, PUSHED
    odd.land(DAY_2)
    assert buried(odd, "repository_licenses") == {"1"}
    odd.repository.license, odd.repository.pushed_at = {"license": {"key": "bsd"}}, DAY_2
    odd.land(DAY_3)
    assert buried(odd, "repository_licenses") == set()


def test_a_project_that_is_no_longer_linked_is_buried(odd):
    odd.repository.projects = [project("PVT_1"), project("PVT_2")]
    odd.land(DAY_1)
    odd.repository.projects = [project("PVT_1"), project("PVT_3")]
    odd.land(DAY_2)
    assert alive(odd, "projects") == {"1/PVT_1", "1/PVT_3"}
    odd.repository.projects = [project("PVT_1"), None]  # one that the token may not see
    odd.land(DAY_3)
    assert alive(odd, "projects") == {"1/PVT_1", "1/PVT_3"}
    odd.repository.projects = []
    odd.land(DAY_4)
    assert alive(odd, "projects") == set()


def test_one_gone_and_one_new_are_told_apart(odd):
    def show(*numbers):
        odd.repository.lists["releases"] = [{"id": n, "tag_name": f"v{n}"} for n in numbers]
        odd.repository.lists["tags"] = [{"name": f"v{n}", "commit": {}} for n in numbers]

    show(1, 2)
    odd.land(DAY_1)
    show(2, 3)
    odd.repository.pushed_at = PUSHED
    odd.land(DAY_2)
    assert (buried(odd, "tags"), buried(odd, "releases")) == ({"1/v1"}, {"1"})
    assert (alive(odd, "tags"), alive(odd, "releases")) == ({"1/v2", "1/v3"}, {"2", "3"})
    show(1, 2, 3)
    odd.repository.pushed_at = DAY_2
    odd.land(DAY_3)
    assert (len(alive(odd, "tags")), len(alive(odd, "releases"))) == (3, 3)


def test_what_one_reading_missed_is_not_buried_and_what_two_miss_is(odd, monkeypatch):
    issues = [issue(number) for number in range(100, 300)]
    odd.repository.lists["issues"] = issues
    odd.land(DAY_1)
    odd.repository.node = {"issues": {"totalCount": 150}}  # fewer: the list is read in full
    answer, readings = odd.upstream.answer, []

    def drifting(path, query):
        status, body, headers = answer(path, query)
        if path.endswith("/issues") and "since" not in query and query["per_page"] == "100":
            readings.append(path)
            gone = {120} | ({130} if len(readings) <= 2 else set())
            body = json.dumps(
                [each for each in json.loads(body) if each["id"] not in gone]
            ).encode()
        return status, body, headers

    monkeypatch.setattr(odd.upstream, "answer", drifting)
    odd.land(DAY_2)
    assert buried(odd, "issues") == {"120"}
    (row,) = odd.rows("tombstones")
    assert "two full readings" in row["record"]["evidence"]


def test_the_date_of_a_tag_is_read_for_want_of_a_published_release(odd):
    published = {"id": 1, "tag_name": "v1", "draft": False}
    drafted = {"id": 2, "tag_name": "v2", "draft": True}
    for place, letter in enumerate("ab", 1):
        tag = {"name": f"v{place}", "commit": {"sha": letter * 40}}
        odd.repository.lists.setdefault("tags", []).append(tag)
        odd.repository.answers[f"commits/{letter * 40}"] = said(200, **commit(letter))
    odd.repository.lists["releases"] = [published, drafted]
    odd.land(DAY_1)
    assert odd.keys("tagged_commits") == {("1", f"1/{'b' * 40}")}
    odd.repository.lists["releases"] = [drafted]
    odd.land(DAY_2)
    assert odd.keys("tagged_commits") == {("1", f"1/{letter * 40}") for letter in "ab"}


def test_a_list_that_breaks_off_shows_no_deletions(odd):
    odd.repository.lists["issues"] = [issue(number) for number in range(1, 41)]
    odd.land(DAY_1)
    odd.repository.lists["issues"] = [issue(number) for number in range(1, 61)]
    odd.repository.cut = {"issues": 20}
    odd.land(DAY_2)
    assert buried(odd, "issues") == set()
    odd.repository.cut = {}
    odd.repository.lists["issues"] = [issue(number) for number in range(2, 61)]
    odd.land(DAY_3)
    assert buried(odd, "issues") == {"1"}


def test_a_record_that_does_not_say_which_it_is_lets_nothing_be_buried(odd):
    odd.repository.lists["issues"] = [issue(1), issue(2), issue(3)]
    odd.land(DAY_1)
    odd.repository.lists["issues"] = [issue(1), issue(2), issue(None, number=3)]
    odd.repository.node = {"issues": {"totalCount": 2}}
    odd.land(DAY_2)
    assert buried(odd, "issues") == set()


def test_an_item_changed_in_the_future_or_never_hides_no_later_change(odd):
    odd.repository.lists["issues"] = [issue(1), issue(2, updated_at="2099-01-01T00:00:00Z")]
    odd.land(DAY_1)
    third = issue(3, created_at=DAY_1, updated_at="2026-11-02T12:00:00Z")
    odd.repository.lists["issues"].insert(1, third)
    odd.land(DAY_2)
    assert alive(odd, "issues") == {"1", "2", "3"}
    odd.repository.lists["issues"].append(issue(4, updated_at="2026-02-31T00:00:00Z"))
    odd.land(DAY_3)
    odd.repository.lists["issues"].append(issue(5, created_at=DAY_3, updated_at=DAY_3))
    assert odd.land(DAY_4).failures == []
    assert alive(odd, "issues") == {"1", "2", "3", "4", "5"}


def deduplicate(world, table: str, columns: str) -> None:
    """What deduplication and retention leave of a raw table: clean rows, and no raw."""
    lake = world.settings(DAY_1).place.lake
    raw, folder = lake.raw_files("github", table), lake.clean_table("github", table)
    (folder / "0").mkdir(parents=True)
    duckdb.sql(
        f"copy (select {columns}, partition_name from read_parquet({[str(path) for path in raw]}))"
        f" to '{folder}/0/1-0.parquet' (format parquet)"
    )
    consumed = [str(path.relative_to(lake.raw_table("github", table))) for path in raw]
    manifest = {"version": 1, "files": ["0/1-0.parquet"], "consumed": consumed}
    lake.manifest("github", table).write_text(json.dumps(manifest))
    lake.remove(raw)


def test_deletions_are_found_after_retention_has_removed_the_raw_rows(odd, monkeypatch):
    threads = set()
    read = github_known.read_keys

    def watched(*arguments):
        threads.add(threading.current_thread())
        return read(*arguments)

    monkeypatch.setattr(github_known, "read_keys", watched)
    odd.repository.lists["issues"] = [issue(number) for number in (1, 2, 3)]
    odd.repository.lists["commits"] = [commit("b", "a"), commit("a")]
    odd.land(DAY_1)
    deduplicate(odd, "issues", "cast(record_key as bigint) as id")
    parts = "cast(split_part(record_key, '/', {}) as {}) as {}"
    both = ", ".join(
        (parts.format(1, "bigint", "repository_id"), parts.format(2, "varchar", "sha"))
    )
    deduplicate(odd, "commits", both)
    odd.repository.lists["issues"] = [issue(number) for number in (1, 3)]
    odd.repository.lists["commits"] = [commit("x")]
    odd.repository.pushed_at = PUSHED
    odd.land(DAY_2)
    assert buried(odd, "issues") == {"2"}
    assert buried(odd, "commits") == {f"1/{sha * 40}" for sha in "ab"}
    assert threads and threading.main_thread() not in threads
