"""Fixtures that every part of the tests shares."""

import os
from pathlib import Path

import pytest

from tests.sample_home import Home, small_watchlist


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
    return small_watchlist(tmp_path_factory.mktemp("watchlist") / "watchlist.csv")


@pytest.fixture(scope="session")
def sample_home(sample_watchlist, tmp_path_factory) -> Home:
    """A home after one undisturbed first run; to change anything, work on a copy of it."""
    home = Home(tmp_path_factory.mktemp("home") / "Ann's wärehouse, 한국", sample_watchlist)
    home.trendhouse("run")
    return home
