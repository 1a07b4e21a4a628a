"""How complete an answer is: the worst capture rate of the streams that it is made of, and what of it is
shown as it was, since its floor is not met."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from serving.model import Model

REPOSITORIES = ("github.repositories", "github.repository_counters")
RELEASES = ("github.releases", "github.tags", "endoflife.release_dates", "endoflife.release_cycles")
# Mart to the streams, `source.stream`, that its rows are made of. The ledger's own marts are complete by nature.
STREAMS: dict[str, tuple[str, ...]] = {
    "commits": ("github.commits",),
    "commits_daily": ("github.commits",),
    "completeness": (),
    "contributor_weeks": ("github.contributor_weeks",),
    "contributors": ("github.contributors",),
    "drift": (),
    "events_hourly": ("gharchive.events",),
    "forks": ("github.forks",),
    "issues": ("github.issues",),
    "languages": ("github.languages",),
    "licenses": ("github.licenses", "github.repository_licenses"),
    "products": RELEASES,
    "projects": ("github.projects",),
    "pull_requests": ("github.pull_requests",),
    "quarantine": (),
    "release_cycles": ("endoflife.release_cycles",),
    "releases": RELEASES,
    "repositories": REPOSITORIES,
    "repositories_daily": (*REPOSITORIES, "github_ranking.rankings", "gharchive.events"),
    "repository_names": (*REPOSITORIES, "github_ranking.rankings", "gharchive.events"),
    "tags": ("github.tags",),
    "topics": ("github.topics",),
    "unresolved_rankings": ("github_ranking.rankings",),
}

# A day without a reading says nothing of a partition, so that it comes last.
NEWEST_FIRST = "expected_count is null, observed_date desc"


def streams_of(*marts: str) -> tuple[str, ...]:
    """The streams of some marts, each once."""
    return tuple(dict.fromkeys(each for mart in marts for each in STREAMS[mart]))


def capture_rate(model: Model, *streams: str, partition: str | None = None) -> float | None:
    """The worst rate over streams, as in `github.issues`; None where upstream never says how much there is.

    With a `partition` (a repository's id, a product, a day) only its newest day counts.
    """
    if partition is None:
        rates = [
            each["worst_capture_rate"]
            for each in model.capture_rates
            if f"{each['source_name']}.{each['stream_name']}" in streams
        ]
    else:
        rates = [newest(model, stream, partition) for stream in streams]
    return min((rate for rate in rates if rate is not None), default=None)


def newest(model: Model, stream: str, partition: str) -> float | None:
    """The rate of a partition of a stream by its newest reading."""
    found = newest_reading(model, stream, partition)
    return found["capture_rate"] if found else None


def newest_reading(model: Model, stream: str, partition: str) -> sqlite3.Row | None:
    """The row of the ledger with the newest reading of a partition."""
    return model.row(
        "select * from completeness where partition_name = ? and stream_name = ? and source_name = ? "
        f"order by {NEWEST_FIRST}",
        partition,
        *reversed(stream.split(".")),
    )


def held_back(model: Model, *streams: str) -> dict[str, int]:
    """How many partitions of each stream are shown as they were when their floor was last met."""
    counts = {
        f"{each['source_name']}.{each['stream_name']}": each.get("refused_partition_count") or 0
        for each in model.capture_rates
    }
    return {stream: counts[stream] for stream in streams if counts.get(stream)}


def held_back_of(model: Model, streams: Iterable[str], partition: str) -> dict[str, str | None]:
    """The streams of which a partition is shown as it was, with the day when its floor was last met
    (None: never, so that nothing of it is shown)."""
    found = {}
    for stream in streams:
        reading = newest_reading(model, stream, partition)
        if reading and reading["is_below_floor"] and reading["floor_action"] == "block":
            source, _, name = stream.partition(".")
            met = model.row(
                "select max(observed_date) as day from completeness where partition_name = ? and "
                "stream_name = ? and source_name = ? and expected_count is not null and not is_below_floor",
                *(partition, name, source),
            )
            found[stream] = met["day"] if met else None
    return found
