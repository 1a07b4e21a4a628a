"""What the self-test DAGs do: fetch a JSON list, write it as a dated CSV, see that an alert arrives."""

from __future__ import annotations

import csv
import io
import json
import urllib.request
from datetime import date
from pathlib import Path
from typing import Any

from trendhouse.declared.sources import load_spec
from trendhouse.lake.lake import replace_text
from trendhouse.settings import Settings

SECONDS = 30


class SelftestFailed(Exception):
    """What the self-test found wrong; the message says what to do."""


def address(settings: Settings) -> str:
    """Where the self-test finds a JSON list."""
    github = load_spec("github").location.resolve()
    return settings.selftest_url or f"{github.rstrip('/')}/licenses"


def fetch(url: str) -> list[dict[str, Any]]:
    """The records of a JSON list. Raises SelftestFailed if it is none, URLError if nobody answers."""
    request = urllib.request.Request(url, headers={"User-Agent": "trendhouse-selftest"})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        records = json.load(answer)
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise SelftestFailed(f"{url} does not answer with a list of objects.")
    return records


def export(records: list[dict[str, Any]], home: Path, day: date) -> Path:
    """Write the records to `success/data_YYYYMMDD.csv`; the same day again replaces the file."""
    columns = list(dict.fromkeys(name for record in records for name in record))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([plain(record.get(name)) for name in columns] for record in records)
    path = home / "success" / f"data_{day:%Y%m%d}.csv"
    replace_text(path, text.getvalue())
    return path


def plain(value: Any) -> Any:
    """A value as it stands in a CSV: lists and objects as JSON."""
    return json.dumps(value) if isinstance(value, list | dict | bool) else value
