"""What the clean lake promises dbt about GitHub, table by table."""

from expectations.promises import (
    OWNER_AND_NAME,
    SHA,
    at_least,
    declared_suites,
    matches,
    never_less,
    one_of,
)
from ingestion.spec import load_spec

ACCOUNT_TYPES = ("User", "Bot", "Organization", "Mannequin", "Enterprise")
REPOSITORY = [
    matches("full_name", OWNER_AND_NAME),
    *at_least(
        0, "stargazers_count", "forks_count", "subscribers_count", "open_issues_count", "size"
    ),
    one_of("owner_type", *ACCOUNT_TYPES),
]

SPEC = load_spec("github")

SUITES = declared_suites(
    SPEC,
    {
        "watchlist": [
            one_of("kind", "github", "search", "owner"),
            matches("repository_name", OWNER_AND_NAME),
        ],
        "repositories": REPOSITORY,
        "repository_observations": REPOSITORY,
        "repository_counters": [
            matches("full_name", OWNER_AND_NAME),
            *at_least(0, "stargazers_count", "forks_count", "subscribers_count", "commits_count"),
            never_less("issues_count", than="open_issues_count"),
            never_less("pull_requests_count", than="open_pull_requests_count"),
        ],
        "releases": [matches("tag_name", r"\S")],
        "tags": [matches("name", r"\S"), matches("sha", SHA)],
        "tagged_commits": [matches("sha", SHA)],
        "languages": at_least(0, "byte_count"),
        "topics": [matches("topic_name", r"^\S+$")],
        "issues": [
            one_of("state", "open", "closed"),
            *at_least(1, "number"),
            *at_least(0, "comments"),
        ],
        "pull_requests": [one_of("state", "open", "closed"), *at_least(1, "number")],
        "commits": [matches("sha", SHA)],
        "forks": [matches("full_name", OWNER_AND_NAME)],
        "contributors": [
            one_of("type", *ACCOUNT_TYPES, "Anonymous"),
            *at_least(0, "contributions"),
        ],
        "contributor_weeks": at_least(0, "addition_count", "commit_count"),
        "tombstones": [one_of("object_type", *SPEC.tables)],
        "readings": [one_of("stream_name", *SPEC.tables), *at_least(0, "expected_count")],
    },
    keys={
        "languages": ["repository_id", "language_name"],
        "topics": ["repository_id", "topic_name"],
        "contributor_weeks": ["repository_id", "contributor_key", "week_started_at"],
    },
)
