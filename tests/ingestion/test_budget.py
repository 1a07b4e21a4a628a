"""Quotas are shared out, the reserve is never touched, and waiting ends at the deadline."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from ingestion.budget import Cost, Estimate, Plan
from ingestion.fetch import Client, Retryable
from ingestion.limits import Gate, NoToken, OutOfTime, TokenPool
from ingestion.replies import Reply
from trendhouse.declared.sources import SpecError, load_spec


class Clock:
    """A timer that only sleeping moves on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def pool_of(*tokens: str, reserve: float = 0.1, seconds: float = 7200) -> tuple[TokenPool, Clock]:
    clock = Clock()
    deadline = clock.now + seconds
    return TokenPool(
        tokens, reserve=reserve, deadline=deadline, timer=clock, sleep=clock.sleep
    ), clock


def headers(limit: int, remaining: int, reset: int, resource: str = "core") -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(reset),
        "X-RateLimit-Resource": resource,
    }


def taken(pool: TokenPool, resource: str = "core"):
    return asyncio.run(pool.take(resource))


def spend(pool: TokenPool, limit: int, remaining: int, reset: int, resource: str = "core"):
    """One request whose answer says what is left; resets are seconds from now."""
    token = taken(pool, resource)
    pool.give_back(token, resource)
    pool.record(token, resource, headers(limit, remaining, reset, resource), 0)
    return token


def test_the_token_with_most_left_goes_first():
    pool, _ = pool_of("red", "blue")
    first = spend(pool, 5000, 1000, 3600)
    second = spend(pool, 5000, 4000, 3600)
    assert first.text != second.text or second.text == taken(pool).text
    assert taken(pool).windows["core"].remaining == 4000


def test_the_reserve_is_left_alone_and_the_reset_waited_for():
    pool, clock = pool_of("red")
    spend(pool, 100, 10, 600)
    taken(pool)
    assert clock.slept == [600]


def test_a_reset_behind_the_deadline_ends_the_run():
    pool, clock = pool_of("red", seconds=300)
    spend(pool, 100, 10, 600)
    with pytest.raises(OutOfTime, match="after the deadline"):
        taken(pool)
    assert clock.slept == []


def test_core_search_and_graphql_are_accounted_apart():
    pool, clock = pool_of("red")
    spend(pool, 30, 3, 60, "search")
    spend(pool, 5000, 4000, 3600, "core")
    taken(pool, "core")
    taken(pool, "graphql")
    assert clock.slept == []


def test_a_limit_of_zero_says_nothing():
    pool, clock = pool_of("red")
    spend(pool, 5000, 4000, 3600)
    token = spend(pool, 0, 0, 0)
    assert token.windows["core"].remaining == 4000
    assert clock.slept == []


def test_an_answer_that_comes_late_does_not_raise_what_is_left():
    pool, _ = pool_of("red")
    spend(pool, 5000, 4000, 3600)
    token = spend(pool, 5000, 4010, 3600)
    assert token.windows["core"].remaining == 4000


def test_a_secondary_limit_rests_one_token_only():
    pool, clock = pool_of("red", "blue")
    rested = spend(pool, 5000, 4900, 3600)
    pool.pause(rested, "core", 60)
    assert taken(pool).text != rested.text
    assert clock.slept == []


@pytest.mark.parametrize("patience", [1.0, 0.005])
def test_a_secondary_limit_rests_a_minute_by_the_clients_patience_alone(patience):
    pool, clock = pool_of("red")
    client = Client("http://127.0.0.1:1", pool, Gate(1), print, lambda: datetime.now(UTC), patience)
    reply = Reply(429, client.address("x"), {}, b"{}", datetime.now(UTC))
    with pytest.raises(Retryable, match="secondary"):
        client.judge(reply, pool.tokens[0], "core", 0)
    assert pool.tokens[0].windows["core"].not_before - clock.now == pytest.approx(60 * patience)


@pytest.mark.parametrize("said", ["soon", "0", "-1"])
def test_a_patience_that_is_no_number_above_0_is_refused(monkeypatch, said):
    location = load_spec("github").location
    monkeypatch.delenv("TRENDHOUSE_GITHUB_PATIENCE", raising=False)
    assert location.patience() == 1.0
    monkeypatch.setenv("TRENDHOUSE_GITHUB_PATIENCE", said)
    with pytest.raises(SpecError, match="TRENDHOUSE_GITHUB_PATIENCE is"):
        location.patience()


def test_refused_tokens_are_left_out_until_none_is_left():
    pool, _ = pool_of("red", "blue")
    pool.tokens[0].is_refused = True
    assert taken(pool).text == "blue"
    pool.tokens[1].is_refused = True
    with pytest.raises(NoToken):
        taken(pool)


def test_a_token_never_shows_itself():
    pool, _ = pool_of("ghp_secret")
    assert "ghp_secret" not in repr(pool.tokens)


def test_the_gate_narrows_in_bad_times_and_widens_again():
    async def story() -> list[int]:
        gate, seen = Gate(16), []
        gate.went_badly()
        gate.went_badly()
        seen.append(gate.limit)
        for _ in range(200):
            gate.went_well()
        seen.append(gate.limit)
        return seen

    assert asyncio.run(story()) == [4, 16]


def test_no_more_fly_at_once_than_the_gate_lets_through():
    async def story() -> int:
        gate, most = Gate(3), 0

        async def fly() -> None:
            nonlocal most
            async with gate.enter():
                most = max(most, gate.flying)
                await asyncio.sleep(0)

        await asyncio.gather(*(fly() for _ in range(20)))
        return most

    assert asyncio.run(story()) == 3


def test_costs_and_plans_add_up():
    cost = Cost()
    cost.add(2, 1, 100)
    cost.add(1, 0, 50)
    assert (cost.requests, cost.points, cost.bytes) == (3, 1, 150)
    plan = Plan("github", [Estimate("issues", 5, 0, 0.5), Estimate("counters", 2, 10, 0.1)])
    assert (plan.requests, plan.points, plan.seconds) == (7, 10, 0.6)
