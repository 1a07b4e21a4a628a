"""A published world and a real Superset over it, shared by all tests of the dashboards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.airflow import free_port
from dashboards.server import Server, SupersetHome
from tests.dashboards.api import Api
from tests.dashboards.world import NOW, build
from trendhouse.settings import Place
from warehouse.publish import publish


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Place:
    """The world's folders, published once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRENDHOUSE_NOW", f"{NOW.isoformat()}Z")
        found = Place(tmp_path_factory.mktemp("dashboards") / "sample")
        build(found)
        publish(found)
    return found


@pytest.fixture(scope="session")
def server(place) -> Iterator[Server]:
    """A Superset of its own, provisioned from nothing."""
    running = Server(SupersetHome(place.root / "superset"), free_port(0))
    with running.home.alone():
        try:
            running.start()
            yield running
        finally:
            running.end()


@pytest.fixture
def api(server) -> Api:
    """An authenticated session."""
    return Api(server.url, server.home.password)
