"""Write the documentation site: mkdocs over docs/ and what the code says of itself."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path

from trendhouse.errors import TrendhouseError
from trendhouse.settings import ROOT


class SiteBroken(TrendhouseError):
    """A link that leads nowhere, or a page that is in no menu; a line names each."""


def build_site(folder: Path, sites_beside: dict[str, str], results: Path | None = None) -> Path:
    """Write the site into `folder` and return its start page; the sites that lie there stay.

    `sites_beside` gives their addresses below `folder` by title, `results` is where the last results
    of the expectation suites lie. Raises SiteBroken.
    """
    os.environ["NO_MKDOCS_2_WARNING"] = (
        "1"  # the theme's word on the end of its own life, in colours
    )
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import Abort

    folder.mkdir(parents=True, exist_ok=True)
    complaints = Complaints(logging.WARNING)
    logging.getLogger("mkdocs").addHandler(complaints)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".site-") as written:
            config = load_config(str(ROOT / "mkdocs.yml"), site_dir=written)
            config.extra |= {"sites_beside": sites_beside, "results": results}
            config.plugins.on_startup(command="build", dirty=False)
            build(config)
            for path in Path(written).iterdir():
                replace(path, folder / path.name)
    except Abort:
        raise SiteBroken("\n".join(complaints.said)) from None
    finally:
        logging.getLogger("mkdocs").removeHandler(complaints)
    return folder / "index.html"


class Complaints(logging.Handler):
    """Keeps what mkdocs warns of, which is what breaks a strict build."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def replace(path: Path, target: Path) -> None:
    """Put a file or folder in the place of what was there."""
    if target.is_dir():
        shutil.rmtree(target)
    path.rename(target)
