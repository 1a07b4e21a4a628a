"""Airflow's pools as code: how much of what runs at once, one pool per quota or scarce thing."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pool:
    """One pool, as `airflow pools import` reads it."""

    slots: int
    description: str
    include_deferred: bool = False


POOLS: dict[str, Pool] = {
    "api_pool": Pool(60, "Landings from APIs; a source takes as many slots as its YAML says."),
    "archive_pool": Pool(2, "Landings of big files: network and disk, two at once."),
    # A second slot would win nothing: deduplications take turns for the versions of the clean lake.
    "spark_pool": Pool(1, "What starts Spark: one heap on the machine."),
    "warehouse_pool": Pool(1, "What writes DuckDB, which has one writer."),
}


def apply() -> None:
    """Bring the pools of the Airflow that the environment names to what this file says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pools.json")
        path.write_text(json.dumps({name: asdict(pool) for name, pool in POOLS.items()}))
        airflow = Path(sys.executable).parent / "airflow"
        subprocess.run([airflow, "pools", "import", path], check=True)


if __name__ == "__main__":
    apply()
