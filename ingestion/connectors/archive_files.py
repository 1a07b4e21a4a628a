"""Files of any size as blocks, lines and counts: gzip, zstd or plain, and what was readable of broken ones."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from trendhouse.declared.sources import SourceSpec

READ_BYTES = 256 * 2**10
INFLATED_BYTES = 64 * 2**10
BLOCK_BYTES = 2**20
# A line or an array's element that is longer is no record.
RECORD_BYTES = 64 * 2**20
MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PAR1": "parquet"}

Packing = Literal["gzip", "zstd", "parquet", "plain"]


class Damage(Exception):
    """A file is broken off or corrupt; the message says where. What stood before it has been read."""


@dataclass(frozen=True)
class SourceFile:
    """A file on this disk: its name upstream, where it lies and where it came from."""

    name: str
    path: Path
    url: str


def folder_of(spec: SourceSpec) -> Path | None:
    """The folder that a source is read from; None if its location is a base URL."""
    location = spec.location.resolve().removeprefix("file://") if spec.location else "."
    return None if "://" in location else Path(location).absolute()


def base_url(spec: SourceSpec) -> str:
    """The address below which a source's files lie, without a slash at its end."""
    return spec.location.resolve().rstrip("/") if spec.location else ""


def fingerprint(path: Path) -> str:
    """Size and time of change: a file with the same ones is the same."""
    found = path.stat()
    return f"{found.st_size}-{found.st_mtime_ns}"


def packing(path: Path) -> Packing:
    """How a file is packed, by its first bytes: names are not to be trusted."""
    with path.open("rb") as file:
        start = file.read(4)
    return next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), "plain")


def blocks(path: Path) -> Iterator[bytes]:
    """The unpacked content, about 1 MB at a time. Raises Damage after the last readable block."""
    kind, held = packing(path), bytearray()
    pieces = inflated(path) if kind == "gzip" else streamed(path, kind)
    try:
        for piece in pieces:
            held += piece
            if len(held) >= BLOCK_BYTES:
                yield bytes(held)
                held.clear()
    except Damage:
        yield bytes(held)
        raise
    if held:
        yield bytes(held)


def streamed(path: Path, kind: str) -> Iterator[bytes]:
    with pa.input_stream(str(path), compression="zstd" if kind == "zstd" else None) as stream:
        while True:
            try:
                piece = stream.read(READ_BYTES)
            except OSError as error:
                raise Damage(f"{kind} content of {path.name} is corrupt: {error}") from error
            if not piece:
                return
            yield piece


def inflated(path: Path) -> Iterator[bytes]:
    """The content of a gzip file of one or more members, in pieces so small that damage costs little."""
    with path.open("rb") as file:
        member, packed = zlib.decompressobj(31), b""
        while packed or (packed := file.read(READ_BYTES)):
            try:
                piece = member.decompress(packed, INFLATED_BYTES)
            except zlib.error as error:
                where = file.tell() - len(packed)
                raise Damage(
                    f"gzip of {path.name} is corrupt after byte {where:,}: {error}"
                ) from error
            yield piece
            packed = member.unconsumed_tail
            if member.eof:
                packed = member.unused_data or file.read(READ_BYTES)
                member = zlib.decompressobj(31)
                if not packed.strip(b"\0"):
                    return
        while piece := member.decompress(b"", INFLATED_BYTES):
            yield piece
        if not member.eof:
            raise Damage(f"gzip of {path.name} is broken off at byte {file.tell():,}")


def lines(path: Path) -> Iterator[list[bytes]]:
    """The lines of a file without their ends, some at a time, empty ones too.

    Raises Damage after the last whole line where the file is broken; the piece of a line before the
    damage is left out.
    """
    rest = b""
    for block in blocks(path):
        *whole, rest = (rest + block).split(b"\n")
        if len(rest) > RECORD_BYTES:
            raise Damage(f"{path.name} has a line of more than {RECORD_BYTES:,} bytes")
        yield whole
    if rest:
        yield [rest]


def elements(path: Path) -> Iterator[list[tuple[bytes, Any]]]:
    """The elements of a JSON array as (text as it stands, value), some at a time.

    Raises Damage where the array cannot be read on.
    """
    decoder, decode = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8")("surrogateescape")
    text, is_open = "", False
    for block in blocks(path):
        text += decode.decode(block)
        found, at = [], 0
        if not is_open and text.lstrip("\ufeff \t\r\n"):
            is_open, at = True, text.index("[") + 1
        try:
            while (element := next_element(decoder, text, at)) is not None:
                start, end, value = element
                found.append((text[start:end].encode("utf-8", "surrogateescape"), value))
                at = end
        except Damage:
            yield found
            raise
        text = text[at:]
        yield found
        if len(text) > RECORD_BYTES:
            break
    if text.strip(" \t\r\n,") != "]":
        shown = text.lstrip(" \t\r\n,")[:60]
        raise Damage(f"the JSON array of {path.name} cannot be read on from: {shown!r}")


def next_element(decoder: json.JSONDecoder, text: str, at: int) -> tuple[int, int, Any] | None:
    """(start, end, value) of the element after `at`; None if it is not whole yet, or the last one passed.

    Raises Damage for one that is nested too deeply: nobody knows where it ends.
    """
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    try:
        value, end = decoder.raw_decode(text, at)
    except ValueError:
        return None
    except RecursionError as error:
        raise Damage(f"the JSON array is nested too deeply at: {text[at : at + 60]!r}") from error
    after = end
    while after < len(text) and text[after] in " \t\r\n":
        after += 1
    # A number may go on in the next block, so an element counts once something follows it.
    return (at, end, value) if text[after : after + 1] in (",", "]") else None


def opens_array(path: Path) -> bool:
    """Whether the content is a JSON array rather than lines."""
    try:
        start = next(blocks(path), b"")
    except Damage:
        return False
    return start.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"["


def count_lines(path: Path) -> tuple[int, bool]:
    """(lines, whether the file is whole), by a reader that shares nothing with `lines` but the file."""
    count, last = 0, b"\n"
    try:
        with plain(path) as file:
            while block := file.read1(BLOCK_BYTES):
                count += block.count(b"\n")
                last = block[-1:]
    except (OSError, EOFError, zlib.error):
        return count, False
    return count + (last != b"\n"), True


def plain(path: Path) -> io.BufferedIOBase:
    kind = packing(path)
    if kind == "gzip":
        return gzip.open(path, "rb")
    if kind == "zstd":
        return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
    return path.open("rb")


def is_whole(path: Path) -> bool:
    """Whether a file can be unpacked to its end and holds something."""
    try:
        return sum(len(block) for block in blocks(path)) > 0
    except Damage:
        return False
