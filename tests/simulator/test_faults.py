"""Each fault shows as declared, passes after three in a row, and comes again for the same seed."""

from __future__ import annotations

import http.client
import json
import time

import pytest
from simulator_client import get, walk

from simulator.faults import DECEIVING, KINDS, MAX_IN_A_ROW, PASSING, Faults
from simulator.running import RunningSimulator, SimulatorFailed, serve

ISSUES = "/repos/fenrenhub/lumren/issues?state=all&per_page=50"


@pytest.fixture(scope="module")
def faulty():
    with serve(core_limit=100_000) as running:
        yield running


def turn_on(faulty: RunningSimulator, kind: str, **settings) -> None:
    faulty.faults(rate=1.0, kinds=[kind], retry_after=7, slow_seconds=0.3, **settings)


@pytest.mark.parametrize("status", [429, 403])
def test_secondary_limits_come_with_and_without_retry_after(faulty, status):
    turn_on(faulty, f"{status}-retry-after")
    reply = get(faulty.base_url + ISSUES)
    assert (reply.status, reply.headers["retry-after"]) == (status, "7")
    assert "secondary rate limit" in reply.json["message"]
    turn_on(faulty, str(status))
    reply = get(faulty.base_url + ISSUES)
    assert reply.status == status
    assert "retry-after" not in reply.headers


@pytest.mark.parametrize("status", [500, 502, 503, 404, 451])
def test_error_statuses_are_shown(faulty, status):
    turn_on(faulty, str(status))
    assert get(faulty.base_url + ISSUES).status == status


def test_a_cut_answer_is_shorter_than_announced(faulty):
    turn_on(faulty, "cut")
    with pytest.raises(http.client.IncompleteRead):
        get(faulty.base_url + ISSUES)


def test_a_malformed_answer_is_no_json(faulty):
    turn_on(faulty, "malformed")
    reply = get(faulty.base_url + ISSUES)
    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        _ = reply.json


def test_a_slow_answer_is_true(faulty):
    turn_on(faulty, "slow")
    began = time.monotonic()
    slow = get(faulty.base_url + ISSUES)
    assert time.monotonic() - began >= 0.3
    faulty.faults(rate=0)
    assert slow.body == get(faulty.base_url + ISSUES).body


def test_limits_of_zero_come_with_the_true_answer(faulty):
    turn_on(faulty, "no-quota")
    reply = get(faulty.base_url + ISSUES)
    assert reply.status == 200
    assert reply.headers["x-ratelimit-limit"] == reply.headers["x-ratelimit-remaining"] == "0"


def test_a_redirect_leads_to_the_same_list(faulty):
    turn_on(faulty, "301")
    reply = get(faulty.base_url + ISSUES)
    assert reply.status == 301
    followed = get(reply.headers["location"])
    faulty.faults(rate=0)
    assert followed.json == get(faulty.base_url + ISSUES).json


def test_202_is_only_for_statistics(faulty):
    turn_on(faulty, "202")
    assert get(faulty.base_url + ISSUES).status == 200
    assert get(f"{faulty.base_url}/repos/fenrenhub/lumren/stats/contributors").status == 202


def test_an_incomplete_search_says_so_and_shows_less(faulty):
    search = f"{faulty.base_url}/search/repositories?q=stars:%3E0&per_page=20"
    turn_on(faulty, "incomplete")
    partial = get(search)
    assert get(faulty.base_url + ISSUES).status == 200
    faulty.faults(rate=0)
    true = get(search)
    assert (partial.json["incomplete_results"], true.json["incomplete_results"]) == (True, False)
    assert len(partial.json["items"]) == len(true.json["items"]) // 2 == 10
    assert partial.json["total_count"] == true.json["total_count"]


def test_shifted_pages_repeat_an_item_and_lose_none(faulty):
    turn_on(faulty, "shift")
    shifted = [item["id"] for item in walk(faulty.base_url + ISSUES)]
    faulty.faults(rate=0)
    true = [item["id"] for item in walk(faulty.base_url + ISSUES)]
    assert len(shifted) > len(true)
    assert set(shifted) == set(true)


def test_a_silently_cut_page_keeps_its_link(faulty):
    true = get(f"{faulty.base_url}{ISSUES}&page=2")
    faulty.faults(cut_page=r"/issues\?.*page=2$")
    cut = get(f"{faulty.base_url}{ISSUES}&page=2")
    assert len(cut.json) == len(true.json) // 2
    assert cut.headers["link"] == true.headers["link"]
    assert cut.headers["etag"] != true.headers["etag"]
    assert len(get(f"{faulty.base_url}{ISSUES}&page=1").json) == 50
    faulty.faults(rate=0)
    assert get(f"{faulty.base_url}{ISSUES}&page=2").body == true.body


def test_what_is_down_stays_down_and_leaves_the_rest_alone(faulty):
    faulty.faults(down="^/rankings/")
    unmetered = 70  # More than those without a token may ask of GitHub in an hour.
    statuses = [get(f"{faulty.base_url}/rankings/none").status for _ in range(unmetered)]
    assert set(statuses) == {503}
    assert get(faulty.base_url + ISSUES).status == 200
    faulty.faults(rate=0.0)
    assert get(f"{faulty.base_url}/rankings/none").status == 404


def test_what_failed_succeeds_after_three_faults_at_most(faulty):
    for kind in (kind for kind in KINDS if kind.isdigit() and kind not in ("202", "301")):
        turn_on(faulty, kind)
        statuses = [get(faulty.base_url + ISSUES).status for _ in range(2 * (MAX_IN_A_ROW + 1))]
        assert statuses == ([int(kind)] * MAX_IN_A_ROW + [200]) * 2


def test_the_same_seed_gives_the_same_faults_in_any_order():
    addresses = [f"/repos/a/b/issues?page={page}" for page in range(50)]
    one, other = Faults(0.3, seed=4), Faults(0.3, seed=4)
    here = {address: [one.decide(address) for _ in range(4)] for address in addresses}
    there = {address: [] for address in addresses}
    for _ in range(4):
        for address in reversed(addresses):
            there[address].append(other.decide(address))
    assert here == there
    assert {a: [Faults(0.3, seed=5).decide(a)] for a in addresses} != here


def test_the_rate_is_the_share_of_requests_that_fail():
    faults = Faults(0.2, seed=1)
    hit = sum(faults.decide(f"/repos/a/b/issues?page={n}") is not None for n in range(5000))
    assert 0.18 < hit / 5000 < 0.22


def test_faults_that_look_like_the_truth_are_only_shown_when_named():
    assert not set(PASSING) & set(DECEIVING)
    assert Faults().kinds == PASSING


def test_an_unknown_fault_is_refused():
    with pytest.raises(SimulatorFailed), serve(fault_kinds="gremlins"):
        pass
