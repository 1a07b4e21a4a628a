"""The release page and a product's page, without a browser."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest

from serving.pages.ages import age
from serving.posted import Posted, Update
from tests.serving.page_world import client_of, empty, fill_old, fill_releases
from trendhouse.settings import load_settings

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """A page's elements with their attributes, and the texts of some."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all(attributes.get(key) == value for key, value in wanted.items())
        ]


def at(day: int, hour: int = 20) -> datetime:
    return datetime(2026, 10, day, hour, tzinfo=UTC)


@pytest.fixture
def shown(house, client):
    """Publishes the house with what the test has put into it, and answers for it."""
    fill_releases(house)

    def show():
        house.publish()
        return client

    return show


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    house, settings = empty(tmp_path_factory.mktemp("releases"))
    fill_releases(house)
    house.publish()
    return client_of(settings)


def cards(html: str) -> list[str]:
    return re.findall(r'data-product="([^"]+)" data-text', html)


def test_a_link_selects_products_as_it_always_did(plain):
    with plain as client:
        html = client.get("/?products=hive,spark").text
        assert cards(html) == ["spark", "spark", "hive"]
        assert cards(client.get("/?products=hive").text) == ["hive"]
        assert cards(client.get("/?products=nothing").text) == []
        pressed = {
            each["data-product"]: each["aria-pressed"]
            for each in Page(client.get("/?products=hive").text).all("button", name="products")
            if "data-product" in each
        }
    assert pressed == {"hive": "true", "spark": "false"}


def test_a_chip_adds_or_takes_its_product_without_a_script(plain):
    with plain as client:
        chips = Page(client.get("/?products=hive").text).all("button", name="products")
        values = {each["data-product"]: each["value"] for each in chips if "data-product" in each}
    assert values == {"hive": "", "spark": "hive,spark"}


def test_ages_are_of_the_calendar_that_the_page_names(plain):
    with plain as client:
        english = client.get("/", headers={"Accept-Language": "fr, en;q=0.8, ko;q=0.2"}).text
        korean = client.get("/", headers={"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.8"}).text
        assert (
            client.get("/?lang=en", headers={"Accept-Language": "ko"}).text.count('lang="en"') > 0
        )
    assert '<html lang="en">' in english and '<html lang="ko">' in korean
    # 31 October, 20:00 UTC, is 1 November in Seoul; both calendars have 2 November now.
    assert re.findall(r"<b>(.*?)</b> <span>(.*?)</span>", english)[0] == (
        "2 days ago",
        "2026-10-31",
    )
    assert re.findall(r"<b>(.*?)</b> <span>(.*?)</span>", korean)[0] == ("1일 전", "2026-11-01")
    assert "Days: UTC, today is 2026-11-02" in english
    assert "Asia/Seoul, 오늘 2026-11-02" in korean


@pytest.mark.parametrize(
    ("days", "english", "korean"),
    [
        (0, "today", "오늘"),
        (1, "1 day ago", "1일 전"),
        (45, "45 days ago", "45일 전"),
        (60, "2 months ago", "2개월 전"),
        (365 * 3, "3 years ago", "3년 전"),
        (-2, "in 2 days", "2일 후"),
    ],
)
def test_an_age_is_said_in_days_then_months_then_years(days, english, korean):
    today = date(2026, 11, 2)
    day = today - timedelta(days)
    assert (age(day, today, "en"), age(day, today, "ko")) == (english, korean)


def test_what_is_special_about_a_release_is_marked(house, shown):
    house.insert(
        "release_cycles", product_name="hive", cycle_name="4", end_of_life_date=date(2026, 10, 30)
    )
    house.release(
        "hive", "4.2.0", at(20),
        source_name="endoflife", release_kind="statement", released_date=date(2026, 10, 19),
        released_date_seoul=date(2026, 10, 19), released_at=None,
    )  # fmt: skip
    with shown() as client:
        spark, hive = client.get("/?products=spark").text, client.get("/?products=hive").text
    assert spark.count("pre-release") == 1 and "end of life" not in spark
    assert "end of life 2026-10-30" in hive
    assert "endoflife 2026-10-19, github 2026-10-20" in hive


def test_what_is_not_up_to_date_is_said(shown, monkeypatch):
    with shown() as client:
        assert "Not up to date" not in client.get("/").text
        monkeypatch.setenv("TRENDHOUSE_NOW", "2027-02-02T06:00:00Z")
        client.app.state.settings = load_settings()
        assert "Not up to date: published" in client.get("/").text


def test_posted_releases_stand_among_the_others_with_their_origin(house, shown, settings):
    updates = [
        Update("tableau", "2026.3", "https://example.org/t", date(2026, 10, 30)),
        Update("spark", "4.1.0", "https://example.org/s", date(2026, 10, 30)),
    ]
    Posted(settings.place).take(updates, at(31))
    with shown() as client:
        html = client.get("/").text
        feed = client.get("/feeds/releases.json?products=tableau").json()
        own = client.get("/?products=tableau").text
    assert cards(html) == ["spark", "tableau", "spark", "hive"]
    assert html.count("posted by others") == 1
    assert 'class="product" href="./?products=tableau"' in html and cards(own) == ["tableau"]
    assert "github 2026-10-31, posted 2026-10-30" in html
    assert [each["title"] for each in feed["items"]] == ["tableau 2026.3"]


