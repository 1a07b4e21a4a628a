"""What the open-source marts promise their readers, mart by mart."""

from functools import partial

from expectations.promises import at_least, between, never, never_null, one_of, promised

CALENDARS = ("UTC", "Asia/Seoul")

suite = partial(promised, domain="opensource")

SUITES = {
    "repositories": suite(
        "repositories",
        "repository_id",
        *at_least(0, "star_count", "fork_count", "watcher_count", "open_issue_count"),
        never("is_deleted and deleted_at is null", "a tombstone has its time"),
        never("(list_rank is null) <> (list_name is null)", "a place is one in a list"),
        columns="repository_name is_deleted deleted_at",
    ),
    "repositories_daily": suite(
        "repositories_daily",
        "repository_id calendar observed_date",
        one_of("calendar", *CALENDARS),
        one_of("origin", "api", "ranking", "archive"),
        *at_least(0, "star_count", "fork_count", "watcher_count"),
        columns="repository_name star_count fork_count watcher_count open_issue_count "
        "open_pull_request_count star_growth_1d star_growth_7d star_growth_28d star_growth_90d "
        "star_growth_365d origin",
    ),
    "repository_names": suite(
        "repository_names",
        "repository_id name_number",
        never(
            "last_confirmed_at < first_seen_at", "a name is not last seen before it is first seen"
        ),
        never("valid_to < valid_from", "a name's time does not end before it begins"),
    ),
    "unresolved_rankings": suite(
        "unresolved_rankings",
        "ranking_date list_name list_rank",
        columns="repository_name star_count fork_count",
    ),
    "releases": suite(
        "releases",
        "product_name version source_name",
        one_of("source_name", "github", "endoflife"),
        one_of("release_kind", "release", "tag", "statement"),
        never("released_at is not null and released_date is null", "a time of release has its day"),
        columns="released_at released_date is_prerelease",
    ),
    "products": suite(
        "products",
        "product_name",
        *at_least(0, "release_count", "repository_count"),
        never(
            "is_withdrawn and latest_version is not null", "what is withdrawn has no latest version"
        ),
        columns="latest_version latest_released_date",
    ),
    "release_cycles": suite("release_cycles", "product_id cycle_name"),
    "issues": suite(
        "issues",
        "issue_id",
        one_of("state", "open", "closed"),
        *at_least(1, "issue_number"),
        *at_least(0, "open_hours"),
    ),
    "commits": suite("commits", "repository_id commit_id", *never_null("authored_at")),
    "pull_requests": suite(
        "pull_requests",
        "pull_request_id",
        one_of("state", "open", "closed"),
        never("is_merged and is_open", "what is merged is closed"),
        *at_least(0, "open_hours", "merge_hours"),
    ),
    "commits_daily": suite(
        "commits_daily",
        "repository_id calendar commit_date",
        one_of("calendar", *CALENDARS),
        *at_least(1, "commit_count", "author_count"),
        never(
            "commit_count <> commit_without_bots_count + bot_commit_count",
            "commits are those with and those without bots",
        ),
        never("author_without_bots_count > author_count", "people are no more than authors"),
        never("merge_commit_count > commit_count", "merges are no more than all commits"),
    ),
    "contributors": suite(
        "contributors", "repository_id contributor_key", *at_least(0, "commit_count")
    ),
    "contributor_weeks": suite(
        "contributor_weeks",
        "repository_id contributor_key week_start_date",
        *at_least(0, "commit_count"),
    ),
    "languages": suite("languages", "repository_id language_name", between("byte_share", 0, 1)),
    "topics": suite("topics", "repository_id topic_name"),
    "licenses": suite("licenses", "license_key", *at_least(0, "repository_count")),
    "tags": suite("tags", "repository_id tag_name"),
    "forks": suite("forks", "fork_id"),
    "projects": suite("projects", "repository_id node_id"),
    "events_hourly": suite(
        "events_hourly",
        "repository_id event_type event_hour",
        *at_least(1, "event_count"),
        never("event_without_bots_count > event_count", "people's events are no more than all"),
        nullable="repository_id",
    ),
    "completeness": suite(
        "completeness",
        "source_name stream_name partition_name observed_date",
        *at_least(0, "expected_count", "landed_count", "capture_rate"),
        never(
            "landed_count <> kept_count + superseded_count + quarantined_count + waiting_count",
            "rows in are rows kept, superseded, quarantined or waiting",
        ),
        one_of("floor_action", "block", "flag"),
        columns="expected_count landed_count kept_count superseded_count quarantined_count capture_rate",
    ),
    "quarantine": suite(
        "quarantine",
        "",
        *never_null("source_name", "table_name"),
        columns="source_name table_name reason record load_id collected_at",
    ),
    "drift": suite(
        "drift",
        "",
        *never_null("source_name", "table_name", "first_seen_at"),
        one_of("kind", "unknown", "type"),
        *at_least(1, "occurrence_count"),
        columns="source_name table_name path kind first_seen_at example",
    ),
}
