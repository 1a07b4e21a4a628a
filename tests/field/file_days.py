"""The odd files of the field: an archive's hours, days of rankings and products' release dates, day by day."""

from __future__ import annotations

import gzip
import json
from typing import Any

from tests.field.github_days import DEEP
from tests.ingestion.file_sources import Upstream, event, ndjson

MARK = b"\xef\xbb\xbf"
COLUMNS = (
    "rank,item,repo_name,stars,forks,language,repo_url,username,issues,last_commit,description"
)
CYCLES = {
    "releases": {
        "1": {"name": "1", "releaseDate": "2020-01-01", "eol": "2022-06-30"},
        "2": {"name": "2", "releaseDate": "2021-01-01", "eol": True},
        "3": {"name": "3", "releaseDate": "2022-01-01", "eol": False},
    },
    "versions": {
        "3.1.0": {"name": "3.1.0", "date": "2026-10-01"},
        "4.0.0": {"name": "4.0.0", "date": "2027-10-01"},
    },
}
PRODUCTS = {
    "cycles": json.dumps(CYCLES).encode(),
    "leaving": b'{"5.0.0": "2025-05-05"}',
    "listed": b'["1.0.0"]',
    "worded": b'"1.0.0"',
    "hollow": b"",
    "sunken": b'{"versions": ' + DEEP.encode() + b"}",
}


def put_files(upstream: Upstream, day: int) -> None:
    """What is there from day 1 or 2 on."""
    for name, content in PRODUCTS.items():
        upstream.put(f"/endoflife/{name}.json", content, tag=f'"{name}"')
    if day == 2:
        del upstream.replies["/endoflife/leaving.json"]
    upstream.put(f"/rankings/github-ranking-2026-11-0{day}.csv", ranking())
    hours = archive() if day == 1 else {20: gzip.compress(ndjson([happened(900, 20)]))}
    for hour, content in hours.items():
        upstream.put(f"/gharchive/2026-11-02-{hour}.json.gz", content)


def ranking() -> bytes:
    """Two plain lines; stars of -5; an address that is none."""
    address = "https://github.com/ranked/"
    lines = [
        f"1,Python,first,90,9,Python,{address}first,ranked,1,2026-10-01T00:00:00Z,",
        f"2,Python,second,80,8,Python,{address}second,ranked,1,2026-10-01T00:00:00Z,",
        f"3,Python,third,-5,7,Python,{address}third,ranked,1,2026-10-01T00:00:00Z,",
        "4,Python,fourth,60,6,Python,ask me,ranked,1,2026-10-01T00:00:00Z,",
    ]
    return "\n".join([COLUMNS, *lines, ""]).encode()


def happened(number: int | str, hour: int, **more: Any) -> dict[str, Any]:
    at = f"2026-11-02T{hour:02}:30:00Z"
    said = {"repo": {"id": 500, "name": "busy/one"}, "actor": {"id": 9002, "login": "ada"}}
    return (
        event(0, id=number if isinstance(number, int) else str(number), created_at=at, **said)
        | more
    )


def archive() -> dict[int, bytes]:
    """16: odd lines, of which five are events; 17: one of them again, and one more; 18: no byte; 19: no event."""
    agent = {"actor": {"id": 81847, "login": "claude"}}
    odd = [
        happened("601", 16),
        happened(602, 16),
        happened("9" * 30, 16),
        happened("603", 16, **agent),
    ]
    first = MARK + ndjson([happened("600", 16)])
    lines = ndjson(odd) + json.dumps(happened("604", 16)).encode()[:60] + b"\n"
    again = ndjson([happened("601", 16), happened("701", 17)])
    nothing = b"<html>\n<body>busy</body>\n</html>\n"
    return {
        16: gzip.compress(first + lines), 17: gzip.compress(again), 18: b"",
        19: gzip.compress(nothing),
    }  # fmt: skip
