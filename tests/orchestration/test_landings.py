"""What a landing leaves behind for those who watch: the newest figures, the sums, the quotas left."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from ingestion.budget import Cost
from ingestion.landing import Failure, Landing
from ingestion.limits import TokenPool, told
from orchestration.landings import keep
from trendhouse.settings import Place


@pytest.fixture
def place(tmp_path):
    told.clear()
    yield Place(tmp_path / "sample")
    told.clear()


NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)


def landing(rows: dict[str, int], requests: int, failures: int = 0) -> Landing:
    return Landing(
        source="github",
        started_at=NOW,
        rows=rows,
        costs={"issues": Cost(requests, 7, 1000)},
        failures=[Failure("issues", "7", "answered 500")] * failures,
        seconds=1.5,
    )


def read(place: Place) -> dict:
    return json.loads((place.landings / "github.json").read_text())


def test_the_newest_landing_is_kept_beside_the_sum_of_all(place):
    keep(place, landing({"issues": 10}, requests=3, failures=1), NOW)
    keep(place, landing({"issues": 5, "forks": 2}, requests=4), NOW)
    kept = read(place)
    assert kept["last"]["rows"] == {"issues": 5, "forks": 2}
    assert (kept["last"]["requests"], kept["last"]["failures"]) == (4, 0)
    assert kept["totals"] == {
        "landings": 2,
        "rows": {"issues": 15, "forks": 2},
        "requests": 7,
        "points": 14,
        "bytes": 2000,
        "failures": 1,
    }


def test_a_quota_is_what_all_tokens_have_left_together(place):
    pool = TokenPool(["one", "two"], reserve=0.1, deadline=1e12)
    for token, left in zip(pool.tokens, (4000, 100), strict=True):
        pool.record(
            token,
            "core",
            {
                "X-RateLimit-Limit": "5000",
                "X-RateLimit-Remaining": str(left),
                "X-RateLimit-Reset": "1600",
            },
            date=1000,
        )
    keep(place, landing({}, requests=2), NOW)
    quota = read(place)["quotas"]["core"]
    assert (quota["limit"], quota["remaining"]) == (10_000, 4_100)
    in_seconds = quota["resets_at"] - datetime.now(UTC).timestamp()
    assert 550 < in_seconds <= 600


def test_a_quota_stays_known_when_a_landing_asked_nothing(place):
    pool = TokenPool(["one"], reserve=0.1, deadline=1e12)
    pool.spent(pool.tokens[0], "graphql", 60)
    keep(place, landing({}, requests=1), NOW)
    told.clear()
    keep(place, landing({}, requests=0), NOW)
    assert read(place)["quotas"]["graphql"]["remaining"] == 0


def test_a_landing_that_failed_somewhere_or_filled_a_window_confirms_nothing(place):
    keep(place, landing({}, requests=1), NOW)
    keep(place, landing({}, requests=1, failures=1), NOW.replace(day=3))
    keep(place, landing({}, requests=1), None)
    assert read(place)["confirmed_at"] == NOW.isoformat()
