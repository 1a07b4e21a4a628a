"""Daily rankings of repositories by stars and forks: one CSV a day, from a folder or a base URL."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ingestion.budget import Plan
from ingestion.connectors.archive_files import Damage, SourceFile, blocks, folder_of, packing
from ingestion.connectors.feeds import Feed, land_feed, land_folder, plan_feed, plan_folder
from ingestion.landing import Context, Failure, Item, Remember, Rows
from ingestion.readable import write_json
from ingestion.readings import reading
from trendhouse.declared.sources import SourceSpec
from trendhouse.settings import Settings

DAY = re.compile(r"^github-ranking-(\d{4}-\d\d-\d\d)\.csv(\.gz|\.zst)?$")
NO_DAY = "file name is not `github-ranking-` and a day"
# How a byte that is no UTF-8 is held in a text.
NO_UTF8 = re.compile("[\udc80-\udcff]")
# Without these a line is of no list.
NEEDED = ("item", "rank")
# A day's figures are those of its end.
END = timedelta(days=1) - timedelta(seconds=1)
# So many days tell how many lists the next one should have.
SPAN = 7


def label(day: datetime) -> str:
    return f"{day:%Y-%m-%d}"


FEED = Feed(
    table="rankings",
    step=timedelta(days=1),
    late=timedelta(hours=12),
    again=2,
    label=label,
    file_name=lambda day: f"github-ranking-{label(day)}.csv",
    is_open=True,
)


def land(context: Context) -> Iterator[Item]:
    """Every day that is new, changed or was missing so far. One row per line of a list."""
    folder = folder_of(context.spec)
    reader = Rankings(context)
    if folder is None:
        since = since_of(context.settings)
        yield from land_feed(
            context, FEED, since, reader.land_day, reader.land_absence, is_complete
        )
    elif not folder.is_dir():
        yield Failure("rankings", "*", f"{folder} is no folder; set TRENDHOUSE_GITHUB_RANKING_URL")
    else:
        paths = [
            path
            for path in files(folder)
            if context.window is None or day_of(path.name) in context.window
        ]
        yield from land_folder(context, folder, "rankings", paths, reader.land_file)


def plan(spec: SourceSpec, state: dict[str, Any], settings: Settings) -> Plan:
    """One request per day that is due; none for a folder."""
    folder = folder_of(spec)
    if folder is None:
        return plan_feed(spec, FEED, state, settings.clock(), since_of(settings))
    return plan_folder(spec, folder, "rankings", files(folder), state)


def since_of(settings: Settings) -> datetime:
    back = settings.clock() - timedelta(days=settings.ranking_days)
    given = settings.ranking_since
    return datetime.combine(given, time(), UTC) if given else back


def day_of(name: str) -> datetime | None:
    """The day that a file's name says; None if it says none."""
    match = DAY.match(name)
    try:
        return datetime.combine(date.fromisoformat(match[1]), time(), UTC) if match else None
    except ValueError:
        return None


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("[!.]*.csv*") if path.is_file())


def is_complete(path: Path) -> bool:
    """Whether a downloaded file ends with a line's end: the only sign a CSV can give."""
    last = b""
    try:
        for block in blocks(path):
            last = block[-1:] or last
    except Damage:
        return False
    return last == b"\n"


