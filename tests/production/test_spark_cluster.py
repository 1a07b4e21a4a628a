"""The same job on a real standalone cluster and on Spark Connect: the same rows, also when a worker dies."""

from __future__ import annotations

import shutil
import socket
from collections import Counter
from pathlib import Path

import pytest

from tests.production.spark_cluster import (
    SOURCE,
    TABLE,
    Cluster,
    ask,
    done,
    job,
    land,
    serve,
    until,
)
from tests.spark.conftest import Landing
from trendhouse.lake.lake import Lake

DAYS, ROWS = 8, 1800
# One task per raw file: many short ones, of which both workers have some at any time.
IN_PIECES = {"spark.sql.files.maxPartitionBytes": "262144"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Lake:
    """Two loads, nothing deduplicated."""
    lake = Lake(tmp_path_factory.mktemp("raw"))
    for load in (1, 2):
        land(lake, load, DAYS, ROWS)
    return lake


@pytest.fixture(scope="module")
def local(raw, tmp_path_factory) -> Lake:
    """Both of them, deduplicated in local mode."""
    lake = copied(raw, tmp_path_factory.mktemp("local"))
    done(job(lake, "local[2]"))
    return lake


def copied(raw: Lake, folder: Path) -> Lake:
    """A lake with the same raw files."""
    shutil.copytree(raw.root, folder, dirs_exist_ok=True)
    return Lake(folder)


def rows(lake: Lake) -> list[tuple]:
    return Landing(lake, SOURCE).clean(TABLE)


def accounted(lake: Lake) -> dict[str, int]:
    """The ledger's counts, summed; every landed row is in exactly one of the others."""
    names = ("landed_count", "kept_count", "superseded_count", "quarantined_count")
    total = Counter()
    for row in Landing(lake, SOURCE).ledger(TABLE, "reconciliations", ", ".join(names)):
        total.update(dict(zip(names, row, strict=True)))
    assert total["landed_count"] == sum(total[name] for name in names[1:])
    return dict(total)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def busy(page: str) -> set[str]:
    """The executors that have a task at this moment, as the driver itself says."""
    (application,) = ask(f"{page}/applications")
    executors = ask(f"{page}/applications/{application['id']}/executors")
    return {each["id"] for each in executors if each["id"] != "driver" and each["activeTasks"]}


@pytest.fixture(scope="module")
def disturbed(raw, cluster, tmp_path_factory):
    """What a cluster made of it that lost a worker while both wrote, and what the driver said of that."""
    lake = copied(raw, tmp_path_factory.mktemp("disturbed"))
    port = free_port()
    shown = {"spark.ui.enabled": "true", "spark.ui.port": str(port), **IN_PIECES}
    running = job(lake, cluster.address, **shown)
    staging = lake.clean_table(SOURCE, TABLE) / "_staging"
    page = f"http://127.0.0.1:{port}/api/v1"

    def in_the_middle() -> bool:
        assert running.poll() is None, running.communicate()
        return any(staging.glob("*/parsed/_temporary/*")) and len(busy(page)) == 2

    until(in_the_middle, "both workers write parsed rows")
    cluster.workers[0].kill()
    said, errors = running.communicate(timeout=300)
    assert running.returncode == 0, said + errors
    return lake, errors


def test_executors_that_do_not_see_the_lake_are_told_as_the_cause(raw, cluster, tmp_path):
    """`/proc/self/cwd` is another folder for each process: a path that nobody shares."""
    if not Path("/proc/self/cwd").exists():
        pytest.skip("no /proc on this system")
    copied(raw, tmp_path / "lake")
    refused = job(Lake(Path("/proc/self/cwd/lake")), cluster.address, cwd=tmp_path)
    _, errors = refused.communicate(timeout=300)
    assert refused.returncode != 0
    assert "NotShared: The executors of this cluster do not see /proc/self/cwd/lake" in errors
    assert "NFS, EFS or FSx" in errors
    assert [path.name for path in (tmp_path / "lake").iterdir()] == ["raw"]


def test_a_cluster_that_loses_a_worker_makes_the_rows_of_local_mode(disturbed, local, cluster):
    lake, errors = disturbed
    assert "Lost executor" in errors
    assert len(cluster.alive()) == 1
    assert len(rows(local)) == DAYS * (ROWS - ROWS // 100)
    assert rows(lake) == rows(local)


def test_every_row_is_accounted_for_after_the_loss(disturbed, local):
    lake, _ = disturbed
    landed = 2 * DAYS * ROWS
    assert accounted(lake)["landed_count"] == accounted(local)["landed_count"] == landed
    assert accounted(lake)["quarantined_count"] == landed // 100
    leftovers = [
        path for path in lake.root.rglob("*") if path.name.startswith((".shared", "_temp"))
    ]
    assert leftovers == []


def test_a_connect_server_makes_the_same_rows(raw, local, tmp_path):
    port = free_port()
    server = serve(
        tmp_path / "server",
        "connect",
        "spark-submit",
        *("--master", "local[2]"),
        *("--conf", f"spark.connect.grpc.binding.port={port}"),
        *("--conf", "spark.connect.grpc.binding.address=127.0.0.1"),
        *("--conf", "spark.ui.enabled=false", "--conf", "spark.driver.host=127.0.0.1"),
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"),
        SPARK_DAEMON_MEMORY="600m",
    )
    try:
        server.says(r"(Spark Connect server started)")
        lake = copied(raw, tmp_path / "lake")
        done(job(lake, f"sc://127.0.0.1:{port}"))
    finally:
        server.kill()
    assert rows(lake) == rows(local)
    assert accounted(lake) == accounted(local)
