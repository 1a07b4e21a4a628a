"""Feeds, read by a feed parser."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from time import struct_time

import feedparser
import pytest

from tests.serving.page_world import client_of, empty

FORMATS = ("rss", "atom", "json")


def at(day: int) -> datetime:
    return datetime(2026, 10, day, 20, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    house, settings = empty(tmp_path_factory.mktemp("feeds"))
    house.product("spark", "4.1.0", date(2026, 10, 31))
    house.release("spark", "4.1.0", at(31))
    house.release("hive", "4.2.0", at(20), body="<script>alert(1)</script> and **more**\x0b")
    house.release("evil", "1\x08<b>", at(10), link="javascript:alert(1)", body=None)
    house.publish()
    return client_of(settings)


def test_every_format_has_the_selection_newest_first(shown):
    with shown as client:
        for query, wanted in {
            "": ["spark 4.1.0", "hive 4.2.0", "evil 1<b>"],
            "?products=hive": ["hive 4.2.0"],
        }.items():
            for ending in ("rss", "atom"):
                answer = client.get(f"/feeds/releases.{ending}{query}")
                feed = feedparser.parse(answer.content)
                assert not feed.bozo, feed.get("bozo_exception")
                assert [each.title for each in feed.entries] == wanted, (ending, query)
                assert feed.feed.link == f"http://testserver/{query}"
            items = client.get(f"/feeds/releases.json{query}").json()["items"]
            assert [each["title"] for each in items] == wanted


def test_an_entry_has_its_time_its_link_its_notes_and_an_id_for_ever(shown):
    with shown as client:
        rss, atom = (
            feedparser.parse(client.get(f"/feeds/releases.{ending}").content).entries[0]
            for ending in ("rss", "atom")
        )
        item = client.get("/feeds/releases.json").json()["items"][0]
        again = client.get("/feeds/releases.json?products=spark").json()["items"][0]
    for entry in (rss, atom):
        assert entry.published_parsed == struct_time(at(31).utctimetuple())
        assert entry.link == "https://example.org/spark/4.1.0"
        assert (
            "<strong>4.1.0</strong>" in entry.get("content", [{"value": entry.summary}])[0]["value"]
        )
    ids = {rss.id, atom.id, item["id"], again["id"]}
    assert ids == {"urn:trendhouse:release:spark:4.1.0"}
    assert datetime.fromisoformat(item["date_published"]) == at(31)


def test_notes_of_strangers_bring_no_markup_and_no_dangerous_link(shown):
    with shown as client:
        items = client.get("/feeds/releases.json").json()["items"]
        texts = [client.get(f"/feeds/releases.{ending}").text for ending in FORMATS]
    assert "&lt;script&gt;" in items[1]["content_html"]
    assert not [text for text in texts if "<script" in text or "javascript:" in text]
    assert items[2]["url"] == "http://testserver/products/evil/"


def test_a_json_feed_is_one_by_its_standard(shown):
    with shown as client:
        answer = client.get("/feeds/releases.json?products=hive")
    feed = answer.json()
    assert answer.headers["content-type"] == "application/feed+json"
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == "http://testserver/feeds/releases.json?products=hive"
    assert feed["home_page_url"] == "http://testserver/?products=hive"
    assert all(
        {"id", "url", "content_html", "date_published"} <= set(each) for each in feed["items"]
    )


def test_a_feed_that_is_known_is_not_sent_again_and_says_nothing_new_by_itself(shown):
    with shown as client:
        for ending in FORMATS:
            first = client.get(f"/feeds/releases.{ending}")
            known = {"If-None-Match": first.headers["etag"]}
            again = client.get(f"/feeds/releases.{ending}", headers=known)
            assert (again.status_code, again.content) == (304, b""), ending


def test_the_page_names_the_feeds_of_its_selection(shown):
    with shown as client:
        html = client.get("/?products=spark").text
    for kind, ending in (("rss+xml", "rss"), ("atom+xml", "atom"), ("feed+json", "json")):
        link = f'type="application/{kind}"'
        assert link in html
        assert f'href="./feeds/releases.{ending}?products=spark"' in html


def test_a_selection_without_releases_is_a_feed_without_entries(shown):
    with shown as client:
        assert (
            feedparser.parse(client.get("/feeds/releases.atom?products=none").content).entries == []
        )
        assert json.loads(client.get("/feeds/releases.json?products=none").content)["items"] == []
