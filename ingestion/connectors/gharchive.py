"""GH Archive: public events by the hour, from a folder or a base URL, in every form they ever had."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.budget import Plan
from ingestion.connectors.archive_files import (
    Damage,
    SourceFile,
    count_lines,
    elements,
    folder_of,
    lines,
    opens_array,
    packing,
)
from ingestion.connectors.feeds import Feed, land_feed, land_folder, plan_feed, plan_folder
from ingestion.landing import Context, Failure, Item, Rows
from ingestion.readable import read_json, write_json
from ingestion.readings import reading
from ingestion.records import Malformed
from trendhouse.declared.sources import SourceSpec
from trendhouse.settings import Settings

HOUR = re.compile(r"(\d{4}-\d\d-\d\d)-(\d{1,2})(?!\d)")
ARCHIVED = re.compile(r"\.(json|ndjson|jsonl|parquet)(\.|$)|\.(gz|zst)$")
NO_HOUR = "file name does not begin with an hour"
PARQUET_ROWS = 500
# The value of a line that is not JSON, and the context that sends it to quarantine: Spark would take the
# first of two records that share a line, and lose the second without a word.
UNREAD = object()
NOT_JSON = '{"reason":"the record is not JSON"}'

Event = tuple[bytes | str, Any]


def label(hour: datetime) -> str:
    return f"{hour:%Y-%m-%d}-{hour.hour}"


FEED = Feed(
    table="events",
    step=timedelta(hours=1),
    late=timedelta(hours=3),
    again=6,
    label=label,
    file_name=lambda hour: f"{label(hour)}.json.gz",
)


def land(context: Context) -> Iterator[Item]:
    """Every hour that is new, changed or was missing so far. One row per line, element or Parquet row."""
    folder = folder_of(context.spec)
    if folder is None:
        yield from land_feed(context, FEED, since(context.settings), land_hour, land_absence)
    elif not folder.is_dir():
        yield Failure("events", "*", f"{folder} is no folder; set TRENDHOUSE_GHARCHIVE_URL")
    else:
        paths = [
            path
            for path in archived(folder)
            if context.window is None or hour_of(path.name) in context.window
        ]
        yield from land_folder(
            context, folder, "events", paths, lambda file: land_file(context, file)
        )


def plan(spec: SourceSpec, state: dict[str, Any], settings: Settings) -> Plan:
    """One request per hour that is due; none for a folder."""
    folder = folder_of(spec)
    if folder is None:
        return plan_feed(spec, FEED, state, settings.clock(), since(settings))
    return plan_folder(spec, folder, "events", archived(folder), state)


def since(settings: Settings) -> datetime:
    back = timedelta(hours=settings.gharchive_hours)
    return settings.gharchive_since or settings.clock() - back


def archived(folder: Path) -> list[Path]:
    """The files of a folder that hold events by their suffix, by hour; the others in front."""
    found = [path for path in folder.glob("[!.]*") if path.is_file() and ARCHIVED.search(path.name)]
    return sorted(found, key=lambda path: (str(hour_of(path.name) or ""), path.name))


def hour_of(name: str) -> datetime | None:
    """The hour that a file name begins with; None if it does not."""
    match = HOUR.match(name)
    if match is None:
        return None
    try:
        return datetime.fromisoformat(match[1]).replace(hour=int(match[2]), tzinfo=UTC)
    except ValueError:
        return None


def land_file(context: Context, file: SourceFile) -> Iterator[Item]:
    """A file of a folder; one that names no hour becomes a single row, to end in quarantine."""
    hour = hour_of(file.name)
    if hour is not None:
        yield from land_hour(file, hour)
        return
    reason = write_json({"reason": NO_HOUR})
    yield Rows("events", [str(file.path)], file.name, file.url, context.now(), reason)


def land_hour(file: SourceFile, hour: datetime) -> Iterator[Item]:
    """The events of an hour and how many there should be. Raises Damage after what could be read.

    No hour was ever without an event, so a file that holds none is broken.
    """
    kind, landed, damage = form(file.path), 0, None
    try:
        for events in READERS[kind](file.path):
            if events:
                landed += len(events)
                yield rows(events, file, hour)
    except Damage as error:
        damage = error
    if not landed and damage is None:
        damage = Damage(f"{file.name} holds no event")
    expected, method = count(file.path, kind, landed, damage is not None)
    yield reading("events", label(hour), expected, method, source_url=file.url, observed_at=hour)
    if damage is not None:
        raise damage


def land_absence(hour: datetime, url: str) -> Iterator[Item]:
    """An hour that the archive does not have: known, asked for again, nothing to fall short of."""
    yield Failure("events", label(hour), f"{url}: the archive has no file of this hour (404)")
    method = "the archive has no file of this hour"
    yield reading("events", label(hour), 0, method, source_url=url, observed_at=hour)


def form(path: Path) -> str:
    if packing(path) == "parquet":
        return "parquet"
    return "array" if opens_array(path) else "lines"


def events_of_lines(path: Path) -> Iterator[list[Event]]:
    for some in lines(path):
        yield [parsed(line) for line in some]


def parsed(line: bytes) -> Event:
    """A line with its value; UNREAD (and as valid UTF-8) if it is not JSON from end to end."""
    try:
        return line, orjson.loads(line)
    except orjson.JSONDecodeError:
        text = line.decode("utf-8", "backslashreplace")
    try:
        return text, read_json(line)
    except Malformed:
        return text, UNREAD


def events_of_array(path: Path) -> Iterator[list[Event]]:
    for some in elements(path):
        yield [(text.decode("utf-8", "backslashreplace"), value) for text, value in some]


def events_of_parquet(path: Path) -> Iterator[list[Event]]:
    """Rows as JSON without their nulls: a union of all payloads says null for whatever is absent."""
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(PARQUET_ROWS):
                values = [without_nulls(row) for row in batch.to_pylist()]
                options = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC
                yield [(orjson.dumps(value, str, options), value) for value in values]
    except (OSError, ValueError, RecursionError, pa.ArrowException) as error:
        raise Damage(f"Parquet of {path.name} cannot be read: {error}") from error


READERS = {"lines": events_of_lines, "array": events_of_array, "parquet": events_of_parquet}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def rows(events: Iterable[Event], file: SourceFile, hour: datetime) -> Rows:
    records, contexts, keys, is_plain = [], [], [], True
    for record, value in events:
        key, context = described(record, value)
        records.append(record)
        keys.append(key)
        contexts.append(context)
        is_plain = is_plain and context == "{}"
    return Rows(
        table="events",
        records=records,
        partition_name=label(hour),
        source_url=file.url,
        observed_at=hour,
        contexts="{}" if is_plain else contexts,
        keys=keys,
    )


def described(record: bytes | str, value: Any) -> tuple[str | None, str]:
    """(key, context) of an event: a digest where it has no id, the full name where it is in parts."""
    if value is UNREAD:
        return None, NOT_JSON
    if not isinstance(value, dict):
        return None, "{}"
    said, key = {}, value.get("id")
    if key is None:
        text = record.encode() if isinstance(record, str) else record
        key = said["event_key"] = hashlib.sha256(text).hexdigest()
    repository = value.get("repository")
    if isinstance(repository, dict) and not value.get("repo") and repository.get("name"):
        owner = repository.get("owner")
        owner = owner.get("login") if isinstance(owner, dict) else owner
        name = str(repository["name"])
        said["repository_name"] = f"{owner}/{name}" if owner else name
    return str(key), write_json(said) if said else "{}"


def count(path: Path, kind: str, landed: int, is_damaged: bool) -> tuple[int, str]:
    """(events that there are, how counted), by a reader other than the one that landed them.

    Of a file that is broken nobody knows the number: at least one more than was to be had.
    """
    expected: int | None = None
    try:
        if kind == "parquet":
            expected, method = pq.read_metadata(path).num_rows, "Parquet footer"
        elif kind == "array":
            expected, method = count_elements(path), "elements counted by DuckDB"
        else:
            (expected, is_whole), method = count_lines(path), "lines counted in a second reading"
            is_damaged = is_damaged or not is_whole
    except (OSError, ValueError, duckdb.Error, pa.ArrowException):
        is_damaged = True
    if is_damaged:
        return max(landed, expected or 0) + 1, "lower bound: the file is broken"
    assert expected is not None
    return expected, method


def count_elements(path: Path) -> int:
    compression = {"plain": "none"}.get(kind := packing(path), kind)
    with duckdb.connect(config={"threads": 1, "memory_limit": "512MB"}) as connection:
        found = connection.execute(
            "select count(*) from read_json_objects(?, format = 'array', compression = ?)",
            [str(path), compression],
        ).fetchone()
    assert found is not None
    return int(found[0])
