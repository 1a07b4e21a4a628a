"""Whole runs on a small sample world: again, a day later, killed, disturbed, cut short."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from orchestration.settings import Place
from tests.published_marts import differences, marts

TRENDHOUSE = Path(sys.executable).parent / "trendhouse"
STAGES = {
    ("land",): "land",
    ("deduplicate",): "deduplicate",
    ("check", "clean"): "check_clean",
    ("build",): "build",
    ("publish",): "publish",
}
KILLS_PER_STAGE = 5


class Home:
    """One sample world's home, and the command that works in it."""

    def __init__(self, folder: Path, watchlist: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "TRENDHOUSE_HOME": str(folder),
            "TRENDHOUSE_WORLD": "sample",
            "TRENDHOUSE_WATCHLIST": str(watchlist),
            "TRENDHOUSE_GHARCHIVE_HOURS": "2",
            "TRENDHOUSE_RANKING_DAYS": "3",
            "TRENDHOUSE_SPARK_MEMORY": "1g",
        }

    @property
    def place(self) -> Place:
        return Place(self.folder / "sample")

    def start(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            [TRENDHOUSE, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def trendhouse(self, *arguments: str, expect: int = 0) -> str:
        process = self.start(*arguments)
        said, _ = process.communicate()
        assert process.returncode == expect, said
        return said

    def kill(self, after: float, *arguments: str) -> bool:
        """Start a command, kill it and all its children; whether it was still at work."""
        process = self.start(*arguments)
        try:
            process.communicate(timeout=after)
            return False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return True

    def copy(self, folder: Path) -> Home:
        shutil.copytree(self.folder, folder, symlinks=True)
        other = Home.__new__(Home)
        other.folder = folder
        other.environment = {**self.environment, "TRENDHOUSE_HOME": str(folder)}
        return other

    def marts(self) -> dict[str, list[tuple]]:
        return marts(self.place)


@pytest.fixture(scope="module")
def watchlist(tmp_path_factory):
    """A small part of the sample world's own watchlist."""
    source = (Path(__file__).parents[1] / "simulator" / "watchlist.csv").read_text().splitlines()
    github = [line for line in source[1:] if ",github," in line][:4]
    endoflife = [line for line in source[1:] if ",endoflife," in line][:2]
    path = tmp_path_factory.mktemp("watchlist") / "watchlist.csv"
    path.write_text("\n".join([source[0], *github, *endoflife]) + "\n")
    return path


@pytest.fixture(scope="module")
def home(watchlist, tmp_path_factory):
    return Home(tmp_path_factory.mktemp("home"), watchlist)


@pytest.fixture(scope="module")
def undisturbed(home):
    """The marts of one undisturbed first run; its home is at that state."""
    home.trendhouse("run")
    return home.marts()


@pytest.fixture(scope="module")
def first_day(home, undisturbed, tmp_path_factory):
    """A copy of the home after the first run."""
    return home.copy(tmp_path_factory.mktemp("copy") / "home")


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
    first_day.trendhouse("run")
    assert differences(first_day.marts(), undisturbed) == {}


def test_a_day_later_history_is_longer_and_the_same(first_day, undisturbed):
    first_day.trendhouse("run", "--advance", "1")
    later = first_day.marts()
    days_before = set(undisturbed["repositories_daily"])
    assert days_before <= set(later["repositories_daily"])
    assert len(later["repositories_daily"]) > len(days_before)
    assert len(later["events_hourly"]) > len(undisturbed["events_hourly"])


def test_query_reads_what_is_published(home, undisturbed):
    said = home.trendhouse(
        "query", "select count(*) as product_count from products", "--format", "csv"
    )
    assert said.split() == ["product_count", str(len(undisturbed["products"]))]


def test_a_fifth_of_the_answers_going_wrong_changes_nothing(watchlist, undisturbed, tmp_path):
    chaos = Home(tmp_path, watchlist)
    said = chaos.trendhouse("run", "--faults", "0.2")
    assert differences(chaos.marts(), undisturbed) == {}, said


def test_a_silently_cut_page_refuses_publication(home, undisturbed, watchlist, tmp_path):
    """A fifth repository is listed for the first time, and its pages come short; then they are whole."""
    longer = tmp_path / "longer.csv"
    lines = (Path(__file__).parents[1] / "simulator" / "watchlist.csv").read_text().splitlines()
    fifth = [line for line in lines if ",github," in line][4]
    longer.write_text(f"{watchlist.read_text()}{fifth}\n")
    cut = home.copy(tmp_path / "home")
    cut.environment["TRENDHOUSE_WATCHLIST"] = str(longer)
    before = cut.place.published.joinpath("CURRENT.json").read_text()
    said = cut.trendhouse("run", "--cut-page", "/(issues|tags|releases|pulls)", expect=4)
    assert "capture rate" in said and "floor" in said
    assert cut.place.published.joinpath("CURRENT.json").read_text() == before
    assert differences(cut.marts(), undisturbed) == {}
    cut.trendhouse("run")
    assert len(cut.marts()["repositories"]) == len(undisturbed["repositories"]) + 1


def seconds_by_stage(home: Home) -> Counter:
    """What each stage of the home's first run took, as its record says, with a start of its own."""
    record = json.loads(min(home.place.runs.glob("*.json")).read_text())
    seconds = Counter(dict.fromkeys(STAGES.values(), 4.0))
    for step in record["steps"]:
        seconds[step["name"].split()[0]] += step["seconds"]
    return seconds


def test_kills_at_random_moments_leave_no_trace(home, undisturbed, watchlist, tmp_path):
    """Each stage is killed five times at work, started again each time, and then let through.

    A try that ended before it was killed does not count; the next one begins at the stage's start.
    """
    moments, seconds = random.Random("kills"), seconds_by_stage(home)
    disturbed, kills = Home(tmp_path / "disturbed", watchlist), Counter()
    disturbed.folder.mkdir()
    for arguments, stage in STAGES.items():
        before = disturbed.copy(tmp_path / f"before-{stage}")
        for _ in range(6 * KILLS_PER_STAGE):
            if kills[stage] == KILLS_PER_STAGE:
                break
            if disturbed.kill(moments.uniform(0.2, 0.9) * seconds[stage], *arguments):
                kills[stage] += 1
            else:
                seconds[stage] *= 0.8
                shutil.rmtree(disturbed.folder)
                disturbed = before.copy(disturbed.folder)
        disturbed.trendhouse(*arguments)
    assert kills == Counter(dict.fromkeys(STAGES.values(), KILLS_PER_STAGE))
    disturbed.trendhouse("run")
    assert differences(disturbed.marts(), undisturbed) == {}
