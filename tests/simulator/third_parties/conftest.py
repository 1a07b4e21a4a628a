"""The world on loopback, and the third parties that it is held against."""

from pathlib import Path

import orjson
import pytest
from github_openapi import GithubApi
from public_graphql import SchemaUnavailable, read_public_schema
from served_world import Served, ask

from simulator.faults import Faults
from simulator.replay_library import read_recordings
from simulator.server import Options, Simulator
from simulator.world import World

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def world():
    served = Served(Simulator(World(), Faults(), Options()))
    yield served
    served.stop()


@pytest.fixture(scope="module")
def names(world):
    """Repositories of the world, some with much history and some with little."""
    url = f"{world.base_url}/search/repositories?q=stars:%3E%3D0&sort=stars&order=desc&per_page=100"
    found = [item["full_name"] for item in orjson.loads(ask(url).body)["items"]]
    return found[:3] + found[len(found) // 2 :][:2] + found[-2:]


@pytest.fixture(scope="module")
def github(shared_data):
    return GithubApi(shared_data / "openapi")


@pytest.fixture(scope="module")
def recorded(shared_data):
    return list(read_recordings(shared_data))


@pytest.fixture(scope="module")
def public_schema():
    try:
        return read_public_schema(ROOT / ".cache")
    except SchemaUnavailable as reason:
        pytest.skip(f"GitHub's public GraphQL schema is not to be had: {reason}")
