"""The simulator as a process: its memory, its clock, its files, its end."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time

import psutil
from simulator_client import get, walk

from simulator.running import ROOT, serve

MEMORY_BOUND = 300 * 2**20


def test_twenty_thousand_repositories_are_served_within_a_memory_bound():
    with serve(repositories=20_000, core_limit=10**6) as upstream:
        for number in range(0, 20_000, 61):
            base = f"{upstream.base_url}/repositories/{10_000_000 + number * 37}"
            if get(base).status != 200:
                continue
            for below in ("issues?state=all&per_page=100", "pulls?state=all&per_page=100",
                          "commits?per_page=100", "forks?per_page=100"):  # fmt: skip
                assert get(f"{base}/{below}").status == 200
        search = f"{upstream.base_url}/search/repositories?q=stars:%3E1&per_page=100&page=10"
        assert len(get(search).json["items"]) == 100
        assert psutil.Process(upstream.pid).memory_info().rss < MEMORY_BOUND


def test_the_clock_can_be_moved_on():
    with serve() as upstream:
        base = f"{upstream.base_url}/repos/fenrenhub/lumren"
        before = get(base)
        upstream.move_to("2026-11-05T06:00:00Z")
        after = get(base)
        assert before.headers["date"] == "Mon, 02 Nov 2026 06:00:00 GMT"
        assert after.headers["date"] == "Thu, 05 Nov 2026 06:00:00 GMT"
        assert before.headers["etag"] != after.headers["etag"]
        assert after.json["id"] == before.json["id"]
        deleted = upstream.control("scenarios")["deleted"][0]
        assert deleted["at"] > "2026-11-02"
        assert get(f"{upstream.base_url}/repositories/{deleted['id']}").status == 404


def test_prerendered_pages_are_those_that_are_served():
    path = "issues?state=all&per_page=100"
    with serve(repositories=20, prerender=[path]) as ready, serve(repositories=20) as plain:
        assert ready.ready["rendered_pages"] > 15
        for id in range(10_000_000, 10_000_000 + 5 * 37, 37):
            known = get(f"{ready.base_url}/repositories/{id}")
            if known.status == 200:
                name = known.json["full_name"]
                assert walk(f"{ready.base_url}/repos/{name}/{path}") == walk(
                    f"{plain.base_url}/repos/{name}/{path}"
                )


def test_requests_are_counted_by_path_class_and_status():
    with serve() as upstream:
        get(f"{upstream.base_url}/repos/fenrenhub/lumren/issues")
        get(f"{upstream.base_url}/repos/fendal-kit-hq/quiren/issues")
        get(f"{upstream.base_url}/repos/no/body")
        rows = {(r["path"], r["status"]): r["count"] for r in upstream.requests()["requests"]}
        assert rows == {
            ("/repos/{owner}/{repo}/issues", 200): 2,
            ("/repos/{owner}/{repo}", 404): 1,
        }


def test_files_have_a_date_and_no_future(upstream):
    hour = get(f"{upstream.base_url}/gharchive/2026-11-02-5.json.gz")
    assert hour.headers["last-modified"] == "Mon, 02 Nov 2026 06:00:00 GMT"
    assert gzip.decompress(hour.body).startswith(b"{")
    again = get(
        f"{upstream.base_url}/gharchive/2026-11-02-5.json.gz", if_none_match=hour.headers["etag"]
    )
    assert again.status == 304
    for missing in ("gharchive/2026-11-02-6.json.gz", "gharchive/2026-11-01-24.json.gz",
                    "gharchive/2010-01-01-0.json.gz", "gharchive/2026-13-01-0.json.gz",
                    "rankings/github-ranking-2026-11-02.csv", "endoflife/nothing.json"):  # fmt: skip
        assert get(f"{upstream.base_url}/{missing}").status == 404, missing
    ranking = get(f"{upstream.base_url}/rankings/github-ranking-2026-10-30.csv")
    assert ranking.body.startswith(b"rank,item,repo_name,stars,forks,language")


def test_latency_is_added_to_every_answer():
    with serve(latency_ms=120) as upstream:
        began = time.monotonic()
        get(f"{upstream.base_url}/licenses")
        assert time.monotonic() - began >= 0.12


STARTS_ONE = """
import sys, time
from simulator.running import start
print(start().pid, flush=True)
time.sleep(60)
"""


def test_a_simulator_ends_with_the_process_that_started_it():
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    pid = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not psutil.pid_exists(pid)
