"""Arrow arrays out of plain values.

Made without `pa.array` and `pa.repeat`, which import pandas: a third of a second per process.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

INSTANT = pa.timestamp("us", "UTC")


def texts(values: Sequence[bytes | str | None]) -> pa.Array:
    builder = pa.lib.StringBuilder()
    try:
        builder.append_values(values)
    except UnicodeEncodeError:  # half a surrogate somewhere, which UTF-8 cannot hold
        builder = pa.lib.StringBuilder()
        builder.append_values([v if v is None else encoded(v) for v in values])
    return builder.finish()


def encoded(value: bytes | str) -> bytes:
    """A text as UTF-8; half a surrogate is written as its escape."""
    return value.encode("utf-8", "backslashreplace") if isinstance(value, str) else value


def joined(values: Sequence[bytes | str]) -> pa.Array:
    """As `texts`, for long ones: the bytes are copied once."""
    parts = [encoded(value) for value in values]
    offsets = np.zeros(len(parts) + 1, "i4")
    np.cumsum(np.fromiter(map(len, parts), "i4", len(parts)), out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(parts))]
    return pa.Array.from_buffers(pa.string(), len(parts), buffers)


def integers(values: np.ndarray) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])


def instants(values: Sequence[datetime]) -> pa.Array:
    micros = np.array([moment.astimezone(UTC).replace(tzinfo=None) for moment in values], "M8[us]")
    return integers(micros.view("i8")).cast(INSTANT)
