"""What the clean lake promises dbt about release dates and ends of life."""

from datetime import date

from expectations.promises import at_least, between, declared_suites, matches, one_of
from ingestion.spec import load_spec

RELEASE_DATE = [
    one_of("file_format", "flat", "nested"),
    between("released_on", date(1970, 1, 1), date(2100, 1, 1)),
    matches("version", r"\S"),
]

SUITES = declared_suites(
    load_spec("endoflife"),
    {
        "release_dates": RELEASE_DATE,
        "release_date_history": RELEASE_DATE,
        "release_cycles": [matches("cycle", r"\S")],
        "readings": [
            one_of("stream_name", "release_dates", "release_cycles"),
            *at_least(0, "expected_count"),
        ],
    },
)
