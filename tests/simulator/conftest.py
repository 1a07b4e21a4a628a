"""One default simulator, and one replay, for every test that only reads from them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from simulator.recordings import build_app
from simulator.replay_library import LINK
from simulator.running import RunningSimulator, serve

# pytest's importlib mode puts no folder on the path: what tests share here is found through this.
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "third_parties")]


@pytest.fixture(scope="session")
def upstream() -> Iterator[RunningSimulator]:
    with serve(core_limit=100_000, graphql_limit=100_000) as running:
        yield running


class Replayed:
    """The replay, asked from synchronous tests; redirects are shown, not followed."""

    def __init__(self, runner, client):
        self.runner, self.client = runner, client

    def get(self, url, **headers):
        return self.runner.run(self.fetch(url, headers))

    async def fetch(self, url, headers):
        target = URL(url, encoded=True)
        target = target.relative() if target.absolute else target
        async with self.client.get(target, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers, await answer.read()

    def walk(self, url):
        """Every item of a list, following Link `next` from page to page."""
        while url:
            status, headers, body = self.get(url)
            assert status == 200
            yield from orjson.loads(body)
            url = {name: to for to, name in LINK.findall(headers.get("Link", ""))}.get("next")


@pytest.fixture(scope="session")
def replay(shared_data):
    async def start():
        client = TestClient(
            TestServer(build_app(shared_data, datetime(2026, 11, 2, 6, tzinfo=UTC)))
        )
        await client.start_server()
        return client

    with asyncio.Runner() as runner:
        client = runner.run(start())
        yield Replayed(runner, client)
        runner.run(client.close())
