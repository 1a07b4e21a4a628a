"""Pages in a real headless Chromium, by mouse and by keyboard, over a real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.serving.conftest import NOW
from tests.serving.page_world import empty, fill_old, fill_releases, fill_repository
from tests.serving.standing import standing

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
PAGES = ("/", "/products/spark/", "/repositories/", "/repositories/apache/spark/", "/completeness/")
PAGES += ("/compare/?repositories=apache/spark", "/repositories/no/body/")


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """A home with the worlds of the page tests, and as many old releases as make a second page."""
    home = tmp_path_factory.mktemp("browser")
    house, _ = empty(home)
    fill_releases(house)
    fill_repository(house)
    fill_old(house, "old", 50)
    house.publish()
    return home


@pytest.fixture(scope="module")
def address(world, tmp_path_factory) -> Iterator[str]:
    with standing(world, tmp_path_factory.mktemp("log") / "serve.log", now=NOW) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # As root, as in CI, Chromium has no sandbox.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser, address) -> Iterator:
    """Opens pages in a fresh context; at the end nothing must have gone wrong in them."""
    contexts, wrong = [], []

    def open_at(path: str = "/", **options) -> Page:
        context = browser.new_context(**({"locale": "en-GB"} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type != "log" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda asked: wrong.append(asked.url))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(address) else wrong.append(asked.url),
        )
        page.goto(address + path)
        page.wait_for_selector("#theme:visible")
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert [each for each in wrong if "/no/body/" not in each and "404" not in each] == []


def products(page: Page) -> list[str]:
    return page.locator("#found > li:visible .product").all_inner_texts()


def wait_for_count(page: Page, count: int) -> None:
    page.wait_for_function(
        "n => document.querySelectorAll('#found > li:not([hidden])').length === n", arg=count
    )


def test_a_chip_filters_and_the_address_keeps_it(opened):
    page = opened()
    page.click(".chip[data-product=hive]")
    wait_for_count(page, 1)
    assert products(page) == ["hive"]
    assert page.url.endswith("/?products=hive")
    assert page.get_attribute(".chip[data-product=hive]", "aria-pressed") == "true"
    assert "products=hive" in page.get_attribute('link[type="application/atom+xml"]', "href")
    page.click(".chip[data-product=spark]")
    wait_for_count(page, 3)
    page.go_back()
    wait_for_count(page, 1)
    page.reload()
    assert products(page) == ["hive"]
    page.click("#clear")
    wait_for_count(page, 48)


def test_a_search_is_answered_while_it_is_typed(opened):
    page = opened()
    page.locator("input[name=q]").press_sequentially("rc1")
    wait_for_count(page, 1)
    assert page.locator("#found .version").inner_text() == "4.1.0-rc1"
    assert page.locator("#count").inner_text() == "Releases shown: 1"
    page.fill("input[name=q]", "no such thing")
    wait_for_count(page, 0)
    assert page.is_visible("#nothing")


def test_favourites_are_kept_after_a_reload(opened):
    page = opened()
    page.locator("[data-favourite=hive]").first.click()
    page.reload()
    assert page.get_attribute("[data-favourite=hive]", "aria-pressed") == "true"
    page.click("#only")
    wait_for_count(page, 1)
    assert products(page) == ["hive"]
    page.reload()
    wait_for_count(page, 1)
    page.locator("[data-favourite=hive]").click()
    page.click("#only")
    wait_for_count(page, 48)


def test_older_releases_are_added_to_the_page(opened):
    page = opened()
    page.click("#more a")
    wait_for_count(page, 54)
    assert page.locator("#more a").count() == 0
    # Whoever goes by keyboard goes on where the new ones begin.
    assert page.evaluate("document.activeElement.className") == "product"


def test_the_language_is_switched_and_stays(opened):
    page = opened("/?products=spark")
    page.click("a[data-language][lang=ko]")
    assert page.get_attribute("html", "lang") == "ko"
    assert page.locator("#found b").first.inner_text() == "1일 전"
    assert products(page) == ["spark", "spark"]
    page.click("nav a >> nth=1")
    assert page.get_attribute("html", "lang") == "ko"


def test_the_dark_theme_is_chosen_or_preferred_and_kept(opened):
    colour = "getComputedStyle(document.body).backgroundColor"
    page = opened()
    light = page.evaluate(colour)
    page.click("#theme")
    dark = page.evaluate(colour)
    assert (light, dark) == ("rgb(250, 249, 246)", "rgb(21, 23, 27)")
    page.goto(page.url + "repositories/")
    assert page.evaluate(colour) == dark
    preferring = opened(color_scheme="dark")
    assert preferring.evaluate(colour) == dark
    preferring.click("#theme")
    assert preferring.evaluate(colour) == light


def test_the_keyboard_alone_is_enough(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("hive")
    wait_for_count(page, 1)
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    wait_for_count(page, 48)
    while page.evaluate("document.activeElement.dataset.product") != "hive":
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement !== document.body")
    page.keyboard.press("Space")
    wait_for_count(page, 1)
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    assert page.evaluate("document.activeElement.dataset.product") == "hive"


def test_charts_are_drawn_in_the_page_and_as_pictures(opened, address):
    page = opened("/repositories/apache/spark/")
    lines = page.locator("figure .chart .line")
    assert lines.count() > 5
    box = page.locator("figure .chart").first.bounding_box()
    assert box["width"] > 250 and box["height"] > 150
    stroke = lines.first.evaluate("line => getComputedStyle(line).stroke")
    assert stroke == "rgb(11, 114, 133)"
    size = page.evaluate(
        "url => new Promise(done => { const image = new Image();"
        " image.onload = () => done(image.naturalWidth); image.onerror = () => done(0); image.src = url; })",
        f"{address}/charts/stars/apache/spark.svg",
    )
    assert size == 480


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), ("dark", "ko")])
def test_no_page_has_a_barrier_that_axe_knows(opened, scheme, language):
    found = {}
    for path in PAGES:
        page = opened(f"{path}{'&' if '?' in path else '?'}lang={language}", color_scheme=scheme)
        for violation in Axe().run(page).response["violations"]:
            nodes = [node["html"][:120] for node in violation["nodes"]]
            found[f"{path} {violation['id']}"] = nodes
        page.context.close()
    assert found == {}


def test_no_page_is_wider_than_a_phone(opened):
    for path in PAGES:
        page = opened(path, viewport={"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path


def test_everything_works_without_a_script(browser, address):
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(address)
    page.click(".chip[data-product=hive]")
    assert products(page) == ["hive"]
    page.click(".chip[data-product=spark]")
    assert products(page) == ["spark", "spark", "hive"]
    page.fill("input[name=q]", "rc1")
    page.click("button.go")
    assert page.locator("#found .version").all_inner_texts() == ["4.1.0-rc1"]
    page.click("#clear")
    page.click("#more a")
    assert products(page) == ["old"] * 6
    assert page.locator("#only").is_hidden()
    context.close()
