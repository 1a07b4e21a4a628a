"""The field's two days, run once: what each day published, and what its run said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.field.file_days import PRODUCTS, put_files
from tests.field.github_days import Repo, repositories
from tests.ingestion import file_sources
from tests.ingestion.odd_github import OddGitHub, serving
from tests.sample_home import Home
from trendhouse.errors import Exit
from trendhouse.settings import Place
from warehouse.published import connect

NOW = {1: "2026-11-02T20:30:00Z", 2: "2026-11-03T02:30:00Z"}


@dataclass
class Field:
    """What the two days left: the words of each run, and every mart as it was published."""

    said: dict[int, str] = field(default_factory=dict)
    marts: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def keep(self, day: int, place: Place) -> None:
        """Copy the marts of a day into a schema of their own."""
        self.marts.execute(f"create schema day{day}")
        published = connect(place)
        for (name,) in published.execute(
            "select view_name from duckdb_views() where not internal"
        ).fetchall():
            rows = published.table(name).to_arrow_table()
            self.marts.from_arrow(rows).create(f"day{day}.{name}")

    def ask(self, sql: str, day: int = 2) -> list[tuple[Any, ...]]:
        """The rows of a query over the marts of a day."""
        self.marts.execute(f"set schema = 'day{day}'")
        return self.marts.execute(sql).fetchall()

    def one(self, sql: str, day: int = 2) -> Any:
        """The single value of a query over the marts of a day."""
        ((value,),) = self.ask(sql, day)
        return value


@pytest.fixture(scope="session")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Both days, in a home of letters that are no ASCII, blanks and an apostrophe, in a locale that has none."""
    folder = tmp_path_factory.mktemp("field") / "Ann's wärehouse ✓"
    folder.mkdir()
    found, github = Field(), OddGitHub()
    with serving(github), file_sources.serving() as files:
        home = home_of(folder, github.base_url, files.base_url)
        for day, now in NOW.items():
            github.move_to(now)
            github.repositories = repositories(day)
            put_files(files, day)
            home.environment["TRENDHOUSE_NOW"] = now
            found.said[day] = home.trendhouse("run", "--live", expect=Exit.PARTIAL)
            found.keep(day, home.place)
    yield found
    found.marts.close()


def home_of(folder: Path, github: str, files: str) -> Home:
    home = Home(folder / "home", watchlist(folder), "live")
    home.environment |= {
        "LC_ALL": "C",
        "GITHUB_TOKEN": "a-token-of-the-field",
        "TRENDHOUSE_GITHUB_PATIENCE": "0.005",
        "TRENDHOUSE_FILES_PATIENCE": "0.005",
        "TRENDHOUSE_GITHUB_URL": github,
        "TRENDHOUSE_ENDOFLIFE_URL": f"{files}/endoflife",
        "TRENDHOUSE_GITHUB_RANKING_URL": f"{files}/rankings",
        "TRENDHOUSE_GHARCHIVE_URL": f"{files}/gharchive",
        "TRENDHOUSE_GHARCHIVE_SINCE": "2026-11-02T16:00:00Z",
        "TRENDHOUSE_RANKING_SINCE": "2026-11-01",
    }
    for name in ("TRENDHOUSE_GHARCHIVE_HOURS", "TRENDHOUSE_RANKING_DAYS"):
        home.environment.pop(name)
    return home


def watchlist(folder: Path) -> Path:
    """As a spreadsheet of a country with decimal commas saves it: a byte order mark, and semicolons."""
    lines = ["product_name;kind;target;enabled"]
    lines += [f"{repo.name.lower()};github;odd/case{repo.value};true" for repo in Repo]
    lines += [f"{name};endoflife;{name};true" for name in PRODUCTS]
    path = folder / "watchlist.csv"
    path.write_text("\ufeff" + "\r\n".join([*lines, ""]), encoding="utf-8", newline="")
    return path
