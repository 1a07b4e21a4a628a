"""A small published state that tests fill row by row, and the application over it."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from tests.mart_warehouse import MartWarehouse
from trendhouse.settings import Place, Settings, load_settings
from trendhouse.verdicts import Verdicts, marts_path, state_of
from warehouse.publish import Publication, publish

NOW = "2026-11-02T06:00:00Z"


class House(MartWarehouse):
    """A world whose marts are written by hand and published by the real publication."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.warehouse)
        self.place = place

    @classmethod
    def standing(cls, place: Place) -> House:
        """The house of a world that has its marts already."""
        house = cls.__new__(cls)
        house.path, house.place = place.warehouse, place
        return house

    def publish(self) -> Publication:
        """Readers see the marts as they are; the suites are taken to hold on them."""
        verdicts = Verdicts(marts_path(self.place.warehouse, "opensource"))
        verdicts.conclude(state_of(self.place.warehouse))
        return publish(self.place)

    def product(self, name: str, version: str, day: date, **values: Any) -> None:
        """A product with its latest version, which GitHub released on a day at 20:00 UTC."""
        self.insert(
            "products",
            product_name=name,
            latest_version=version,
            latest_source_name="github",
            latest_release_kind="release",
            latest_link=f"https://example.org/{name}/{version}",
            latest_released_date=day,
            is_latest_prerelease=False,
            has_dissent=False,
            repository_count=1,
            release_count=1,
            clean_version=1,
            **values,
        )

    def release(self, product: str, version: str, at: datetime, **values: Any) -> None:
        """A release on GitHub."""
        row = {
            "product_name": product,
            "version": version,
            "source_name": "github",
            "release_kind": "release",
            "tag_name": f"v{version}",
            "release_name": f"{product} {version}",
            "body": f"What is new in **{version}**.",
            "link": f"https://example.org/{product}/{version}",
            "version_key": version,
            "tag_count": 1,
            "is_version": True,
            "is_prerelease": False,
            "is_draft": False,
            "is_withdrawn": False,
            "is_deleted": False,
            "released_date": at.date(),
            "released_at": at,
            "observed_at": at,
            "collected_at": at,
            "clean_version": 1,
        }
        self.insert("releases", **row | values)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch) -> Settings:
    monkeypatch.setenv("TRENDHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("TRENDHOUSE_WORLD", "sample")
    monkeypatch.setenv("TRENDHOUSE_NOW", NOW)
    return load_settings()


@pytest.fixture
def house(settings) -> House:
    return House(settings.place)


@pytest.fixture
def client(settings, house):
    """Pages and API over what the test has published; enter it after publishing."""
    return TestClient(create_app(settings), raise_server_exceptions=False)


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """A function that makes the API's world below a folder: its house, and settings that serve it."""
    from tests.serving.api_world import copied, fill

    template = tmp_path_factory.mktemp("template")
    fill(template)
    return partial(copied, template)
