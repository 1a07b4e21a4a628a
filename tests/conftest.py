"""Fixtures that every part of the tests shares."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from tests.distribution import pytest_xdist_make_scheduler  # noqa: F401
from tests.house import House
from tests.progress import pytest_configure  # noqa: F401
from tests.sample_home import Home, small_watchlist


@pytest.fixture(scope="session", autouse=True)
def own_priority():
    """Commands that a test runs in its own process leave that as urgent as it was, for all tests after it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trendhouse.running.stand_back", lambda niceness: None)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data recorded by others; a test that needs it skips where it is absent."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TRENDHOUSE_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no recorded data at {folder} (set TRENDHOUSE_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def common_folder(tmp_path_factory, worker_id) -> Path:
    """One folder for all workers of this run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "common"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def sample_watchlist(tmp_path_factory) -> Path:
    """A small part of the sample world's own watchlist."""
    return small_watchlist(tmp_path_factory.mktemp("watchlist") / "watchlist.csv")


@pytest.fixture(scope="session")
def sample_home(sample_watchlist, common_folder) -> Home:
    """A home after one undisturbed first run, by the worker that asks first; to change anything, work on a copy."""
    home = Home(common_folder / "home" / "Ann's wärehouse, 한국", sample_watchlist)
    stands = common_folder / "home.stands"
    with FileLock(common_folder / "home.lock"):
        if not stands.exists():
            home.trendhouse("run")
            stands.touch()
    return home


@pytest.fixture
def house(tmp_path, monkeypatch) -> House:
    monkeypatch.setenv("TRENDHOUSE_NOW", "2026-11-02T06:00:00Z")
    return House(tmp_path / "sample")
