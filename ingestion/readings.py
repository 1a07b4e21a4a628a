"""Independent expectations: how much upstream says there is of a stream, beside what was landed."""

from __future__ import annotations

from datetime import datetime

import orjson

from ingestion.landing import Rows


def reading(
    stream_name: str,
    partition_name: str,
    expected_count: int,
    method: str,
    *,
    source_url: str,
    observed_at: datetime,
) -> Rows:
    """One row of the built-in table `readings`; `method` says how the number was obtained."""
    record = orjson.dumps(
        {
            "stream_name": stream_name,
            "partition_name": partition_name,
            "expected_count": expected_count,
            "method": method,
        }
    )
    return Rows(
        table="readings",
        records=[record],
        partition_name=partition_name,
        source_url=source_url,
        observed_at=observed_at,
        keys=[f"{stream_name}/{partition_name}"],
    )
