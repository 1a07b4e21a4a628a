"""The world is a pure function of its arguments, and a later day extends an earlier one."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import os
import subprocess
import sys
from itertools import pairwise

import orjson
import pytest
from yarl import URL

from simulator import archive, endoflife, rankings, watchlist
from simulator.chance import DAY, Arrivals
from simulator.github_rest import GitHubRest
from simulator.instants import read
from simulator.repositories import node_id, read_node_id
from simulator.running import ROOT
from simulator.scenarios import REFERENCE, WATCHED
from simulator.world import World

PRINT_A_WORLD = """
import hashlib
from yarl import URL
from simulator import archive, endoflife, rankings
from simulator.github_rest import GitHubRest
from simulator.world import World
world = World()
rest = GitHubRest(world)
seen = hashlib.sha256()
for repository in list(world.alive())[:12]:
    for below in ("", "/issues?state=all", "/pulls?state=all", "/commits", "/tags", "/forks"):
        seen.update(rest.answer(URL(f"http://x/repositories/{repository.id}{below}")).body)
seen.update(archive.packed(world, world.now - 3600))
seen.update(rankings.csv_of(world, world.now - world.now % 86400))
seen.update(endoflife.document(world, "tidalnix", world.now))
print(seen.hexdigest())
"""


@pytest.fixture(scope="module")
def today() -> World:
    return World()


@pytest.fixture(scope="module")
def tomorrow(today: World) -> World:
    return today.seen_at(today.now + DAY)


def test_two_processes_show_the_same_bytes():
    # Different hash seeds, so that nothing may lean on the order of a set.
    runs = [
        subprocess.run(
            [sys.executable, "-c", PRINT_A_WORLD],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(number)},
            capture_output=True,
            check=True,
        ).stdout
        for number in (1, 2)
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].strip()) == hashlib.sha256().digest_size * 2


def test_another_seed_is_another_world(today: World):
    other = World(seed=today.seed + 1)
    assert [r.stars(REFERENCE) for r in other.repositories] != [
        r.stars(REFERENCE) for r in today.repositories
    ]


def test_arrivals_are_counted_as_they_are_dated():
    for scale in (1.0, 3.0):
        arrivals = Arrivals("test", 1_000_000, 90_000_000, 250, power=1.4, scale=scale)
        dates = [arrivals.instant(k) for k in range(200)]
        assert dates == sorted(dates)
        for k, date in enumerate(dates):
            assert arrivals.count(date) >= k + 1
            assert arrivals.count(date - 1) <= k


def test_a_later_day_keeps_ids_and_creation_dates(today: World, tomorrow: World):
    for repository in today.alive():
        before = {item.number: item for item in today.items(repository.index)}
        after = {item.number: item for item in tomorrow.items(repository.index)}
        for number, item in after.items():
            if number in before:
                assert (item.id, item.created_at) == (
                    before[number].id,
                    before[number].created_at,
                )
                assert item.updated_at >= before[number].updated_at
            else:
                assert item.created_at > today.now
        commits = [commit.sha for commit in today.commits(repository.index)]
        assert [c.sha for c in tomorrow.commits(repository.index)][: len(commits)] == commits


def test_an_edited_item_shows_a_newer_update(today: World, tomorrow: World):
    changed = [
        (old, new)
        for r in today.alive()
        for old, new in pairs(today.items(r.index), tomorrow.items(r.index))
        if old != new
    ]
    assert changed
    assert all(new.updated_at > today.now for _, new in changed)


def pairs(before, after):
    later = {item.number: item for item in after}
    return [(item, later[item.number]) for item in before if item.number in later]


def test_a_new_day_brings_something_new(today: World, tomorrow: World):
    indexes = [r.index for r in today.alive()]
    for seen in ("items", "commits"):
        before = sum(len(getattr(today, seen)(index)) for index in indexes)
        after = sum(len(getattr(tomorrow, seen)(index)) for index in indexes)
        assert after > before
    assert any(r.created_at > today.now for r in tomorrow.alive())


def test_stars_go_up_and_down(today: World):
    steps = [
        later - earlier
        for index in WATCHED
        for earlier, later in pairwise(
            today.repositories[index].stars(REFERENCE + n * DAY) for n in range(-30, 1)
        )
    ]
    assert max(steps) > 0 > min(steps)
    purged = today.repositories[19]
    assert purged.stars(purged.purged_at) < 0.95 * purged.stars(purged.purged_at - 3600)


def test_every_scenario_is_in_the_default_world(today: World):
    assert set(today.scenarios()) >= {
        "renamed",
        "transferred",
        "deleted",
        "recreated",
        "blocked",
        "archived",
        "purged",
    }


def test_items_are_reopened_edited_after_close_and_deleted(today: World):
    items = [item for r in today.alive() for item in today.items(r.index)]
    assert any(item.was_reopened and item.state == "open" for item in items)
    assert any(item.closed_at and item.updated_at > item.closed_at for item in items)
    assert any(item.author.kind == "Bot" for item in items)
    holes = [
        r
        for r in today.alive()
        if len(today.items(r.index)) < r.items.count(r.last_activity(today.now))
    ]
    assert holes


def test_commits_have_merges_bots_and_authors_without_account(today: World):
    commits = [commit for r in today.alive() for commit in today.commits(r.index)]
    assert any(len(commit.parents) == 2 for commit in commits)
    assert any(commit.account and commit.account.kind == "Bot" for commit in commits)
    assert any(commit.account is None for commit in commits)
    assert any(commit.authored_at < commit.committed_at - DAY for commit in commits)


def test_releases_have_prereleases_older_lines_and_odd_tags(today: World):
    tags = [tag for r in today.alive() for tag in today.tags(r.index)]
    released = [tag for tag in tags if tag.release_id is not None]
    assert len(released) < len(tags)
    assert any(tag.is_prerelease for tag in released)
    assert any(tag.name.startswith("release-20") for tag in tags)


def test_scale_adds_history_and_leaves_the_new_day_alike(today: World, tomorrow: World):
    long = World(scale=4.0)
    next_day = long.seen_at(long.now + DAY)
    watched = [r for r in WATCHED if today.repositories[r].created_at < REFERENCE - 400 * DAY]
    old = sum(len(today.items(index)) for index in watched)
    assert sum(len(long.items(index)) for index in watched) > 3 * old
    new = sum(len(tomorrow.commits(i)) - len(today.commits(i)) for i in watched)
    long_new = sum(len(next_day.commits(i)) - len(long.commits(i)) for i in watched)
    assert abs(long_new - new) <= 2


def test_the_watch_list_fits_the_default_world(today: World):
    with watchlist.FILE.open(newline="") as file:
        shipped = [tuple(row) for row in csv.reader(file)]
    assert shipped == [watchlist.COLUMNS, *watchlist.rows(today)]
    for _, kind, target, _ in shipped[1:]:
        if kind == "github":
            assert today.by_name(*target.split("/")).state in ("found", "moved")


def test_an_etag_changes_if_and_only_if_the_content_does(today: World, tomorrow: World):
    here, there = GitHubRest(today), GitHubRest(tomorrow)
    same = changed = 0
    for repository in list(today.alive())[:40]:
        for below in ("issues?state=all", "commits", "tags", "topics", "releases"):
            url = URL(f"http://x/repositories/{repository.id}/{below}")
            before, after = here.answer(url), there.answer(url)
            if after.status != 200:
                continue
            assert (before.etag == after.etag) == (before.body == after.body)
            same += before.etag == after.etag
            changed += before.etag != after.etag
    assert same > 50
    assert changed > 5


def test_node_ids_hold_the_database_id():
    for number in (1, 10_000_000, 2**40):
        assert read_node_id(node_id("R", number)) == ("R", number)
    assert read_node_id("R_nonsense!") is None


def test_an_hour_of_the_archive_never_changes(today: World, tomorrow: World):
    for start in (today.now - 3600, today.now - 40 * DAY, REFERENCE - 4000 * DAY):
        assert archive.packed(today, start) == archive.packed(tomorrow, start)


def test_an_archived_hour_agrees_with_the_world(today: World):
    start = today.now - today.now % DAY - DAY
    pushed = [
        event
        for hour in range(24)
        for event in archive.happened(
            today.seen_at(start + hour * 3600 + 3599), start + hour * 3600
        )
        if event.kind == "PushEvent"
    ]
    made = [
        commit
        for r in today.alive(start + DAY - 1)
        for commit in today.commits(r.index)
        if start <= commit.committed_at < start + DAY
    ]
    assert len(pushed) == len(made) > 0


def archived(world: World, first: int, hours: int, kinds: tuple[str, ...]) -> dict:
    """The first event of one of these types from an hour on."""
    for hour in range(hours):
        for line in archive.lines(world, first + hour * 3600):
            with contextlib.suppress(orjson.JSONDecodeError):  # a line may be broken off
                event = orjson.loads(line)
                if event["type"] in kinds:
                    return event
    raise AssertionError(f"no {kinds} within {hours} hours of {first}")


def test_archived_events_have_the_form_of_their_time(today: World):
    first = archived(today, read("2011-11-01"), 48, ("MemberEvent",))
    assert first["repo"]["id"] > 0
    timeline = archived(today, read("2013-05-01"), 48, ("MemberEvent",))
    assert timeline["actor"] == timeline["actor_attributes"]["login"]
    assert timeline["repository"]["id"] > 0
    full = archived(today, read("2025-05-01"), 48, ("PushEvent",))
    assert full["payload"]["commits"][0]["sha"] == full["payload"]["head"]
    cut = archived(today, read("2026-05-01"), 48, ("PushEvent",))
    assert "commits" not in cut["payload"]


def test_some_hours_end_in_a_broken_line_and_some_repeat_one(today: World):
    broken = repeated = 0
    for start in range(today.now - 2 * DAY, today.now, 3600):
        made = archive.lines(today, start)
        repeated += len(made) > len(set(made))
        broken += not is_json(made[-1])
    assert broken
    assert repeated


def is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def test_the_archive_holds_every_type_of_event(today: World):
    kinds = {
        event.kind
        for start in range(today.now - 16 * DAY, today.now, 3600)
        for event in archive.happened(today.seen_at(start + 3599), start)
    }
    assert len(kinds) >= 14, kinds


def test_a_ranking_day_holds_its_nominal_rows(today: World):
    for start in (rankings.RANKED_SINCE, REFERENCE - REFERENCE % DAY - DAY):
        rows = list(csv.DictReader(rankings.csv_of(today, start).decode().splitlines()))
        expected = rankings.NOMINAL_ROWS
        if rankings.is_short(today, start):
            expected -= rankings.ROWS_PER_LIST // 2
        assert len(rows) == expected
        assert tuple(rows[0]) == rankings.COLUMNS
    days = range(rankings.RANKED_SINCE, REFERENCE, DAY)
    assert any(rankings.is_short(today, day) for day in days)
    assert any(not rankings.has_day(today, day) for day in days)


def test_release_dates_change_their_form_and_are_restated(today: World):
    flat = orjson.loads(endoflife.document(today, "tidalnix", REFERENCE - 1500 * DAY))
    assert all(isinstance(date, str) for date in flat.values())
    nested = orjson.loads(endoflife.document(today, "tidalnix", REFERENCE))
    assert set(nested) == {"releases", "versions"}
    believed = [
        endoflife.release_dates(today, "tidalnix", REFERENCE - n * DAY) for n in range(900, -1, -7)
    ]
    restated = withdrawn = 0
    for before, after in pairwise(believed):
        restated += sum(after.get(v, date) != date for v, date in before.items())
        withdrawn += len(set(before) - set(after))
    assert restated > 0
    assert withdrawn > 0
