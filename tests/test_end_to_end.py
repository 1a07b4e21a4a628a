"""Whole runs on a small sample world: again, a day later, killed, disturbed, cut short."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.kills import STAGES, Disturbed, seconds_by_stage
from tests.published_marts import differences
from tests.sample_home import Home

KILLS = 1


@pytest.fixture(scope="module")
def undisturbed(sample_home):
    """The marts of one undisturbed first run; its home is at that state."""
    return sample_home.marts()


@pytest.fixture(scope="module")
def first_day(sample_home, tmp_path_factory):
    """A copy of the home after the first run."""
    return sample_home.copy(tmp_path_factory.mktemp("copy") / "home")


def test_a_first_run_fills_the_marts(undisturbed):
    filled = {name for name, rows in undisturbed.items() if rows}
    assert {
        "repositories",
        "repositories_daily",
        "releases",
        "issues",
        "pull_requests",
        "commits_daily",
    } <= filled
    assert {
        "contributors",
        "contributor_weeks",
        "languages",
        "licenses",
        "forks",
        "events_hourly",
    } <= filled
    assert {"products", "completeness"} <= filled


def test_a_second_run_changes_no_number(first_day, undisturbed):
    said = first_day.trendhouse("run")
    assert differences(first_day.marts(), undisturbed) == {}
    assert " tests" in said and "unit tests" not in said  # they passed in the first


def test_a_day_later_history_is_longer_and_the_same(first_day, undisturbed):
    first_day.trendhouse("run", "--advance", "1")
    later = first_day.marts()
    days_before = set(undisturbed["repositories_daily"])
    assert days_before <= set(later["repositories_daily"])
    assert len(later["repositories_daily"]) > len(days_before)
    assert len(later["events_hourly"]) > len(undisturbed["events_hourly"])


def test_query_reads_what_is_published(sample_home, undisturbed):
    said = sample_home.trendhouse(
        "query", "select count(*) as product_count from products", "--format", "csv"
    )
    assert said.split() == ["product_count", str(len(undisturbed["products"]))]


def test_a_fifth_of_the_answers_going_wrong_changes_nothing(
    sample_watchlist, undisturbed, tmp_path
):
    chaos = Home(tmp_path, sample_watchlist)
    said = chaos.trendhouse("run", "--faults", "0.2")
    assert differences(chaos.marts(), undisturbed) == {}, said


def test_a_silently_cut_page_holds_back_its_repository_alone(
    sample_home, undisturbed, sample_watchlist, tmp_path
):
    """A fifth repository is listed for the first time, and its pages come short; then they are whole."""
    longer = tmp_path / "longer.csv"
    lines = (Path(__file__).parents[1] / "simulator" / "watchlist.csv").read_text().splitlines()
    fifth = [line for line in lines if ",github," in line][4]
    longer.write_text(f"{sample_watchlist.read_text()}{fifth}\n")
    cut = sample_home.copy(tmp_path / "home")
    cut.environment["TRENDHOUSE_WATCHLIST"] = str(longer)
    said = cut.trendhouse("run", "--cut-page", "/(issues|tags|releases|pulls)", expect=3)
    assert "capture rate" in said and "readers see nothing of it" in said
    shown = cut.marts()
    assert len(shown["repositories"]) == len(undisturbed["repositories"]) + 1
    assert differences({"issues": shown["issues"]}, {"issues": undisturbed["issues"]}) == {}
    cut.trendhouse("run")
    assert len(cut.marts()["issues"]) > len(undisturbed["issues"])


def test_kills_at_random_moments_leave_no_trace(
    sample_home, undisturbed, sample_watchlist, tmp_path
):
    """Each stage is killed once at work; `python -m tests.kills` does the same for longer."""
    disturbed = Disturbed(
        tmp_path, sample_watchlist, seconds_by_stage(sample_home), random.Random("kills")
    )
    disturbed.run(KILLS)
    assert disturbed.kills == Counter(dict.fromkeys(STAGES.values(), KILLS))
    assert differences(disturbed.home.marts(), undisturbed) == {}
