"""A published mart as one file, written while it is sent: Parquet, Arrow or CSV."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from serving.publication import Publication
from trendhouse.settings import Place

ROWS = 16_384
CHUNK = 1 << 18
TRIES = 20
FORMATS = {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv",
}


class Writer(Protocol):
    def write_batch(self, batch: pa.RecordBatch) -> None: ...

    def close(self) -> None: ...


class Sink(io.RawIOBase):
    """A file whose bytes are taken away as they come."""

    def __init__(self) -> None:
        self.held = bytearray()
        self.written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.held += data
        self.written += len(data)
        return len(data)

    def tell(self) -> int:
        return self.written

    def taken(self) -> bytes:
        found, self.held = bytes(self.held), bytearray()
        return found


class Download:
    """The files of a mart, or of one of its partitions, held open: a publication meanwhile may delete them.

    `publication` is the one that they are of.
    """

    def __init__(self, publication: Publication, files: list[BinaryIO], format: str) -> None:
        self.publication = publication
        self.files = files
        self.format = format

    @classmethod
    def opened(cls, place: Place, mart: str, partition: str | None, format: str) -> Download:
        """Open what the newest publication names. Raises KeyError for what it does not name,
        FileNotFoundError if it is never whole."""
        for left in reversed(range(TRIES)):
            publication = Publication.newest(place)
            found = cls(publication, [], format)
            try:
                found.files += (path.open("rb") for path in paths(publication, mart, partition))
                return found
            except FileNotFoundError:
                # Replaced between the look at the pointer and here.
                found.close()
                if not left:
                    raise
        raise AssertionError("a try has returned or raised")

    def close(self) -> None:
        for file in self.files:
            file.close()

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes; of a mart that is held in one Parquet file, that very file."""
        with contextlib.closing(self):
            if self.format == "parquet" and len(self.files) == 1:
                while chunk := self.files[0].read(CHUNK):
                    yield chunk
            else:
                yield from self.rewritten()

    def rewritten(self) -> Iterator[bytes]:
        sink, writer = Sink(), None
        for file in self.files:
            with pq.ParquetFile(file, pre_buffer=False) as parquet:
                for batch in batches(parquet):
                    fitting = as_text(batch) if self.format == "csv" else nullable(batch)
                    writer = writer or open_writer(self.format, sink, fitting.schema)
                    writer.write_batch(fitting)
                    if len(sink.held) >= CHUNK:
                        yield sink.taken()
        if writer is not None:
            writer.close()
        yield sink.taken()


def paths(publication: Publication, mart: str, partition: str | None) -> list[Path]:
    """The Parquet files of a mart, or of one of its partitions. Raises KeyError for an unknown one."""
    parts = publication.state["marts"][mart]["partitions"]
    names = sorted(parts) if partition is None else [partition]
    return [publication.place.published / parts[name]["file"] for name in names]


def batches(parquet: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """A file's rows; one batch without rows where there is none, for its columns."""
    if not parquet.metadata.num_rows:
        yield pa.RecordBatch.from_pylist([], schema=parquet.schema_arrow)
    yield from parquet.iter_batches(ROWS)


def open_writer(format: str, sink: Sink, schema: pa.Schema) -> Writer:
    if format == "arrow":
        return pa.ipc.new_stream(sink, schema)
    if format == "parquet":
        return pq.ParquetWriter(sink, schema, compression="zstd")
    return pyarrow.csv.CSVWriter(sink, schema)


def nullable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A file's columns say whether they hold a null; those of the next file need not say the same."""
    return batch.cast(pa.schema([each.with_nullable(True) for each in batch.schema]))


def as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Times as the API writes them: ISO 8601, UTC, to the microsecond."""
    columns = [
        pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
        if pa.types.is_timestamp(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
