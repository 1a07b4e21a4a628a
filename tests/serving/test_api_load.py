"""A process of its own loads the API while one publication follows another: every request is answered, and soon."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import requests

from tests.serving.standing import standing
from trendhouse.settings import ROOT

SECONDS = 8
PATHS = (
    "/api/v1/releases?limit=50",
    "/api/v1/repositories",
    "/api/v1/repositories/apache/spark",
    "/api/v1/repositories/apache/spark/issues",
    "/api/v1/marts/repositories_daily/download?format=parquet",
    "/api/v1/marts/releases/download?format=csv",
)


def test_no_request_fails_while_publications_come(filled, tmp_path):
    house, settings = filled(tmp_path)
    with standing(settings.home, tmp_path / "log") as url:
        command = [sys.executable, "-m", "benchmarks.load", "--clients", "4"]
        loading = subprocess.Popen(
            [*command, "--seconds", str(SECONDS), *(url + path for path in PATHS)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        published = 1
        while loading.poll() is None and published < 6:
            house.sql("update marts.repositories_daily set star_count = star_count + 1")
            house.sql("update marts.releases set version = version || '.1'")
            published = house.publish().version
        said, _ = loading.communicate(timeout=60)
        for _ in range(100):
            ready = requests.get(f"{url}/readyz", timeout=5).json()["version"]
            if ready == published:
                break
            time.sleep(0.1)
        (first, *_) = requests.get(
            f"{url}/api/v1/repositories/apache/spark/daily", timeout=5
        ).json()
    seen = json.loads(said)
    assert set(seen["statuses"]) == {"200"} and seen["requests"] > 50
    assert len(seen["versions"]) > 1 and published == 6
    assert seen["p99_ms"] < 2000
    assert (first["star_count"], ready) == (38 + published - 1, published)
