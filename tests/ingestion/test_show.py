"""`dlt pipeline <source> show`: what was landed stands on the page, as text."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import duckdb
import pytest

BIN = Path(sys.executable).parent
TABLES = ("readings", "release_cycles", "release_dates")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home with one landing of endoflife; one of its raw records holds what HTML would take for its own."""
    home = tmp_path_factory.mktemp("home")
    subprocess.run(
        [BIN / "trendhouse", "land", "endoflife"],
        env=environment(home),
        check=True,
        capture_output=True,
    )
    (path,) = (home / "sample" / "lake" / "raw" / "endoflife" / "readings").rglob("*.parquet")
    hostile = "select * replace ('<script>x</script>' as record_key)"
    duckdb.sql(f"{hostile} from '{path}'").write_parquet(f"{path}.new")
    Path(f"{path}.new").replace(path)
    return home


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "TRENDHOUSE_HOME": str(home), "TRENDHOUSE_WORLD": "sample"}


@pytest.fixture(scope="module")
def address(home):
    """Where the page is served."""
    command = [BIN / "dlt", "pipeline", "endoflife", "show", "--port", "0"]
    with subprocess.Popen(
        command, env=environment(home), stdout=subprocess.PIPE, text=True
    ) as process:
        yield re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def page(address) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        return answer.read().decode()


def test_every_raw_table_is_shown_with_its_rows(page, home):
    for table in TABLES:
        files = f"{home}/sample/lake/raw/endoflife/{table}/*/*/*/*.parquet"
        ((rows,),) = duckdb.sql(f"select count(*) from '{files}'").fetchall()
        assert rows > 0
        assert page.count(f'href="#{table}"') == 1
        assert re.search(rf'href="#{table}">.*?<td class="number">{rows:,}</td>', page)


def test_the_newest_landing_is_shown_step_by_step(page):
    assert re.findall(r"<tr><td>(extract|normalize|load)</td>", page) == [
        "extract",
        "normalize",
        "load",
    ]
    assert "1 loaded, 0 waiting" in page
    assert re.search(r"<td>\d+\.\d+</td><td>loaded</td>", page)


def test_what_upstream_says_is_text_and_never_markup(page):
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "<script" not in page


def test_nothing_else_is_served(address):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{address}etc/passwd", timeout=30)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("endoflife", "show", "--edit"), "--edit"),
        (("github", "show"), "github"),
        (("x", "show"), "x"),
    ],
)
def test_what_cannot_be_shown_is_said(home, arguments, said):
    done = subprocess.run(
        [BIN / "dlt", "pipeline", *arguments],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
