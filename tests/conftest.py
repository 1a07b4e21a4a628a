"""Fixtures that every part of the tests shares."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data recorded by others; a test that needs it skips where it is absent."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TRENDHOUSE_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no recorded data at {folder} (set TRENDHOUSE_SHARED_DATA)")
    return folder
