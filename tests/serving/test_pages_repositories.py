"""The list of repositories, a repository's page, comparison and completeness."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from tests.serving.conftest import House
from tests.serving.page_world import at, captured, client_of, counted, empty, repository


def fill_two(house: House) -> None:
    """People, language, topic and project of `b/two`."""
    people = [("ann", 60, False), ("bob", 20, False), ("robot[bot]", 500, True)]
    for login, count, is_bot in people:
        house.insert(
            "contributors", repository_id="2", contributor_key=login, author_login=login,
            commit_count=count, is_bot=is_bot, is_anonymous=False, clean_version=1,
        )  # fmt: skip
    house.insert(
        "languages",
        repository_id="2",
        language_name="Rust",
        byte_count=3,
        byte_share=0.75,
        clean_version=1,
    )
    house.insert("topics", repository_id="2", topic_name="<i>data</i>", clean_version=1)
    house.insert(
        "projects", repository_id="2", project_name="Plan", url="javascript:alert(1)", project_number=1,
        is_closed=False, is_deleted=False, clean_version=1,
    )  # fmt: skip


def fill_unasked(house: House) -> None:
    """`Far/Away`, which archive and rankings know, and `Lone/Star`, which rankings alone do."""
    house.insert(
        "repository_names", repository_id="9", repository_name="Far/Away", name_number=1, is_current=True,
        last_confirmed_at=at(date(2026, 10, 1)), clean_version=1,
    )  # fmt: skip
    counted(house, date(2026, 10, 2), 71, "ranking", "9")
    counted(house, date(2026, 10, 3), 73, "ranking", "9")
    for name, day, list_name, stars in (
        ("Lone/Star", 1, "Python", 80), ("Lone/Star", 2, "Python", 88), ("lone/star", 2, "top-100-stars", 90),
    ):  # fmt: skip
        house.insert(
            "unresolved_rankings", repository_name=name, list_name=list_name, list_rank=1, reason="unknown name",
            star_count=stars, fork_count=5, ranking_date=date(2026, 10, day), clean_version=1,
        )  # fmt: skip


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Three repositories; `b/two` was `old/name` once; `c/three` is gone."""
    house, settings = empty(tmp_path_factory.mktemp("repositories"))
    repository(
        house,
        "a/one",
        "1",
        star_count=300,
        language_name="Python",
        license_spdx_id="MIT",
        license_key="mit",
    )
    repository(
        house,
        "b/two",
        "2",
        star_count=200,
        language_name="Rust",
        is_archived=True,
        description="<b>bold</b>",
    )
    repository(
        house, "c/three", "3", star_count=900, is_deleted=True, deleted_evidence="GET answered 404"
    )
    for number, (name, id) in enumerate((("old/name", "2"), ("b/two", "2"))):
        house.insert(
            "repository_names", repository_id=id, repository_name=name, name_number=number + 1,
            is_current=name == "b/two", last_confirmed_at=at(date(2026, 10, number + 1)), clean_version=1,
        )  # fmt: skip
    fill_unasked(house)
    for number in range(30):
        counted(house, date(2026, 10, 1) + timedelta(number), 100 + number, "api", "2")
    house.sql(
        "update marts.repositories_daily set star_growth_7d = 7, star_growth_28d = 28 where observed_date = '2026-10-30'"
    )
    fill_two(house)
    for partition, landed in (("1", 10), ("2", 30)):
        captured(house, "issues", partition, landed + 10 * (partition == "2"), landed)
    captured(house, "commits", "2", 100, 100, "block", day=date(2026, 10, 30))
    captured(house, "commits", "2", 200, 110, "block")
    captured(house, "tags", "2", 20, 1, "block")
    house.publish()
    return client_of(settings)


def names(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]*">([^<]+)</a>', html)


def test_what_is_shown_as_it_was_is_said_on_the_page_and_in_its_headers(shown):
    with shown as client:
        answers = [client.get(f"/repositories/{name}/?lang=en") for name in ("b/two", "a/one")]
        completeness = client.get("/completeness/?lang=en").text
    assert "github.commits is shown as of 2026-10-30: what came since is not complete." in (
        answers[0].text
    )
    assert "github.tags is not shown: what came of it so far is not complete." in answers[0].text
    assert "is shown as of" not in answers[1].text
    headers = [answer.headers.get("Trendhouse-Held-Back") for answer in answers]
    assert headers == ["github.commits=2026-10-30, github.tags=never", None]
    assert "github.commits: 1 parts are not complete" in completeness


