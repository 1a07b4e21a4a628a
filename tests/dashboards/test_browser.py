"""What a reader sees: each dashboard in a real Chromium, behind the login, with every chart drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Response, expect, sync_playwright

from dashboards.specs import load
from dashboards.superset_app import USER

PAGES = {f"opensource-{page.slug}": page for page in load("opensource").dashboards}
# Tall enough for every chart to be in view: those below are drawn only when they are reached.
TALL = {"width": 1400, "height": 3200}


class Reader:
    """A browser that is logged in, and what it was answered."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.answers: list[Response] = []
        page.on("response", self.keep)

    def keep(self, answer: Response) -> None:
        self.answers.append(answer)

    def login(self, password: str) -> None:
        self.page.goto(f"{self.url}/login/")
        self.page.fill("[data-test=username-input]", USER)
        self.page.fill("[data-test=password-input]", password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def open(self, slug: str) -> None:
        """Show a dashboard, and wait until it asks nothing more."""
        self.answers.clear()
        self.page.goto(f"{self.url}/superset/dashboard/{slug}/")
        self.page.wait_for_selector(".dashboard-component-chart-holder")
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_load_state("networkidle")
        expect(self.page.locator(".loading")).to_have_count(0)

    @property
    def asked(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """(question, answer) of every chart; filters, which have no chart's number, left out."""
        asked = [
            (each.request.post_data_json, each.json()["result"][0])
            for each in self.answers
            if "/api/v1/chart/data" in each.url
        ]
        return [pair for pair in asked if pair[0]["form_data"].get("slice_id")]


@pytest.fixture(scope="module")
def reader(server) -> Iterator[Reader]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=TALL)
        found = Reader(page, server.url)
        found.login(server.home.password)
        yield found
        browser.close()


@pytest.mark.parametrize("slug", PAGES)
def test_every_chart_of_a_dashboard_is_drawn(reader, slug, tmp_path):
    reader.open(slug)
    charts = PAGES[slug].charts
    assert reader.page.locator(".dashboard-component-chart-holder .slice_container").count() == len(
        charts
    )
    assert len({question["form_data"]["slice_id"] for question, _ in reader.asked}) == len(charts)
    assert [answer["error"] for _, answer in reader.asked if answer["error"]] == []
    assert all(answer["rowcount"] for _, answer in reader.asked)
    text = reader.page.inner_text("body")
    assert "error" not in text.lower() and "No data" not in text
    assert beyond(reader) == []
    drawn = reader.page.locator(".slice_container canvas, .slice_container table").count()
    numbers = sum(chart.kind == "number" for chart in charts)
    assert drawn >= len(charts) - numbers
    shot = reader.page.screenshot(path=tmp_path / "shot.png")
    assert len(shot) > 30_000


def test_choosing_a_repository_by_name_narrows_every_chart_by_its_id(reader):
    reader.open("opensource-repository")
    assert chosen(reader) == {"108"}, "the largest is chosen at first"
    reader.answers.clear()
    reader.page.locator(".ant-select").first.click()
    reader.page.keyboard.type("owner-3")
    reader.page.locator(".ant-select-item-option", has_text="owner-3/name-3").click()
    reader.page.locator(".ant-select", has_text="103").wait_for()
    with reader.page.expect_response(lambda answer: "/api/v1/chart/data" in answer.url):
        reader.page.click("[data-test=filter-bar__apply-button]")
    reader.settle()
    assert chosen(reader) == {"103"}
    assert len(reader.asked) == len(PAGES["opensource-repository"].charts)


def beyond(reader: Reader) -> list[str]:
    """The addresses of others that answered."""
    ours = (reader.url, "data:", "blob:")
    return [each.url for each in reader.answers if not each.url.startswith(ours)]


def chosen(reader: Reader) -> set[str]:
    """The repositories by whose id the charts were narrowed."""
    return {
        value
        for question, _ in reader.asked
        for each in question["queries"][0]["filters"]
        if each["col"] == "repository_id"
        for value in each["val"]
    }
