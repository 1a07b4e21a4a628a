"""Which tests go to the same worker when several run at once."""

from __future__ import annotations

import pytest


def group(item: pytest.Item) -> str:
    """The folder whose session fixtures the test uses, so that each is made once; else the test's own file.

    What tests/conftest.py makes once for all of them lies in one place for all workers, and binds nobody.
    """
    used = getattr(item, "_fixtureinfo", None)
    folders = [
        definition.baseid
        for definitions in (used.name2fixturedefs.values() if used else ())
        for definition in definitions
        if definition.scope == "session" and definition.baseid not in ("", "tests")
    ]
    return max(folders, key=len, default=item.nodeid.split("::")[0])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
