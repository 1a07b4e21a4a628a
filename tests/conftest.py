"""Fixtures that every part of the tests shares."""

import os
from pathlib import Path

import pytest

from tests.sample_home import Home


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data recorded by others; a test that needs it skips where it is absent."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TRENDHOUSE_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no recorded data at {folder} (set TRENDHOUSE_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def sample_watchlist(tmp_path_factory) -> Path:
    """A small part of the sample world's own watchlist."""
    source = (Path(__file__).parents[1] / "simulator" / "watchlist.csv").read_text().splitlines()
    github = [line for line in source[1:] if ",github," in line][:4]
    endoflife = [line for line in source[1:] if ",endoflife," in line][:2]
    path = tmp_path_factory.mktemp("watchlist") / "watchlist.csv"
    path.write_text("\n".join([source[0], *github, *endoflife]) + "\n")
    return path


@pytest.fixture(scope="session")
def sample_home(sample_watchlist, tmp_path_factory) -> Home:
    """A home after one undisturbed first run; to change anything, work on a copy of it."""
    home = Home(tmp_path_factory.mktemp("home") / "home", sample_watchlist)
    home.trendhouse("run")
    return home
