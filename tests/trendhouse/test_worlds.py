"""The worlds: whose clock counts, and which options contradict each other."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from trendhouse.settings import Settings, load_settings
from trendhouse.worlds import SAMPLE_NOW, WorldError, enter, world_clock


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.delenv("TRENDHOUSE_NOW", raising=False)
    monkeypatch.setenv("TRENDHOUSE_HOME", str(tmp_path))
    return Settings(world="sample")


def test_the_sample_world_has_its_own_clock_for_every_verb(settings):
    assert world_clock(settings.place) == SAMPLE_NOW
    settings.place.root.mkdir(parents=True)
    memory = settings.place.root / "world.json"
    memory.write_text(json.dumps({"now": "2026-11-05T06:00:00+00:00"}))
    assert world_clock(settings.place) == datetime(2026, 11, 5, 6, tzinfo=UTC)


def test_a_clock_that_is_set_goes_before_the_world_s_own(settings, monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_NOW", "2027-01-01")
    assert world_clock(settings.place) == datetime(2027, 1, 1, tzinfo=UTC)


def test_the_other_worlds_take_the_real_time(settings):
    found = world_clock(Settings(world="recorded").place)
    assert abs((datetime.now(UTC) - found).total_seconds()) < 60


def test_a_set_clock_and_a_moved_one_exclude_each_other(settings, monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_NOW", "2026-11-03")
    with (
        pytest.raises(WorldError, match="TRENDHOUSE_NOW"),
        enter(load_settings(world="sample"), advance=1),
    ):
        pytest.fail("the world was entered")
    assert not (settings.place.root / "world.json").exists()
