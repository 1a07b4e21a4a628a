"""Whatever stands in a file, its reader ends with rows that can be stored, or says that it is damaged."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.connectors import endoflife, gharchive
from ingestion.connectors.archive_files import Damage, SourceFile
from ingestion.connectors.github_ranking import Rankings
from ingestion.landing import Batches, Context, Item, Rows
from tests.ingestion.file_sources import World, event, ndjson, packed
from trendhouse.declared.sources import load_spec
from trendhouse.settings import load_settings

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)
ODD = [
    b"", b"\x00", b"\xe9", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b",", b"[" * 1_100, b"null", b"NaN", b"{", b"}",
    b'"\\ud83d"', b"\\u0000", b"9" * 5_000, b"-1", b"[]", b"true",
]  # fmt: skip
PRODUCT = {
    "releases": {"1": {"name": "1", "releaseDate": "2020-01-01", "eol": False}},
    "versions": {"1.0": {"name": "1.0", "date": "2020-01-01"}},
}
RANKING = b"rank,item,repo_name,stars,forks\n1,Python,a,9,1\n2,Python,b,8,1\n"


def land_product(file: SourceFile) -> Iterator[Item]:
    yield from endoflife.land_file(file, endoflife.Statement("tool", "Tool", AT, "2026-11-01"))


def land_hour(file: SourceFile) -> Iterator[Item]:
    yield from gharchive.land_hour(file, AT)


def land_day(file: SourceFile) -> Iterator[Item]:
    context = Context(load_spec("github_ranking"), load_settings())
    yield from Rankings(context).land_day(file, AT.replace(hour=0))


READERS: dict[str, tuple[Callable[[SourceFile], Iterator[Item]], bytes]] = {
    "endoflife": (land_product, json.dumps(PRODUCT).encode()),
    "archive lines": (land_hour, ndjson([event(1), event(2)])),
    "archive array": (land_hour, json.dumps([event(1), event(2)]).encode()),
    "packed archive": (land_hour, gzip.compress(ndjson([event(1), event(2)]), mtime=0)),
    "ranking": (land_day, RANKING),
}


@st.composite
def changed(draw: Any, content: bytes) -> bytes:
    """The content with a few pieces of it replaced, most of them by what readers stumble over."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = start + draw(st.sampled_from([0, 0, 1, 5, len(content)]))
        piece = draw(st.one_of(st.sampled_from(ODD), st.binary(max_size=3)))
        content = content[:start] + piece + content[end:]
    return content


@pytest.mark.parametrize("name", READERS)
def test_a_changed_file_ends_in_rows_or_in_damage(name, tmp_path):
    read, content = READERS[name]
    path = Path(tmp_path, "file")

    @settings(
        max_examples=60,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(changed(content))
    def check(text: bytes) -> None:
        path.write_bytes(text)
        landed, batches, is_damaged = {}, Batches("1", lambda: AT), False
        try:
            for item in read(SourceFile("file", path, path.as_uri())):
                if isinstance(item, Rows):
                    landed[item.table] = landed.get(item.table, 0) + len(item.records)
                    assert list(batches.add(item)) == []
        except Damage:
            is_damaged = True
        tables = dict(batches.rest())
        assert {name: table.num_rows for name, table in tables.items()} == {
            name: count for name, count in landed.items() if count
        }
        readings = [json.loads(text) for text in tables["readings"]["record"].to_pylist()]
        for said in readings:
            held = landed.get(said["stream_name"], 0)
            assert said["expected_count"] > held or not is_damaged or name == "endoflife"

    check()


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "archive"
    made.mkdir()
    return made


@pytest.fixture
def world(tmp_path, monkeypatch, folder) -> World:
    return World(tmp_path, monkeypatch, "gharchive", folder)


def test_an_hour_without_an_event_is_a_broken_file(world, folder):
    empty = [b"", gzip.compress(b""), b"[]", gzip.compress(b"[ ]")]
    for hour, content in enumerate([*empty, packed([event(1)])]):
        (folder / f"2015-01-01-{hour}.json.gz").write_bytes(content)
    failures = world.land().failures
    assert len(failures) == 4 and "2015-01-01-0.json.gz holds no event" in failures[0].error
    assert set(world.expected().values()) == {1} and len(world.expected()) == 5


def test_what_no_reader_takes_is_a_row_like_the_others(world, folder):
    deep = b'{"id": "3", "x": ' + b"[" * 1_100 + b"]" * 1_100 + b"}"
    half = b'{"id": "\\ud83d", "x": NaN}'
    owner = b'{"repository": {"name": "\\ud83d", "owner": "a"}}'
    lines = [deep, half, owner, b'{"id": 99999999999999999999}', b'{"id": "5"}{"id": "6"}']
    (folder / "2015-01-01-0.json").write_bytes(ndjson([event(1)]) + b"\n".join(lines))
    (folder / "2015-01-01-1.json").write_bytes(b"[" + lines[3] + b", " + deep + b"]")
    [failure] = world.land().failures
    assert "nested too deeply" in failure.error
    rows = world.rows("events")
    assert [row["record"].encode() for row in rows] == [
        json.dumps(event(1)).encode(), *lines, lines[3]
    ]  # fmt: skip
    assert rows[2]["record_key"] == "\\ud83d"
    assert rows[3]["context"]["repository_name"] == "a/\ud83d"
    assert [row["context"].get("reason") for row in rows] == [
        None, "the record is not JSON", None, None, None, "the record is not JSON", None
    ]  # fmt: skip
    assert world.expected() == {("events", "2015-01-01-0"): 6, ("events", "2015-01-01-1"): 3}
