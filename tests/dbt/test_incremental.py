"""Whatever the order in which days arrive, the marts are those of a build from nothing."""

import random

import pytest

from tests.dbt.histories import GROWING, History

BUILD = ("run", "--select", " ".join(f"+{name}" for name in GROWING))


def all_marts(dbt) -> dict[str, list[tuple]]:
    return {name: dbt.mart(name, without=("clean_version",)) for name in GROWING}


@pytest.mark.parametrize("seed", [1, 2])
def test_days_in_any_order_give_the_rows_of_a_full_refresh(dbt, seed):
    history = History(seed)
    days = [history.day(number) for number in range(12)]
    late = random.Random(seed).sample(range(1, 12), 3)
    dbt("seed")
    for batch in (
        [0],
        [n for n in range(1, 7) if n not in late],
        [n for n in range(7, 12) if n not in late],
    ):
        for number in batch:
            dbt.clean.deduplicate(days[number])
        dbt(*BUILD)
    for number in late:
        dbt.clean.deduplicate(days[number])
        dbt(*BUILD)

    step_by_step = all_marts(dbt)
    dbt(*BUILD, "--full-refresh")

    assert all(step_by_step.values())
    for name, rows in all_marts(dbt).items():
        assert step_by_step[name] == rows, name


def test_a_second_build_changes_nothing(dbt):
    history = History(4)
    for number in range(4):
        dbt.clean.deduplicate(history.day(number))
    dbt("build", *BUILD[1:])
    before = {name: dbt.mart(name) for name in GROWING}

    dbt("build", *BUILD[1:])

    assert {name: dbt.mart(name) for name in GROWING} == before
