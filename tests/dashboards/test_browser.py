"""What a reader sees: each dashboard in a real Chromium, behind the login, with every chart drawn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboards.specs import load
from tests.dashboards.reader import CHROMIUM, Reader, reading

PAGES = {f"opensource-{page.slug}": page for page in load("opensource").dashboards}


@pytest.fixture(scope="module")
def reader(request) -> Iterator[Reader]:
    if CHROMIUM is None:
        pytest.skip("no chromium on the PATH: bin/programs installs it")
    server = request.getfixturevalue("server")
    with reading(server.url, server.home.password) as found:
        yield found


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
    assert len(reader.picture(tmp_path / "picture.png")) > 30_000


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
