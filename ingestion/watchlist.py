"""The watchlist file: a CSV of products, repositories, searches and owners, as people and spreadsheets save it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trendhouse.declared.sources import SpecError
from trendhouse.settings import Settings

DEFAULT = Path(__file__).with_name("watchlist.csv")
COLUMNS = ("product_name", "kind", "target", "enabled")
KINDS = ("github", "search", "owner", "endoflife")
TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
# What spreadsheets put between fields, by country and format.
DELIMITERS = ",;\t"
SLUG = re.compile(r"[\w+-][\w.+-]*")
NO_TEXT = "is not UTF-8; save it as `CSV UTF-8`"


@dataclass(frozen=True)
class Entry:
    """One line of the watchlist."""

    product_name: str
    kind: str
    target: str
    is_enabled: bool

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.target.lower()}:{self.product_name}"


def read_watchlist(settings: Settings) -> list[Entry]:
    """The entries of the settings' watchlist, each once. Raises SpecError naming file, line and remedy."""
    path = settings.watchlist or DEFAULT
    if not path.is_file():
        raise SpecError(
            f"{path}: no such watchlist. Set TRENDHOUSE_WATCHLIST to a CSV that is there."
        )
    found: dict[str, tuple[int, Entry]] = {}
    for line, values in read_lines(path, read_text(path)):
        entry = entry_of(path, line, values)
        first, known = found.setdefault(entry.key, (line, entry))
        if known.is_enabled != entry.is_enabled:
            raise SpecError(
                f"{path}:{line}: `{entry.target}` stands in line {first} with another `enabled`; "
                "keep one of the two lines."
            )
    return [entry for _, entry in found.values()]


def read_text(path: Path) -> str:
    """The file without a byte order mark. Raises SpecError with the line that is not UTF-8."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SpecError(f"{path}:{line}: the file {NO_TEXT}.") from error


def read_lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, its fields by column) of every line that says something. Raises SpecError."""
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header: list[str] = []
    try:
        for row in reader:
            fields = [field.strip() for field in row]
            while fields and not fields[-1] and len(fields) > len(COLUMNS):
                fields.pop()
            if not header:
                header = [field.lower() for field in fields]
                if sorted(header) != sorted(COLUMNS):
                    break
            elif any(fields):
                yield reader.line_num, fields_of(path, reader.line_num, header, fields)
    except csv.Error as error:
        raise SpecError(f"{path}:{reader.line_num}: no CSV: {error}; mend the line.") from error
    if sorted(header) != sorted(COLUMNS):
        raise SpecError(f"{path}:1: the first line must be `{','.join(COLUMNS)}`.")


def fields_of(path: Path, line: int, header: list[str], fields: list[str]) -> dict[str, str]:
    if len(fields) != len(header):
        raise SpecError(
            f"{path}:{line}: {len(fields)} fields where there should be {len(header)}; write "
            f"`{','.join(header)}`, and a field with a comma in quotes."
        )
    return dict(zip(header, fields, strict=True))


def entry_of(path: Path, line: int, values: dict[str, str]) -> Entry:
    kind, target, said = values["kind"].lower(), values["target"], values["enabled"].lower()
    if kind not in KINDS:
        raise SpecError(
            f"{path}:{line}: kind `{values['kind']}` is unknown; use one of {', '.join(KINDS)}."
        )
    if not values["product_name"] or not target:
        raise SpecError(f"{path}:{line}: product_name and target must not be empty; fill them.")
    if kind == "github" and (target.count("/") != 1 or not all(target.split("/"))):
        raise SpecError(f"{path}:{line}: `{target}` is no repository; write `owner/name`.")
    if kind == "endoflife" and not SLUG.fullmatch(target):
        raise SpecError(
            f"{path}:{line}: `{target}` is no product; write its name in the address of its page."
        )
    if said not in TRUTH:
        raise SpecError(
            f"{path}:{line}: enabled is `{values['enabled']}`; write `true` or `false`."
        )
    return Entry(values["product_name"], kind, target, TRUTH[said])
