"""The watchlist is read as spreadsheets save it, by one reader; a mistake is told with line and remedy."""

import pytest

from ingestion.connectors.endoflife import watched
from ingestion.watchlist import Entry, read_watchlist
from trendhouse.declared.sources import SpecError
from trendhouse.settings import load_settings

HEADER = "product_name,kind,target,enabled\n"


def read(tmp_path, content: bytes) -> list[Entry]:
    path = tmp_path / "watchlist.csv"
    path.write_bytes(content)
    return read_watchlist(load_settings(watchlist=path))


FLASK = Entry("flask", "github", "pallets/flask", True)
PYTHON = Entry("python", "endoflife", "python", True)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfproduct_name,kind,target,enabled\r\npython,endoflife,python,true\r\n"
        b"flask,github,pallets/flask,yes\r\n",
        b"product_name;kind;target;enabled\npython;endoflife;python;1\nflask;github;pallets/flask;TRUE\n",
        b"product_name\tkind\ttarget\tenabled\npython\tendoflife\tpython\t1\n"
        b"flask\tgithub\tpallets/flask\tyes\n",
        b"Product_Name , kind,target,enabled,,\n python , endoflife,python , true,,\n,,,,,\n\n"
        b"flask,GitHub,pallets/flask,true,,\n",
        b"kind,target,enabled,product_name\nendoflife,python,true,python\n"
        b"github,pallets/flask,true,flask",
        b"product_name,kind,target,enabled\npython,endoflife,python,true\n"
        b"flask,github,pallets/flask,true\npython,endoflife,python,true\n",
    ],
    ids=["mark", "semicolons", "tabs", "spaces and empty cells", "order", "twice"],
)
def test_a_watchlist_is_read_as_spreadsheets_save_it(tmp_path, content):
    assert read(tmp_path, content) == [PYTHON, FLASK]


def test_both_connectors_read_the_same_lines(tmp_path):
    path = tmp_path / "watchlist.csv"
    lines = "Python,endoflife,python,yes\nCPython,endoflife,python,yes\nOld,endoflife,old,no\n"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADER + lines).encode())
    settings = load_settings(watchlist=path)
    assert watched(settings) == {"python": "Python"}
    assert [entry.target for entry in read_watchlist(settings)] == ["python", "python", "old"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"python,endoflife,python\n",
            r"\.csv:2: 3 fields where there should be 4; write `product",
        ),
        (b"a, b,github,a/b,true\n", r":2: 5 fields .* a field with a comma in quotes"),
        (b"ok,github,a/b,true\ncaf\xe9,github,a/c,true\n", r":3: .*save it as `CSV UTF-8`"),
        (b"ok,github,a/b,true\nok,github,A/B,false\n", r":3: `A/B` stands in line 2"),
        (b"ok,endoflife,../secret,true\n", r":2: `\.\./secret` is no product"),
        (b"flask,git,pallets/flask,true", r":2: kind `git` is unknown; use one of github"),
        (b"flask,github,flask,true", r":2: `flask` is no repository; write `owner/name`"),
        (b"flask,github,/flask,true", r":2: `/flask` is no repository; write `owner/name`"),
        (b"flask,github,pallets/flask,maybe", r":2: enabled is `maybe`; write `true` or `false`"),
        (b",github,pallets/flask,true", r":2: product_name and target must not be empty"),
    ],
)
def test_a_wrong_line_is_told_with_its_remedy(tmp_path, content, said):
    with pytest.raises(SpecError, match=said):
        read(tmp_path, HEADER.encode() + content)


@pytest.mark.parametrize("content", [b"", b"name,kind\n", "naïve".encode("utf-16")])
def test_a_file_that_is_no_watchlist_is_told_with_its_remedy(tmp_path, content):
    with pytest.raises(SpecError, match=r"\.csv:1: .*(must be `product_name|UTF-8)"):
        read(tmp_path, content)


def test_the_default_watchlist_can_be_read(monkeypatch):
    monkeypatch.delenv("TRENDHOUSE_WATCHLIST", raising=False)
    entries = read_watchlist(load_settings())
    assert {entry.kind for entry in entries} == {"github", "search", "owner", "endoflife"}
    assert "vuejs/vue" in {entry.target for entry in entries}