def test_the_list_is_sorted_and_filtered_as_asked(shown):
    with shown as client:
        read = {
            query: names(client.get(f"/repositories/{query}").text)
            for query in (
                "",
                "?sort=growth_7d",
                "?language=rust",
                "?license=MIT",
                "?q=ONE",
                "?q=zzz",
                "?topic=%3Ci%3Edata%3C/i%3E",
            )
        }
    assert read == {
        "": ["a/one", "b/two"],
        "?sort=growth_7d": ["b/two", "a/one"],
        "?language=rust": ["b/two"],
        "?license=MIT": ["a/one"],
        "?q=ONE": ["a/one"],
        "?q=zzz": [],
        "?topic=%3Ci%3Edata%3C/i%3E": ["b/two"],
    }


def test_a_repository_page_states_its_figures(shown):
    with shown as client:
        html = client.get("/repositories/b/two/?lang=en").text
    assert "+7 · 7 days" in html and "+28 · 28 days" in html
    assert "People: 2, bots: 1" in html
    assert "ann made 75 % of the commits by people" in html
    assert "75 %" in html and "archived" in html and "Former names: old/name" in html
    assert "<b>bold</b>" not in html and "&lt;b&gt;bold&lt;/b&gt;" in html
    assert "<i>data</i>" not in html and "javascript:" not in html
    assert "api/v1/repositories/b/two/daily?format=csv&amp;calendar=UTC" in html


def test_what_is_gone_is_shown_as_it_was_last(shown):
    with shown as client:
        html = client.get("/repositories/c/three/?lang=en").text
    assert "Upstream no longer has it (GET answered 404)" in html and ">900<" in html


def test_what_nobody_asked_github_for_has_a_page_of_what_is_known(shown):
    with shown as client:
        known = client.get("/repositories/far/away/?lang=en")
        ranked = client.get("/repositories/LONE/star/?lang=en")
        chart = client.get("/charts/stars/Far/Away.svg")
    assert (known.status_code, known.url.path) == (200, "/repositories/Far/Away/")
    assert "<h1>Far/Away</h1>" in known.text and "<dt>Stars</dt><dd>73" in known.text
    assert chart.status_code == 200 and "no longer watched" not in known.text
    assert ranked.status_code == 200 and "on 2 days" in ranked.text
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td>', ranked.text)
    assert rows == [("2026-10-02", "90"), ("2026-10-01", "80")]


def test_a_former_name_leads_to_the_repository(shown):
    with shown as client:
        answer = client.get("/repositories/old/name/?lang=ko", follow_redirects=False)
        page = client.get("/repositories/old/name/")
        unknown = client.get("/repositories/no/body/")
    assert (answer.status_code, answer.headers["location"]) == (
        308,
        "../../../repositories/b/two/?lang=ko",
    )
    assert page.url.path == "/repositories/b/two/"
    assert (unknown.status_code, "no/body" in unknown.text) == (404, True)


def test_up_to_five_repositories_are_compared_and_more_are_refused(shown):
    with shown as client:
        two = client.get("/compare/?repositories=a/one,old/name&lang=en").text
        many = client.get("/compare/?repositories=a/1,a/2,a/3,a/4,a/5,a/6")
        unknown = client.get("/compare/?repositories=a/one,no/body")
    rows = {
        label: re.findall(r"<td class=\"n\">(.*?)</td>", rest)
        for label, rest in re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', two)
    }
    assert rows["Stars"] == ["300", "200"] and rows["Stars, 7 days"] == ["–", "7"]
    assert two.count('class="chart"') == 2
    assert (many.status_code, "At most five" in many.text) == (422, True)
    assert (unknown.status_code, "no/body" in unknown.text) == (404, True)


def test_completeness_is_the_ledgers(shown):
    with shown as client:
        html = client.get("/completeness/?lang=en").text
    row = re.search(r"<tr><td>github</td><th scope=.row.>issues</th>.*?</tr>", html, re.DOTALL)
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row[0])
    assert cells == ["github", "issues", "50", "40", "75 %", "2", "2026-11-01"]
    assert html.count("75 %") == 2
