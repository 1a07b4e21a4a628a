"""The three worlds a run can look at: the sample world, the real one, and recordings of it."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from trendhouse.errors import UsageError
from trendhouse.lake.lake import replace_text
from trendhouse.settings import ROOT, Place, Settings, World, load_settings
from trendhouse.state import read_state

SAMPLE_NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)
SAMPLE_TOKEN = "sample-world"
RECORDED_PARTS = ("gharchive", "ranking", "eol", "git_history", "github_api")
WATCHLIST_COLUMNS = ("product_name", "kind", "target", "enabled")


class WorldError(UsageError):
    """A world cannot be entered; the message says what is missing and how to mend it."""


def choose(settings: Settings, *, live: bool, recorded: Path | None) -> Settings:
    """The settings of the world that the options name; without one, of `TRENDHOUSE_WORLD` or the
    sample world. Raises WorldError for options that contradict each other or lack something."""
    if live and recorded:
        raise WorldError("--live and --recorded exclude each other: give one.")
    world: World = "live" if live else "recorded" if recorded else settings.world or "sample"
    chosen = load_settings(world=world)
    if world == "live" and not chosen.tokens:
        raise WorldError(
            "The live world needs a token: set GITHUB_TOKEN (a classic token without any scope will do)."
        )
    if recorded and not recorded.is_dir():
        raise WorldError(f"--recorded {recorded}: no such folder.")
    if recorded and not any((recorded / part).is_dir() for part in RECORDED_PARTS):
        raise WorldError(
            f"--recorded {recorded}: no recordings there (expected: {', '.join(RECORDED_PARTS)})."
        )
    return chosen


@contextmanager
def enter(
    settings: Settings,
    *,
    recorded: Path | None = None,
    advance: int = 0,
    simulator: Mapping[str, Any] | None = None,
) -> Iterator[Settings]:
    """Make the world's addresses, credentials and clock those of this process and its children.

    The sample world and the recordings are served by the simulator on a free loopback port, for as
    long as the context lasts. `simulator` holds further options of `python -m simulator`.
    """
    world = settings.effective_world
    if world != "sample" and (advance or simulator):
        raise WorldError(f"--advance and faults belong to the sample world, not to `{world}`.")
    settings.place.root.mkdir(parents=True, exist_ok=True)
    if world == "live":
        with environment(home_variables(settings)):
            yield load_settings(world=world)
        return

    from simulator.running import serve

    memory = Memory(settings.place.root / "world.json")
    if world == "sample":
        if advance and settings.now:
            raise WorldError(
                "--advance moves the sample world's own clock, TRENDHOUSE_NOW sets another: unset it."
            )
        now = settings.now or memory.sample_now(advance)
        options = {"now": now.isoformat(), **(simulator or {})}
    else:
        folder = memory.recorded_folder(recorded)
        now = settings.clock()
        options = {"now": now.isoformat(), "recorded": folder}
    with serve(**options) as server:
        if world == "sample":
            variables = sample_variables(server.base_url, settings)
        else:
            variables = recorded_variables(server.base_url, folder, settings)
        with environment(
            {
                **home_variables(settings),
                **variables,
                "TRENDHOUSE_NOW": now.isoformat(),
                "TRENDHOUSE_GITHUB_PATIENCE": "0.005",
            }
        ):
            yield load_settings(world=world)


def world_clock(place: Place) -> datetime:
    """The time in a world, UTC: the one that is set, else the sample world's own, else the real one."""
    settings = load_settings()
    if settings.now is None and place.root.name == "sample":
        return Memory(place.root / "world.json").now
    return settings.clock()


def home_variables(settings: Settings) -> dict[str, str]:
    """What dbt and other children need to find this world's lake and warehouse."""
    place = settings.place
    return {
        "TRENDHOUSE_HOME": str(settings.home),
        "TRENDHOUSE_WORLD": settings.effective_world,
        "TRENDHOUSE_ROOT": str(ROOT),
        "TRENDHOUSE_LAKE": str(place.lake.root),
        "TRENDHOUSE_WAREHOUSE": str(place.warehouse),
        "TRENDHOUSE_CI_WAREHOUSE": str(place.ci_warehouse),
    }


def sample_variables(base_url: str, settings: Settings) -> dict[str, str]:
    return {
        "TRENDHOUSE_GITHUB_URL": base_url,
        "TRENDHOUSE_GHARCHIVE_URL": f"{base_url}/gharchive",
        "TRENDHOUSE_GITHUB_RANKING_URL": f"{base_url}/rankings",
        "TRENDHOUSE_ENDOFLIFE_URL": f"{base_url}/endoflife",
        "TRENDHOUSE_WATCHLIST": str(settings.watchlist or ROOT / "simulator" / "watchlist.csv"),
        "GITHUB_TOKEN": SAMPLE_TOKEN,
        "GITHUB_TOKENS": "",
    }


def recorded_variables(base_url: str, folder: Path, settings: Settings) -> dict[str, str]:
    from simulator.recordings import watchlist

    path = settings.watchlist or settings.place.root / "watchlist.csv"
    if settings.watchlist is None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, WATCHLIST_COLUMNS)
            writer.writeheader()
            writer.writerows(watchlist(folder))
    return {
        "TRENDHOUSE_GITHUB_URL": base_url,
        "TRENDHOUSE_GHARCHIVE_URL": str(folder / "gharchive"),
        "TRENDHOUSE_GITHUB_RANKING_URL": str(folder / "ranking"),
        "TRENDHOUSE_ENDOFLIFE_URL": str(folder / "eol"),
        "TRENDHOUSE_WATCHLIST": str(path),
        "GITHUB_TOKEN": "",
        "GITHUB_TOKENS": "",
    }


class Memory:
    """What a world remembers between runs: the sample world's date, the recordings' folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values = read_state(path) if path.exists() else {}

    @property
    def now(self) -> datetime:
        """The sample world's time."""
        known = self.values.get("now")
        return datetime.fromisoformat(known) if known else SAMPLE_NOW

    def sample_now(self, advance: int) -> datetime:
        """The sample world's time, moved on by `advance` days for good."""
        now = self.now + timedelta(days=advance)
        return datetime.fromisoformat(self.keep("now", now.isoformat()))

    def recorded_folder(self, given: Path | None) -> Path:
        if given is None and "recorded" not in self.values:
            raise WorldError("Which recordings? Give `--recorded FOLDER` once.")
        return Path(
            self.keep("recorded", str(given.resolve()) if given else self.values["recorded"])
        )

    def keep(self, name: str, value: str) -> str:
        self.values[name] = value
        replace_text(self.path, json.dumps(self.values, indent=1))
        return value


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