def test_the_link_to_older_releases_leads_through_all_of_them(house, shown, settings):
    wanted = {("spark", "4.1.0"), ("spark", "4.1.0-rc1"), ("hive", "4.2.0")}
    fill_old(house, "many", 60)
    wanted |= {("many", f"0.{number}") for number in range(60)}
    posted = [
        Update("own", f"{day}", "https://example.org/o", date(2026, 8, day)) for day in range(1, 20)
    ]
    # What the marts know, however much of it is posted, must not hide what they do not.
    known = [
        Update("many", f"0.{number}", "https://example.org/m", date(2026, 9, 1) - timedelta(number))
        for number in range(60)
    ]
    Posted(settings.place).take([*known, *posted], at(31))
    wanted |= {("own", f"{day}") for day in range(1, 20)}
    read, path = [], "/?lang=en"
    with shown() as client:
        while path:
            html = client.get(path).text
            read += re.findall(
                r'class="product" [^>]*>([^<]+)</a>\s*<span class="version">([^<]+)<', html
            )
            older = Page(html).all("a", rel="next")
            path = older[0]["href"].removeprefix(".") if older else None
    assert len(read) == len(set(read)) == len(wanted)
    assert set(read) == wanted


def test_what_strangers_wrote_is_text_and_never_markup(house, shown):
    house.product(f"evil/{HOSTILE}", "1.0", date(2026, 10, 30))
    house.release(
        f"evil/{HOSTILE}", "1.0\x0b", at(30),
        release_name=HOSTILE, link="javascript:alert(1)", author_login=HOSTILE,
        body=f"{HOSTILE}\n\n[click](javascript:alert(1)) ![x](https://elsewhere.example/x.png)\n\n<iframe src=//x>",
    )  # fmt: skip
    with shown() as client:
        for path in ("/", f"/?q={HOSTILE}", f"/products/evil/{HOSTILE}/", f"/products/{HOSTILE}/"):
            answer = client.get(path)
            page = Page(answer.text)
            assert answer.headers["content-type"].startswith("text/html"), path
            scripts = [
                each.get("src", "").split("?")[0].rsplit("/", 1)[-1] for each in page.all("script")
            ]
            assert scripts == ["theme.js", "trendhouse.js"], path
            assert not page.all("iframe") and not page.all("img"), path
            for _, attributes in page.elements:
                assert not [name for name in attributes if name.startswith("on") or name == "style"]
                assert not (attributes.get("href") or "").startswith("javascript:")


def test_a_page_loads_nothing_from_elsewhere_and_carries_no_inline_script_or_style(plain):
    with plain as client:
        for path in ("/", "/products/spark/", "/repositories/", "/compare/", "/completeness/"):
            page = Page(client.get(path).text)
            loaded = [
                each["href"] for each in page.all("link") if each["rel"] in ("stylesheet", "icon")
            ]
            loaded += [each["src"] for each in page.all("script")]
            assert loaded and not [each for each in loaded if "//" in each], path
            assert not page.all("style"), path


def test_a_reader_that_has_the_page_is_not_sent_it_again(plain):
    with plain as client:
        first = client.get("/")
        again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
        other = client.get("/?lang=ko", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, other.status_code) == (304, b"", 200)


def test_a_damaged_link_is_refused_in_words(plain):
    with plain as client:
        for place in ("x", "[]", '["a"]', "[1,2,3,4]", "[" * 900, "{}"):
            answer = client.get("/", params={"before": place})
            assert (answer.status_code, "damaged" in answer.text) == (400, True), place


def test_a_product_page_has_every_version_its_notes_and_its_cycles(house, shown):
    house.insert("release_cycles", product_name="spark", cycle_name="4.1", released_date=date(2026, 10, 31),
                 end_of_life_date=date(2028, 1, 1))  # fmt: skip
    with shown() as client:
        html = client.get("/products/spark/").text
        assert client.get("/products/unknown/").status_code == 404
    assert re.findall(r"<h3>(.*?)</h3>", html) == ["4.1.0", "4.1.0-rc1"]
    assert "What is new in <strong>4.1.0</strong>." in html
    assert "2028-01-01" in html and "Extended support" not in html


def test_a_product_page_tells_what_has_ended_and_what_is_planned_without_counting_it(house, shown):
    for cycle, is_ended in (("5", False), ("4", True)):
        house.insert("release_cycles", product_name="hive", cycle_name=cycle, is_ended=is_ended)
    house.insert("release_cycles", product_name="hive", cycle_name="1", is_withdrawn=True)
    later = date(2027, 10, 1)
    house.release(
        "hive", "5.0", at(20), source_name="endoflife", release_kind="statement", released_at=None,
        released_date=later, released_date_seoul=later, is_planned=True,
    )  # fmt: skip
    house.release(
        "hive", "4.1.0", at(1), released_date=None, released_date_seoul=None, released_at=None
    )
    house.insert(
        "products", product_name="gone", release_count=0, is_withdrawn=True, withdrawn_at=at(31),
        has_dissent=False, clean_version=1,
    )  # fmt: skip
    with shown() as client:
        html = client.get("/products/hive/?lang=en").text
        gone = client.get("/products/gone/?lang=en").text
        main = client.get("/?lang=en&products=hive").text
    cells = dict(re.findall(r'<tr><th scope="row">(.*?)</th><td>.*?</td><td>(.*?)</td></tr>', html))
    assert cells == {"5": "not ended", "4": '<span class="flag over">ended</span>'}
    planned, listed = html[html.index('id="planned"') :].split('id="versions"')
    assert re.findall(r"<h3>(.*?)</h3>", planned) == ["5.0"]
    assert re.findall(r"<h3>(.*?)</h3>", listed) == ["4.2.0", "4.1.0"]
    assert "<dt>Versions</dt><dd>1<small>1 · day unknown</small></dd>" in html
    assert cards(main) == ["hive"] and "End of life: ended" in main
    assert "no longer lists this product since 2026-10-31" in gone
