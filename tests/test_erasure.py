"""A person is erased from a whole world: nothing below its home names them, every count stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from serving import read_model
from serving.publication import Publication
from trendhouse.settings import Place

ROOT = Path(__file__).parents[1]
TRENDHOUSE = Path(sys.executable).parent / "trendhouse"
COUNTS = (
    "select count(*), count(distinct author_id) from marts.issues",
    "select count(*), count(distinct owner_id) from marts.forks",
    "select count(*), count(distinct contributor_key), sum(commit_count) from marts.contributors",
    "select count(*), count(distinct contributor_key), sum(commit_count) from marts.contributor_weeks",
    "select count(*), sum(commit_count), sum(author_count) from marts.commits_daily",
    "select count(*), sum(event_count), sum(actor_count) from marts.events_hourly",
    "select count(*), count(distinct release_id) from snapshots.snap_github__releases",
    "select count(*), sum(landed_count), sum(kept_count) from marts.completeness",
)


class World:
    """A small sample world, the commands that work in it, and all that lies below its home."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder / "home" / "sample")
        lines = (ROOT / "simulator" / "watchlist.csv").read_text().splitlines()
        watched = [line for line in lines[1:] if ",github," in line][:2]
        watchlist = folder / "watchlist.csv"
        watchlist.write_text("\n".join([lines[0], *watched]) + "\n")
        self.environment = {
            **os.environ,
            "TRENDHOUSE_HOME": str(folder / "home"),
            "TRENDHOUSE_WORLD": "sample",
            "TRENDHOUSE_WATCHLIST": str(watchlist),
            "TRENDHOUSE_GHARCHIVE_HOURS": "2",
            "TRENDHOUSE_RANKING_DAYS": "2",
            "TRENDHOUSE_SPARK_MEMORY": "1g",
        }

    def trendhouse(self, *arguments: str) -> str:
        done = subprocess.run(
            [TRENDHOUSE, *arguments], env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, *queries: str) -> list[tuple]:
        with duckdb.connect(str(self.place.warehouse), read_only=True) as connection:
            return [connection.execute(query).fetchone() for query in queries]

    def texts(self) -> Iterator[tuple[str, str]]:
        """(where, text) of all rows of Parquet files and the warehouse, and of all other files."""
        for path in (p for p in self.place.root.rglob("*") if p.is_file()):
            name = str(path.relative_to(self.place.root))
            if path.suffix != ".parquet":
                yield name, path.read_bytes().decode("latin1")
                continue
            for batch in pq.ParquetFile(path).iter_batches():
                yield from ((name, str(row)) for row in batch.to_pylist())
        with duckdb.connect(str(self.place.warehouse), read_only=True) as connection:
            tables = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables"
            ).fetchall()
            for (table,) in tables:
                rows = connection.execute(f"select * from {table}").fetchall()
                yield from ((table, str(row)) for row in rows)

    def naming(self, *words: str) -> dict[str, str]:
        pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, words))})(?![\w-])", re.I)
        found = {}
        for where, text in self.texts():
            if hit := pattern.search(text):
                found[where] = text[max(0, hit.start() - 60) : hit.end() + 60]
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    made = World(tmp_path_factory.mktemp("world"))
    made.trendhouse("run")
    return made


def test_nothing_names_an_erased_person_and_every_count_stays(world):
    ((login, number),) = world.ask(
        "select author_login, author_id from marts.issues "
        "semi join marts.commits using (author_login) semi join marts.contributors using (author_login) "
        "where not is_bot group by all order by count(*) desc, 1 limit 1"
    )
    ((email,),) = world.ask(
        f"select max(author_email) from staging.stg_github__commits where author_login = '{login}'"
    )
    model = read_model.build(Publication.newest(world.place)).relative_to(world.place.root)
    named = world.naming(login, email)
    assert len(named) > 10 and str(model) in named
    before = world.ask(*COUNTS)
    said = world.trendhouse("erase", login, "--yes")
    assert f"Known as: {', '.join(sorted([login, number, email]))}" in said
    assert world.naming(login, email, number) == {}
    assert world.ask(*COUNTS) == before
    world.trendhouse("run", "--advance", "1")
    assert world.naming(login, email) == {}
