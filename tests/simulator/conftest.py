"""One default simulator for every test that only reads from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.running import RunningSimulator, serve


@pytest.fixture(scope="session")
def upstream() -> Iterator[RunningSimulator]:
    with serve(core_limit=100_000, graphql_limit=100_000) as running:
        yield running
