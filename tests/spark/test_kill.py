"""A run killed at any moment leaves the old state or the new one, and the next run repairs the rest."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from spark.jobs.deduplicate import deduplicate
from tests.spark.conftest import T0, Landing, source
from trendhouse.lake.lake import Lake

ROOT = Path(__file__).parents[2]
SPEC = {
    "key": ["id"],
    "cursor": "observed_at",
    "partition": {"column": "year", "by": "value"},
    "columns": {"id": {"type": "bigint"}, "year": {"type": "bigint"}, "state": {"type": "string"}},
}
# Repeats the same run until it is killed: each round starts from the raw of one more load.
SCRIPT = """
import sys
from pathlib import Path
from trendhouse.lake.lake import Lake
from spark.jobs.deduplicate import deduplicate
from spark.session import start
from tests.spark.test_kill import fill, spec
lake, seed = Lake(Path(sys.argv[1])), int(sys.argv[2])
session = start(master="local[2]", memory="512m")
print("ready", flush=True)
for load in range(seed, seed + 1000):
    fill(lake, load)
    deduplicate(session, lake, spec())
"""


def spec():
    return source(states=dict(SPEC), copies={**SPEC, "raw": "states"})


def fill(lake: Lake, load: int) -> None:
    rng = random.Random(load)
    rows = [
        {"id": rng.randrange(40), "year": 2020, "state": f"s{rng.randrange(5)}"} for _ in range(30)
    ]
    rows = [{**row, "year": 2020 + row["id"] % 3} for row in rows]
    at = T0.replace(year=2026 + load // 300, month=1 + load // 28 % 12, day=1 + load % 28)
    Landing(lake).land("states", *rows, at=at, load=f"load{load:06d}")


def content(lake: Lake, table: str) -> list[tuple]:
    return Landing(lake).clean(table, "id, year, state")


def test_five_kills_at_random_moments_change_nothing(spark, tmp_path):
    lake = Lake(tmp_path / "killed")
    command = [sys.executable, "-c", SCRIPT, str(lake.root)]
    child = None
    errors = (tmp_path / "errors.log").open("w+")
    for kill in range(5):
        child = subprocess.Popen(
            [*command, str(kill * 100)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        assert child.stdout.readline() == "ready\n", (tmp_path / "errors.log").read_text()
        time.sleep(random.Random(kill).uniform(0.5, 4))
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
    errors.close()
    deduplicate(spark, lake, spec())
    whole = Lake(tmp_path / "whole")
    for file in lake.raw_files("shop", "states"):
        target = whole.root / file.relative_to(lake.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    deduplicate(spark, whole, spec())
    for table in ("states", "copies"):
        assert content(lake, table) == content(whole, table)
        landed = Landing(lake).ledger(
            table, "reconciliations", "sum(landed_count), sum(inserted_count)"
        )
        assert landed == [(30 * len(lake.raw_files("shop", "states")), len(content(lake, table)))]
        on_disk = set(lake.clean_table("shop", table).glob("20*/*.parquet"))
        assert set(lake.clean_files("shop", table)) <= on_disk
