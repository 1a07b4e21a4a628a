"""A reader of the dashboards: a real Chromium that logs in and looks; run as a module, it takes the pictures of docs/.

With `make dashboards` running in another terminal: `python -m tests.dashboards.reader`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Response, expect, sync_playwright

from dashboards.superset_app import USER

# Tall enough for every chart to be in view: those below are drawn only when they are reached.
TALL = {"width": 1400, "height": 3200}
CHROMIUM = shutil.which("chromium")
# A busy machine draws slowly; milliseconds.
PATIENCE = 90_000
FEWER_COLOURS = """
import sys
from PIL import Image
picture = Image.open(sys.argv[1]).convert("RGB").quantize(160, dither=Image.Dither.NONE)
picture.save(sys.argv[1], optimize=True)
"""
DOCS = Path(__file__).parents[2] / "docs"


class Reader:
    """A browser that is logged in, and what it was answered."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.answers: list[Response] = []
        page.on("response", self.keep)
        page.set_default_timeout(PATIENCE)

    def keep(self, answer: Response) -> None:
        self.answers.append(answer)

    def login(self, password: str) -> None:
        self.page.goto(f"{self.url}/login/")
        self.page.fill("[data-test=username-input]", USER)
        self.page.fill("[data-test=password-input]", password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def open(self, slug: str) -> None:
        """Show a dashboard, and wait until it asks nothing more."""
        self.answers.clear()
        self.page.goto(f"{self.url}/superset/dashboard/{slug}/")
        self.page.wait_for_selector(".dashboard-component-chart-holder")
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_load_state("networkidle")
        expect(self.page.locator(".loading")).to_have_count(0, timeout=PATIENCE)

    @property
    def asked(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """(question, answer) of every chart; filters, which have no chart's number, left out."""
        asked = [
            (each.request.post_data_json, each.json()["result"][0])
            for each in self.answers
            if "/api/v1/chart/data" in each.url
        ]
        return [pair for pair in asked if pair[0]["form_data"].get("slice_id")]

    def picture(self, path: Path) -> bytes:
        """The page down to its last chart, saved."""
        boxes = [
            each.bounding_box()
            for each in self.page.locator(".dashboard-component-chart-holder").all()
        ]
        bottom = max(box["y"] + box["height"] for box in boxes if box)
        clip = {"x": 0, "y": 0, "width": TALL["width"], "height": bottom + 16}
        return self.page.screenshot(path=path, clip=clip)


@contextmanager
def reading(url: str, password: str) -> Iterator[Reader]:
    """A reader who is logged in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found = Reader(browser.new_page(viewport=TALL), url)
        found.login(password)
        yield found
        browser.close()


def main() -> None:
    """The pictures of docs/, of the Superset that runs over the current world; small by few colours."""
    from dashboards.server import SupersetHome
    from dashboards.specs import load
    from trendhouse.running import holder_of
    from trendhouse.settings import load_settings

    home = SupersetHome(load_settings().place.root / "superset")
    with reading(holder_of(home.state)["url"], home.password) as reader:
        for page in load("opensource").dashboards:
            path = DOCS / f"dashboards-{page.slug}.png"
            reader.open(f"opensource-{page.slug}")
            reader.page.wait_for_timeout(2000)  # the bars grow for a second
            reader.picture(path)
            small(path)


def small(path: Path) -> None:
    """Few colours, with the Pillow that Superset's environment has."""
    from dashboards.server import executable

    python = Path(executable()).with_name("python")
    subprocess.run([python, "-c", FEWER_COLOURS, path], check=True)


if __name__ == "__main__":
    main()
