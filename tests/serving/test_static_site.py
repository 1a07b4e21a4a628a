"""The static site: whole, without a server, below any path."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urljoin, urlsplit

import feedparser
import pytest

from serving.posted import Posted, Update
from serving.site import NotASite, Unwritable, write_site
from tests.serving.conftest import NOW
from tests.serving.page_world import SPARK, client_of, empty, fill_releases, fill_repository
from trendhouse.settings import ROOT

LINK = re.compile(r'(?:href|src|action)="([^"]+)"')
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    house, settings = empty(tmp_path_factory.mktemp("world"))
    fill_releases(house)
    fill_repository(house)
    house.publish()
    # Of what is only posted there is no product's page.
    update = Update("own/../thing", "1.0", "https://example.org/own", date(2026, 11, 1))
    Posted(settings.place).take([update], datetime(2026, 11, 1, tzinfo=UTC))
    return house, settings


@pytest.fixture(scope="module")
def site(world, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "trends"
    asyncio.run(write_site(world[1], folder))
    return folder


def files(folder: Path) -> dict[str, int]:
    return {
        str(each.relative_to(folder)): each.stat().st_mtime_ns
        for each in folder.rglob("*")
        if each.is_file()
    }


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def hosted(folder: Path) -> Iterator[str]:
    """The folder on a plain file server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def test_a_site_has_every_main_view_in_both_languages(site):
    found = set(files(site))
    for view in ("", "repositories/", f"repositories/{SPARK}/", "products/hive/", "completeness/"):
        assert {f"{view}index.html", f"ko/{view}index.html"} <= found
    assert {f"charts/stars/{SPARK}.svg", "feeds/releases.rss", "feeds/releases.atom"} <= found
    assert {"feeds/releases.json", "static/trendhouse.css", "static/trendhouse.js"} <= found
    assert '<html lang="ko">' in (site / "ko" / "index.html").read_text()


def test_every_link_of_a_site_leads_to_one_of_its_files_below_any_path(site):
    checked = 0
    for page in site.rglob("*.html"):
        place = f"http://host/some/where/{page.relative_to(site)}".removesuffix("index.html")
        for link in LINK.findall(page.read_text()):
            target = urljoin(place, unescape(link))
            if not target.startswith("http://host/"):
                assert target.startswith("https://"), (page, link)
                continue
            assert target.startswith("http://host/some/where/"), (page, link)
            path = unquote(urlsplit(target).path.removeprefix("/some/where/"))
            wanted = f"{path}index.html" if path.endswith("/") or not path else path
            assert (site / wanted).is_file(), (page, link)
            checked += 1
    assert checked > 100


def test_a_site_says_what_the_server_says_and_offers_nothing_that_needs_one(site, world):
    html = (site / "index.html").read_text()
    with client_of(world[1]) as client:
        served = client.get("/?lang=en").text
    cards = re.compile(r'<span class="version">(.*?)</span>')
    assert cards.findall(html) == cards.findall(served) != []
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert "compare/" not in text and "/api/" not in text, page


def test_a_site_is_replaced_as_a_whole_and_what_is_as_before_keeps_its_time(world, tmp_path):
    house, settings = empty(tmp_path / "home")
    fill_releases(house)
    house.publish()
    folder = tmp_path / "site"
    asyncio.run(write_site(settings, folder))
    first = files(folder)
    (folder / "stale.html").write_text("old")
    asyncio.run(write_site(settings, folder))
    assert files(folder) == first
    house.product("flink", "2.0", date(2026, 11, 1))
    house.publish()
    asyncio.run(write_site(settings, folder))
    later = files(folder)
    assert "products/flink/index.html" in set(later) - set(first)
    assert later["static/trendhouse.css"] == first["static/trendhouse.css"]
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_site_that_cannot_be_written_leaves_the_one_before(site, world, tmp_path, monkeypatch):
    folder = tmp_path / "site"
    shutil.copytree(site, folder)
    before = files(folder)
    monkeypatch.setattr("serving.pages.completeness.MOST_BELOW", "none")  # no limit of a query
    with pytest.raises(Unwritable, match="completeness"):
        asyncio.run(write_site(world[1], folder))
    assert files(folder) == before


def test_a_folder_that_holds_something_else_is_left_alone(world, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(NotASite):
        asyncio.run(write_site(world[1], tmp_path))
    assert [each.name for each in tmp_path.iterdir()] == ["mine.txt"]


def test_feeds_of_a_site_have_absolute_links_where_its_address_is_told(world, tmp_path):
    asyncio.run(write_site(world[1], tmp_path / "site", "https://trends.example.org/daily"))
    feed = feedparser.parse((tmp_path / "site" / "feeds" / "releases.rss").read_bytes())
    assert feed.feed.link == "https://trends.example.org/daily/"
    assert [each.title for each in feed.entries[:2]] == ["own/../thing 1.0", "spark 4.1.0"]


def test_the_command_writes_a_site_and_refuses_what_is_none(world, tmp_path):
    given = {
        "TRENDHOUSE_HOME": str(world[1].home),
        "TRENDHOUSE_WORLD": "sample",
        "TRENDHOUSE_NOW": NOW,
    }
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    told = {
        name: subprocess.run(
            [sys.executable, "-c", "from cli.main import main; main()", "site", str(tmp_path / name)],
            cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True,
        )
        for name in ("site", "other")
    }  # fmt: skip
    assert told["site"].returncode == 0, told["site"].stderr
    assert (tmp_path / "site" / "index.html").is_file()
    assert (told["other"].returncode, "something else" in told["other"].stderr) == (2, True)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
def test_a_site_filters_in_the_browser_alone(site):
    from playwright.sync_api import sync_playwright

    seen = "[...document.querySelectorAll('#found > li:not([hidden]) .product')].map(each => each.innerText)"
    with hosted(site.parent) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        wrong: list[str] = []
        page.on("console", lambda said: wrong.append(said.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{address}trends/?products=hive")
        page.wait_for_function("document.querySelector('#count').innerText.endsWith(': 1')")
        assert page.evaluate(seen) == ["hive"]
        page.click(".chip[data-product=spark]")
        assert page.evaluate(seen) == ["spark", "spark", "hive"]
        page.fill("input[name=q]", "rc1")
        page.wait_for_function("document.querySelector('#count').innerText.endsWith(': 1')")
        page.click("a[data-language][lang=ko]")
        assert page.url.endswith("/trends/ko/?products=hive%2Cspark&q=rc1")
        page.wait_for_function("document.documentElement.lang === 'ko'")
        assert page.evaluate(seen) == ["spark"]
        page.goto(f"{address}trends/repositories/")
        page.fill("input[name=q]", "nothing like it")
        assert page.locator("#repositories tbody tr:visible").count() == 0
        page.fill("input[name=q]", "SPARK")
        assert page.locator("#repositories tbody tr:visible").count() == 1
        browser.close()
    assert wrong == []
