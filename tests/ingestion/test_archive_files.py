"""Files are read the same wherever their blocks end, and however big they are."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys

import orjson
import pytest

from ingestion.connectors.archive_files import Damage, count_lines, elements, lines
from tests.ingestion.file_sources import event


def test_an_array_is_read_alike_wherever_its_blocks_end(tmp_path, monkeypatch):
    values = [{"a": "é]," * 3, "b": [1, {"c": None}]}, 12345, "x\\", [], {}, -1.5e3, None, True]
    path = tmp_path / "array.json"
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False))
    for size in range(1, 40):
        monkeypatch.setattr("ingestion.connectors.archive_files.BLOCK_BYTES", size)
        monkeypatch.setattr("ingestion.connectors.archive_files.READ_BYTES", size)
        found = [pair for some in elements(path) for pair in some]
        assert [value for _, value in found] == values
        assert [json.loads(text) for text, _ in found] == values


def test_lines_are_those_of_the_file_wherever_blocks_end(tmp_path, monkeypatch):
    text = b"one\n\ntwo\r\nthree"
    path = tmp_path / "lines.gz"
    path.write_bytes(gzip.compress(text[:6]) + gzip.compress(text[6:]) + b"\0" * 9)
    for size in range(1, 40):
        for name in ("BLOCK_BYTES", "READ_BYTES", "INFLATED_BYTES"):
            monkeypatch.setattr(f"ingestion.connectors.archive_files.{name}", size)
        assert [line for some in lines(path) for line in some] == text.split(b"\n")
        assert count_lines(path) == (4, True)


def test_a_line_without_end_is_damage(tmp_path, monkeypatch):
    monkeypatch.setattr("ingestion.connectors.archive_files.RECORD_BYTES", 10)
    path = tmp_path / "endless.json"
    path.write_bytes(b"short\n" + b"x" * 100 + b"\n" * 3 + b"y" * 200)
    monkeypatch.setattr("ingestion.connectors.archive_files.BLOCK_BYTES", 8)
    with pytest.raises(Damage, match="a line of more than"):
        list(lines(path))


# Not by getrusage: its maximum is inherited from the process that started this one.
LAND = """
import sys, threading
import psutil
from ingestion.pipeline import run
from trendhouse.settings import load_settings
process, is_done, peak = psutil.Process(), threading.Event(), 0

def watch():
    global peak
    while not is_done.wait(0.005):
        peak = max(peak, process.memory_info().rss)

run("endoflife", load_settings())  # what the process needs anyway
base = process.memory_info().rss
watcher = threading.Thread(target=watch)
watcher.start()
landing = run("gharchive", load_settings())
is_done.set()
watcher.join()
print(landing.rows["events"], base // 2**20, peak // 2**20)
"""


def test_a_big_hour_lands_in_little_memory(tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    record = orjson.dumps(event(0, payload={"text": "word " * 580}))
    with gzip.open(folder / "2015-01-01-0.json.gz", "wb", compresslevel=1) as file:
        for number in range(100_000):
            file.write(record.replace(b'"0"', b'"%d"' % number, 1) + b"\n")
    (tmp_path / "none").mkdir()
    (tmp_path / "watchlist.csv").write_text("product_name,kind,target,enabled\n")
    done = subprocess.run(
        [sys.executable, "-c", LAND],
        env={
            **os.environ,
            "TRENDHOUSE_HOME": str(tmp_path / "home"),
            "TRENDHOUSE_WORLD": "recorded",
            "TRENDHOUSE_WATCHLIST": str(tmp_path / "watchlist.csv"),
            "TRENDHOUSE_GHARCHIVE_URL": str(folder),
            "TRENDHOUSE_ENDOFLIFE_URL": str(tmp_path / "none"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    count, base, peak = map(int, done.stdout.split())
    print(f"{base} MB before, {peak} MB at most")
    assert count == 100_000
    assert 0 < peak - base < 300
