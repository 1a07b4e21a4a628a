"""Locks between machines: one holder at a time, a dead one is followed, a late one is refused."""

from __future__ import annotations

import json
import logging
import os
import threading
import time

import pytest

from tests.production.object_storage import BUCKET, s3_variables
from trendhouse.lake.store import open_store
from trendhouse.leases import Leases, owner_of
from trendhouse.running import Locked, guarded, locks_of
from trendhouse.settings import load_settings

SECONDS = 3.0
NAME = "locks/source-github.json"


@pytest.fixture
def store(endpoint, monkeypatch, request):
    for name, value in s3_variables(endpoint).items():
        monkeypatch.setenv(name, value)
    return open_store(f"s3://{BUCKET}/{request.node.name}")


def leases(store, owner: str) -> Leases:
    who = {"owner": owner, "pid": 1, "host": owner, "since": "today", "command": f"land of {owner}"}
    return Leases(store, who, SECONDS)


def hold(store, owner: str, *, wait: bool | float = False):
    return leases(store, owner).holding(["source-github"], wait=wait)


def test_the_second_machine_is_told_who_holds_the_lease(store):
    with hold(store, "first"):
        with (
            pytest.raises(Locked, match=r"`land of first`, process 1 on first"),
            hold(store, "second"),
        ):
            pass
        with leases(store, "third").holding(["source-endoflife"], wait=False):
            assert len(store.list("locks")) == 2
    assert store.list("locks") == {}


def test_a_lease_lives_as_long_as_its_holder_and_then_goes_to_who_waits(store):
    order = []

    def second():
        with hold(store, "second", wait=True):
            order.append("second")

    with hold(store, "first"):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(SECONDS * 1.5)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_a_waiting_machine_gives_up_in_time(store):
    with hold(store, "first"), pytest.raises(Locked), hold(store, "second", wait=0.5):
        pass


def test_a_dead_holder_is_followed_once_its_lease_is_over(store):
    dead = leases(store, "dead")
    dead.take(NAME, False)
    with pytest.raises(Locked), hold(store, "second"):
        pass
    began = time.monotonic()
    with hold(store, "second", wait=True):
        assert time.monotonic() - began >= SECONDS * 0.9
        assert dead.holder(NAME)["owner"] == "second"
        dead.release()  # it wakes up, and leaves alone what is not its own any more
        assert dead.holder(NAME)["owner"] == "second"


def test_a_killed_process_of_the_same_home_is_followed_at_once(store):
    leases(store, "home").take(NAME, False)
    with hold(store, "home"):
        assert leases(store, "home").holder(NAME)["owner"] == "home"


def test_a_holder_that_was_taken_over_does_not_renew(store, caplog):
    late = leases(store, "late")
    with late.holding(["source-github"], wait=False):
        entry = store.info(NAME)
        store.swap(NAME, json.dumps({"owner": "other"}).encode(), entry.tag)
        late.mine[0].tag = entry.tag
        time.sleep(SECONDS / 2)
        assert late.mine == [] and "was taken over" in caplog.text
    assert leases(store, "x").holder(NAME) == {"owner": "other"}


def test_steps_hold_their_locks_between_homes(store, tmp_path):
    one, two = (
        load_settings(home=tmp_path / name, world="sample", lake_url=store.url) for name in "12"
    )
    with guarded(one, "land", locks=locks_of("land", ["github"])):
        logging.getLogger("test").error("signed with %s", os.environ["AWS_SECRET_ACCESS_KEY"])
        with (
            pytest.raises(Locked, match="Another run works in the lake s3://"),
            guarded(two, "run"),
        ):
            pass
        with guarded(two, "build", locks=locks_of("build")):  # a warehouse is a home's own
            held = open_store(f"{store.url}/sample").list("locks")
            assert sorted(held) == ["locks/clean.json", "locks/source-github.json"]
    assert open_store(f"{store.url}/sample").list("locks") == {}
    (log,) = one.place.logs.glob("*.log")
    assert "signed with [redacted]" in log.read_text()
    assert owner_of(one.place.locks) != owner_of(two.place.locks)
