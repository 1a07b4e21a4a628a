"""One default simulator for every test that only reads from it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.running import RunningSimulator, serve

# pytest's importlib mode puts no folder on the path: what tests share here is found through this.
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "third_parties")]


@pytest.fixture(scope="session")
def upstream() -> Iterator[RunningSimulator]:
    with serve(core_limit=100_000, graphql_limit=100_000) as running:
        yield running
