"""What the clean lake promises dbt about the public event feed."""

from datetime import datetime

from expectations.promises import at_least, declared_suites, matches, one_of
from ingestion.spec import load_spec

FEED_BEGINS = datetime(2011, 2, 1)

SUITES = declared_suites(
    load_spec("gharchive"),
    {
        "events": [
            matches("event_type", r"^[A-Za-z]*Event$"),
            *at_least(FEED_BEGINS, "created_at"),
            *at_least(0, "push_size", "base_star_count", "base_fork_count"),
        ],
        "readings": [one_of("stream_name", "events"), *at_least(0, "expected_count")],
    },
)
