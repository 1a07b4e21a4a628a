"""Charts and badges: what is drawn, against what was put into the marts."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest

from serving.drawing.chart import BOTTOM, LEFT, RIGHT, TOP, Chart, Line
from serving.drawing.scales import day_ticks, round_ticks
from serving.queries.weeks import weekly
from tests.serving.page_world import SPARK, client_of, empty, fill_repository

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    house, settings = empty(tmp_path_factory.mktemp("charts"))
    fill_repository(house)
    house.publish()
    return client_of(settings)


def texts(svg: ET.Element) -> list[str]:
    return [each.text for each in svg.iter(f"{SVG}text")]


def test_a_chart_draws_each_day_at_its_place_in_the_look_of_its_origin(shown):
    with shown as client:
        svg = ET.fromstring(client.get(f"/charts/stars/{SPARK}.svg?lang=en").text)
    dots = {each.find(f"{SVG}title").text: each for each in svg.iter(f"{SVG}circle")}
    assert dots["2026-10-01: 12,000"].get("class") == "dot one ranking"
    assert dots["2026-10-21: 12,345"].get("class") == "dot one api"
    assert len(dots) == 12
    # 20 days and a scale from 12,000 to 12,400.
    for day, stars in ((1, 12_000), (6, 12_050), (20, 12_300), (21, 12_345)):
        dot = dots[f"2026-10-{day:02}: {stars:,}"]
        assert float(dot.get("cx")) == pytest.approx(
            LEFT + (RIGHT - LEFT) * (day - 1) / 20, abs=0.06
        )
        assert float(dot.get("cy")) == pytest.approx(
            BOTTOM - (BOTTOM - TOP) * (stars - 12_000) / 400, abs=0.06
        )
    looks = [each.get("class") for each in svg.iter(f"{SVG}path")]
    assert {"line one ranking", "line one api", "line one gap"} <= set(looks)
    assert {"a ranking", "GitHub's API", "4.1.0"} <= set(texts(svg))


def test_a_chart_says_where_it_is_from_and_how_complete_that_is(shown):
    with shown as client:
        answer = client.get(f"/charts/stars/{SPARK}.svg?lang=en")
    svg = ET.fromstring(answer.text)
    assert svg.find(f"{SVG}title").text == "apache/spark: Stars"
    published = client.app.state.follower.model.published_at
    assert (
        texts(svg)[-1] == f"a ranking, GitHub's API · captured 98.7 % · UTC · {published:%Y-%m-%d}"
    )
    assert "prefers-color-scheme: dark" in svg.find(f"{SVG}style").text
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_what_is_open_and_what_happens_by_week_is_what_the_issues_say(shown):
    with shown as client:
        html = client.get(f"/repositories/{SPARK}/?lang=en").text
    tables = re.findall(r"<caption hidden>(.*?)</caption>.*?<tbody>(.*?)</tbody>", html, re.DOTALL)
    rows = {
        title: [
            re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)
        ]
        for title, body in tables
    }
    # Opened on 5, 6 and 7 October (a Monday and after), closed on the 7th and the 15th.
    assert rows["apache/spark: Open issues"] == [
        ["2026-10-15", "1"], ["2026-10-07", "2"], ["2026-10-06", "2"], ["2026-10-05", "1"],
    ]  # fmt: skip
    assert rows["apache/spark: Issues by week"] == [
        ["2026-10-26", "0", "0"], ["2026-10-19", "0", "0"], ["2026-10-12", "0", "1"], ["2026-10-05", "3", "1"],
    ]  # fmt: skip
    assert rows["apache/spark: Stars"][0] == ["2026-10-21", "12,345", "GitHub&#39;s API"]
    assert "apache/spark: Commits by week" not in rows


def test_badges_state_the_values_of_the_marts(shown):
    with shown as client:
        read = {
            kind: texts(ET.fromstring(client.get(f"/badges/{kind}/{SPARK}.svg?lang=en").text))
            for kind in ("stars", "forks", "release", "end-of-life")
        }
        unknown = client.get("/badges/stars/no/body.svg?lang=en")
    assert read == {
        "stars": ["Stars", "12.35k"],
        "forks": ["Forks", "50"],
        "release": ["Latest version", "4.1.0"],
        "end-of-life": ["End of life", "2026-10-06"],
    }
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "image/svg+xml")
    assert texts(ET.fromstring(unknown.text))[1] == "There is no repository no/body here."


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 1]),
        (0, 97, [0, 50, 100]),
        (7_394, 7_464, [7_380, 7_400, 7_420, 7_440, 7_460, 7_480]),
        (5, 5, [4, 5, 6]),
        (0, 0, [0, 1]),
    ],
)
def test_an_axis_has_round_numbers_that_enclose_what_is_drawn(low, high, ticks):
    assert round_ticks(low, high) == ticks


def test_days_are_labelled_at_readable_distances():
    first = date(2026, 10, 1)
    for days, label in ((0, "10-01"), (30, "10-08"), (400, "2027-01"), (4000, "2028")):
        found = day_ticks(first, first + timedelta(days))
        assert 1 <= len(found) <= 7, days
        assert label in [each for _, each in found], days
        assert all(first <= day <= first + timedelta(days) for day, _ in found)


def test_weeks_begin_on_monday_and_the_unfinished_one_is_left_out():
    days = [
        (date(2026, 10, 5), 1),
        (date(2026, 10, 11), 2),
        (date(2026, 10, 26), 4),
        (date(2026, 11, 2), 8),
    ]
    assert weekly(days, date(2026, 11, 4)) == [
        (date(2026, 10, 5), 3), (date(2026, 10, 12), 0), (date(2026, 10, 19), 0), (date(2026, 10, 26), 4),
    ]  # fmt: skip
    assert weekly(days, date(2026, 11, 4), most=1) == [(date(2026, 10, 26), 4)]
    assert weekly([], date(2026, 11, 4)) == []


def test_a_chart_without_points_says_so_and_any_text_is_drawn_as_text():
    hostile = "</text><script>alert(1)</script>\x00"
    chart = Chart(hostile, (), (hostile,), "No data yet")
    svg = ET.fromstring(chart.svg(alone=True))
    assert "No data yet" in texts(svg)
    assert not list(svg.iter(f"{SVG}script"))
    one = Chart("t", (Line(((date(2026, 1, 1), 5.0),), "one", hostile),), (), "")
    assert not list(ET.fromstring(one.svg(alone=True)).iter(f"{SVG}script"))
