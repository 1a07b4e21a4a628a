"""What the clean lake promises dbt about GitHub: what the source declares, table by table."""

from expectations.promises import declared_suites
from trendhouse.declared.sources import load_spec

SPEC = load_spec("github")

SUITES = declared_suites(
    SPEC,
    keys={
        "languages": ["repository_id", "language_name"],
        "topics": ["repository_id", "topic_name"],
        "contributor_weeks": ["repository_id", "contributor_key", "week_started_at"],
    },
)
