"""Which tests go to the same worker when several run at once: `--dist loadscope`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent


class FolderScheduling(LoadScopeScheduling):
    """A file's tests stay together, and so does a folder whose conftest.py makes something once for all of it."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid.split("::")[0])


@cache
def scope(file: str) -> str:
    """The topmost folder below `tests` whose conftest.py has a session fixture, else the file itself.

    What tests/conftest.py makes once lies in one place for all workers, and binds nobody.
    """
    folders = Path(file).parents
    for folder in reversed([each for each in folders if len(each.parts) > 1]):
        made = TESTS.parent / folder / "conftest.py"
        if made.exists() and 'scope="session"' in made.read_text(encoding="utf-8"):
            return str(folder)
    return file


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> FolderScheduling:
    return FolderScheduling(config, log)