class Rankings:
    """Reads days in their order; how long lists are is known from all days read so far."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def land_file(self, file: SourceFile) -> Iterator[Item]:
        """A file of a folder; one that names no day becomes a single row, to end in quarantine."""
        day = day_of(file.name)
        if day is not None:
            yield from self.land_day(file, day)
            return
        reason = write_json({"reason": NO_DAY})
        now = self.context.now()
        yield Rows("rankings", [str(file.path)], file.name, file.url, now, reason)

    def land_day(self, file: SourceFile, day: datetime) -> Iterator[Item]:
        """The rows of a day and its nominal size. Raises Damage after what could be read."""
        pieces, damage = [], None
        try:
            for block in blocks(file.path):
                pieces.append(block)
        except Damage as error:
            damage = error
        text = b"".join(pieces).decode("utf-8-sig", "surrogateescape")
        rows = ranked(text, day, file.url)
        if rows.records:
            yield rows
        elif damage is None:
            damage = Damage(f"{file.name} holds no line of a list")
        yield from self.nominal(file, day, len(rows.records), damage is not None)
        if damage is not None:
            raise damage

    def nominal(
        self, file: SourceFile, day: datetime, landed: int, is_damaged: bool
    ) -> Iterator[Item]:
        """As many lists as the days before had, by the longest list ever seen: a whole day."""
        longest = self.context.state.get("nominal", {}).get("length", 0)
        try:
            lists, length = measure(file.path)
        except (pa.ArrowException, OSError, KeyError):
            lists, length = 0, 0
        length = max(length, longest)
        nominal = max(lists, self.usual(day) or 1)
        expected, method = nominal * length, f"{nominal} lists of {length}"
        if not length:
            expected, method = landed, "lines of the file; no list can be told in it"
        if is_damaged:
            expected, method = max(expected, landed + 1), f"{method}; the file is broken"
        yield reading(
            "rankings", label(day), expected, method, source_url=file.url, observed_at=day + END
        )
        if not is_damaged:
            yield Remember(("nominal", "length"), length)
            yield Remember(("nominal", "days"), self.days_with(day, lists))

    def land_absence(self, day: datetime, url: str) -> Iterator[Item]:
        """A day without a file: short by all that the days before it had."""
        lists, length = self.usual(day), self.context.state.get("nominal", {}).get("length")
        if lists and length:
            method = f"{lists} lists of {length}, but there is no file of this day"
            yield reading(
                "rankings",
                label(day),
                lists * length,
                method,
                source_url=url,
                observed_at=day + END,
            )

    def usual(self, day: datetime) -> int | None:
        """The most lists of the `SPAN` days before this one that were read; else of those after it.

        A language that upstream drops for good therefore counts as missing for as many days.
        """
        before, after = self.around(day)
        return max((before or after).values(), default=None)

    def around(self, day: datetime) -> tuple[dict[str, int], dict[str, int]]:
        """({day: lists} of the nearest days read before, of those after) a day, itself left out."""
        known: dict[str, int] = self.context.state.get("nominal", {}).get("days", {})
        before = sorted(name for name in known if name < label(day))[-SPAN:]
        after = sorted(name for name in known if name > label(day))[:SPAN]
        return {name: known[name] for name in before}, {name: known[name] for name in after}

    def days_with(self, day: datetime, lists: int) -> dict[str, int]:
        """What to remember: this day, those around it, and the newest, which the next run needs."""
        known = self.context.state.get("nominal", {}).get("days", {})
        newest = {name: known[name] for name in sorted(known)[-SPAN:]}
        before, after = self.around(day)
        return {**newest, **before, **after, label(day): lists}


def ranked(text: str, day: datetime, url: str) -> Rows:
    """Every row of a CSV as a JSON object of its strings; what is no row of it as it stands."""
    date_text = label(day)
    records: list[bytes | str] = []
    contexts, keys = [], []
    header: list[str] | None = None
    for number, row, raw in csv_rows(text):
        if header is None:
            header = [spelt(name.strip()) for name in row or []]
            reason = header_fault(header)
            if reason is None:
                continue
        else:
            reason = header_fault(header) or line_fault(row, header)
        said: dict[str, Any] = {"ranking_date": date_text, "line": number}
        if reason is None:
            values = dict(zip(header, map(spelt, row or []), strict=True))
            records.append(orjson.dumps(values))
            keys.append(f"{date_text}/{values.get('item')}/{values.get('rank')}")
        else:
            said["reason"] = reason
            records.append(spelt(raw))
            keys.append(None)
        contexts.append(orjson.dumps(said).decode())
    return Rows(
        table="rankings",
        records=records,
        partition_name=date_text,
        source_url=url,
        observed_at=day + END,
        contexts=contexts,
        keys=keys,
    )


def spelt(text: str) -> str:
    """A text with its bytes that are no UTF-8 as escapes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def header_fault(header: list[str]) -> str | None:
    """Why no line of a file can be read by its header; None if they can."""
    missing = [name for name in NEEDED if name not in header]
    return f"the file's first line names no {', '.join(missing)}" if missing else None


def line_fault(row: list[str] | None, header: list[str]) -> str | None:
    """Why a line is no row of its file; None if it is one. A description may hold bytes that are no text."""
    if row is None or len(row) != len(header):
        width = "is no CSV" if row is None else f"has {len(row)} fields"
        return f"the line {width}; the header has {len(header)} fields"
    said = zip(header, row, strict=True)
    broken = [name for name, text in said if name != "description" and NO_UTF8.search(text)]
    return f"`{broken[0]}` of the line is not UTF-8" if broken else None


def csv_rows(text: str) -> Iterator[tuple[int, list[str] | None, str]]:
    """(number of its first line, fields or None, raw text) of every row; blank lines are none.

    A row over several lines that is no CSV or not as wide as the header is taken for a quote that was
    never closed: its first line stands alone and the next line begins anew.
    """
    lines, at, width = list(io.StringIO(text, newline="\n")), 0, None
    while at < len(lines):
        start, reader = at, csv.reader(islice(lines, at, None), strict=True)
        for row, used in fields_of(reader):
            end = start + used
            is_right = row is not None and (width is None or len(row) == width)
            if not is_right and end - at > 1:
                yield at + 1, None, lines[at].rstrip("\r\n")
                at += 1
                break
            if row is None or row:
                yield at + 1, row, "".join(lines[at:end]).rstrip("\r\n")
            width = len(row) if width is None and row else width
            at = end


def fields_of(reader: Any) -> Iterator[tuple[list[str] | None, int]]:
    """(fields, lines used so far) of each row; None for a row that the CSV reader refuses."""
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = None
        yield row, reader.line_num


def measure(path: Path) -> tuple[int, int]:
    """(lists, rows of the longest) of a file, read by Arrow. Raises pyarrow.ArrowInvalid, OSError."""
    compression = {"plain": None}.get(kind := packing(path), kind)
    with pa.input_stream(str(path), compression=compression) as stream:
        # Of a row that is no UTF-8 Arrow could not even say that it is skipped.
        text = stream.read().decode("utf-8", "replace").encode()
        table = pa_csv.read_csv(
            pa.BufferReader(text),
            parse_options=pa_csv.ParseOptions(
                newlines_in_values=True, invalid_row_handler=lambda row: "skip"
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=["item", "rank"],
                column_types={"item": pa.string(), "rank": pa.string()},
                check_utf8=False,
            ),
        )
    ranked = table.filter(pc.ascii_is_decimal(table["rank"]))
    counts = ranked.group_by("item").aggregate([([], "count_all")])["count_all"]
    return len(counts), pc.max(counts).as_py() or 0
