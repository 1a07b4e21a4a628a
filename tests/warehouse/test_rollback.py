"""The way back: readers see the publication before the current one, and what is published next is newer."""

from __future__ import annotations

import pytest

from warehouse.publish import publish
from warehouse.published import NothingPublished, connect, current
from warehouse.rollback import RollbackFailed, roll_back


def shown(house) -> list[tuple]:
    return connect(house.place).execute("from products").fetchall()


def release(house, version: str) -> None:
    house.sql(
        "delete from marts.products", f"insert into marts.products values ('python', '{version}')"
    )
    publish(house.place)


def test_readers_see_the_publication_before(house):
    release(house, "3.13")
    release(house, "3.14")
    assert shown(house) == [("python", "3.14")]
    assert roll_back(house.place) == 1
    assert shown(house) == [("python", "3.13")]


def test_what_is_published_next_has_a_number_of_its_own(house):
    release(house, "3.13")
    release(house, "3.14")
    roll_back(house.place)
    release(house, "3.15")
    assert (current(house.place)["version"], shown(house)) == (3, [("python", "3.15")])
    assert roll_back(house.place) == 1
    assert shown(house) == [("python", "3.13")]


def test_there_is_one_step_back(house):
    with pytest.raises(NothingPublished):
        roll_back(house.place)
    release(house, "3.13")
    with pytest.raises(RollbackFailed, match="Version 1 is the oldest"):
        roll_back(house.place)
