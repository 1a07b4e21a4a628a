"""Releases as pages, feeds, digests and the API show them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from serving.model import Model
from serving.pages.selection import Selection
from serving.posted import Posted, Update
from serving.publication import Publication
from serving.queries import activity, releases
from serving.read_model import build
from serving.sender import feed


@pytest.fixture
def shown(house):
    """Publishes the house, and reads it."""

    def show() -> Model:
        house.publish()
        return Model(build(Publication.newest(house.place)))

    return show


def at(day: int, hour: int = 20) -> datetime:
    return datetime(2026, 10, day, hour, tzinfo=UTC)


def versions(found: list[releases.Release]) -> list[tuple[str, str]]:
    return [(each.product, each.version) for each in found]


def test_newest_releases_come_first_and_what_upstream_took_back_not_at_all(house, shown):
    house.release("spark", "4.0.0", at(3))
    house.release("spark", "4.1.0", at(9))
    house.release("hive", "4.2.0", at(5))
    for flag in ("is_draft", "is_withdrawn", "is_deleted"):
        house.release("hive", f"9-{flag}", at(10), **{flag: True})
    house.release("hive", "nightly", at(11), is_version=False, release_kind="tag")
    house.release("hive", "5.0.0", at(12), released_date=None, released_at=None)
    model = shown()
    assert versions(releases.newest(model)) == [
        ("spark", "4.1.0"), ("hive", "4.2.0"), ("spark", "4.0.0"),
    ]  # fmt: skip
    assert versions(releases.newest(model, ["spark"])) == [("spark", "4.1.0"), ("spark", "4.0.0")]
    assert versions(releases.of_product(model, "hive")) == [("hive", "4.2.0"), ("hive", "5.0.0")]


def test_what_is_not_out_yet_is_no_news(house, shown):
    house.release("lang", "1.1.0", at(3))
    stated = {"source_name": "endoflife", "release_kind": "statement", "released_at": None}
    later = date(2027, 10, 1)
    for version in ("2.0.0", "1.2.0"):
        house.release(
            "lang", version, at(5), **stated, is_planned=True, released_date=later, released_date_seoul=later
        )  # fmt: skip
    house.release("lang", "1.2.0", at(4), released_date=None, released_at=None)
    house.sql("update marts.releases set body = null")
    model = shown()
    assert versions(releases.newest(model)) == [("lang", "1.1.0")]
    assert [row[:2] for row in feed(house.place)] == [["lang", "1.1.0"]]
    assert releases.find(model, "lang", "2.0.0") is None
    # What has a tag already is out, only not dated.
    planned = {each.version: each.is_planned for each in releases.of_product(model, "lang")}
    assert planned == {"2.0.0": True, "1.1.0": False, "1.2.0": False}


def test_what_is_posted_for_a_day_to_come_waits_for_it(house, shown):
    house.release("lang", "1.1.0", at(3))
    posted = Posted(house.place)
    posted.take([Update("tool", "1", "https://example.org", date(2026, 11, 5))], at(9))
    model, selected = shown(), Selection()
    for today, wanted in ((4, ["lang"]), (5, ["tool", "lang"])):
        found = selected.found(model, posted, "UTC", date(2026, 11, today))
        assert [each.product for each in found] == wanted


def test_what_was_closed_before_it_was_opened_was_never_less_than_closed(house, shown):
    for number, (opened, closed) in enumerate([(at(5), datetime(2014, 1, 1)), (at(5), None)]):
        house.insert(
            "issues", issue_id=str(number), repository_id="1", is_deleted=False, created_at=opened, closed_at=closed,
            created_date=opened.date(), clean_version=1,
        )  # fmt: skip
    found = [tuple(row) for row in activity.daily("issues", shown(), "1")]
    assert found == [("2026-10-05", 2, 1, 1)]


def test_pages_of_any_size_make_up_the_whole_list(house, shown):
    for day in range(1, 5):
        for product in ("spark", "hive", "python"):
            house.release(product, f"{day}.0", at(day))
    model = shown()
    whole = versions(releases.newest(model))
    assert len(whole) == 12
    for size in (1, 5, 12, 50):
        read, before = [], None
        while found := releases.newest(model, before=before, limit=size):
            read += found
            before = found[-1].place
        assert versions(read) == whole, size


def test_a_version_that_two_sources_know_is_one_release_with_both_their_days(house, shown):
    house.release("lumren", "3.1.0", at(9), link="https://example.org/notes")
    house.release(
        "lumren", "3.1.0", at(9),
        source_name="endoflife", release_kind="statement", released_date=date(2026, 10, 8),
        released_at=None, link="https://example.org/product",
    )  # fmt: skip
    house.insert(
        "release_cycles", product_name="lumren", cycle_name="3", end_of_life_date=date(2027, 1, 1)
    )
    house.insert(
        "release_cycles",
        product_name="lumren",
        cycle_name="3.1",
        end_of_life_date=date(2026, 10, 31),
    )
    (found,) = releases.newest(shown())
    assert found.sources == (("endoflife", "2026-10-08"), ("github", "2026-10-09"))
    assert (found.has_dissent, found.link) == (True, "https://example.org/notes")
    assert (found.cycle, found.end_of_life_date) == ("3.1", "2026-10-31")
    assert found.is_over(date(2026, 11, 1)) and not found.is_over(date(2026, 10, 31))


def test_a_day_is_that_of_the_calendar_that_was_asked_for(house, shown):
    house.release("spark", "4.1.0", at(9, 20), released_date_seoul=date(2026, 10, 10))
    model = shown()
    assert [each.day for each in releases.newest(model)] == ["2026-10-09"]
    assert [each.day for each in releases.newest(model, calendar="Asia/Seoul")] == ["2026-10-10"]


def test_a_search_takes_its_text_literally(house, shown):
    house.release("spark", "4.1.0", at(9), release_name="100% faster")
    house.release("spark", "4.0.0", at(8), release_name="1000 changes")
    model = shown()
    assert versions(releases.newest(model, search="100%")) == [("spark", "4.1.0")]
    assert versions(releases.newest(model, search="SPARK")) == [
        ("spark", "4.1.0"), ("spark", "4.0.0"),
    ]  # fmt: skip
    assert releases.newest(model, search="' or 1=1 --") == []
