"""What the clean lake promises dbt about the daily rankings."""

from datetime import date

from expectations.promises import at_least, declared_suites, matches, one_of
from ingestion.spec import load_spec

RANKINGS_BEGIN = date(2018, 1, 1)

SUITES = declared_suites(
    load_spec("github_ranking"),
    {
        "rankings": [
            *at_least(RANKINGS_BEGIN, "ranking_date"),
            *at_least(1, "list_rank"),
            *at_least(0, "stars", "forks", "issues"),
            matches("repo_url", r"^https://[^/]+/[^/\s]+/[^/\s]+$"),
        ],
        "readings": [one_of("stream_name", "rankings"), *at_least(0, "expected_count")],
    },
)
