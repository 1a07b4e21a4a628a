"""A node is done when it and all its tests are; its task ends as the node did, not before that is sure."""

from __future__ import annotations

import pytest

from orchestration.node_states import DONE, NodeStates, verdict
from warehouse.dbt import Node

MODEL, CHILD, SEED = "model.t.orders", "model.t.totals", "seed.t.bots"
KEY, FRESH, UNIT = "test.t.key.1", "test.t.fresh.2", "unit_test.t.orders.adds_up"
MANIFEST = {
    "nodes": {
        MODEL: {"resource_type": "model"},
        CHILD: {"resource_type": "model"},
        SEED: {"resource_type": "seed"},
        KEY: {"resource_type": "test", "attached_node": MODEL},
        FRESH: {"resource_type": "test", "depends_on": {"nodes": [MODEL]}},
    },
    "unit_tests": {UNIT: {"resource_type": "unit_test", "depends_on": {"nodes": [MODEL]}}},
}


class Build:
    """A build that reports what it is told to; `told` is what its node tasks would see."""

    def __init__(self, **options):
        self.told = {}
        self.states = NodeStates(MANIFEST, self.told.update, **options)

    def ends(self, unique_id, status="success", message=""):
        kind = unique_id.partition(".")[0]
        self.states.note(Node(unique_id, kind, unique_id, status, message))


@pytest.fixture
def build():
    return Build()


def test_a_node_without_tests_is_done_when_it_is_built(build):
    build.ends(SEED)
    assert build.told == {SEED: DONE}


def test_a_node_waits_for_all_its_tests(build):
    for each in (UNIT, MODEL, KEY):
        build.ends(each, "pass")
        assert build.told == {}
    build.ends(FRESH, "warn")
    assert build.told == {MODEL: DONE}


def test_a_node_does_not_wait_for_unit_tests_that_do_not_run():
    build = Build(unit_tests=False)
    for each in (MODEL, KEY, FRESH):
        build.ends(each, "pass")
    assert build.told == {MODEL: DONE}


@pytest.mark.parametrize("broken", [KEY, UNIT, MODEL])
def test_whatever_fails_of_a_node_is_told_at_once_and_stays(build, broken):
    build.ends(broken, "error", "it is broken")
    for each in {UNIT, MODEL, KEY, FRESH} - {broken}:
        build.ends(each, "pass")
    assert build.told == {MODEL: f"{broken}: it is broken"}


def test_a_build_that_went_well_concludes_also_what_lacks_a_test(build):
    build.ends(MODEL)
    build.states.conclude()
    assert build.told == {MODEL: DONE}


def test_only_tests_that_say_no_make_another_try_pointless(build):
    build.ends(KEY, "fail 3")
    assert build.states.is_refused
    build.ends(CHILD, "error")
    assert not build.states.is_refused


def test_a_build_that_broke_without_a_word_is_worth_another_try(build):
    assert not build.states.is_refused


@pytest.mark.parametrize(
    ("told", "build_state", "end"),
    [
        (DONE, "running", "success"),
        (DONE, "failed", "success"),
        ("broken", "running", None),
        ("broken", "up_for_retry", None),
        ("broken", "failed", "failed"),
        (None, "waiting", None),
        (None, "running", None),
        (None, "success", "skipped"),
        (None, "failed", "failed"),
        (None, "upstream_failed", "failed"),
    ],
)
def test_a_node_s_task_ends_as_soon_as_its_end_is_sure(told, build_state, end):
    states = {} if told is None else {MODEL: told}
    assert verdict(MODEL, states, build_state) == end
