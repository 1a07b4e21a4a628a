"""Versions are ordered as PEP 440 and semver order them, by packaging's and semver's own word."""

import random

import semver
from packaging.version import Version

PEP_440 = [
    *(
        "0.9",
        "1.0.dev1",
        "1.0a1",
        "1.0a2.dev1",
        "1.0a2",
        "1.0b1",
        "1.0rc1",
        "1.0",
        "1.0.post1",
        "1.0.1",
    ),
    *(
        "1.2",
        "1.9",
        "1.10",
        "1.10.1rc2",
        "1.10.1rc10",
        "1.10.1",
        "2.0.0b4",
        "2.0",
        "10.0",
        "2024.1",
    ),
    *("20240101", "20240102", "1!0.1"),
]
SEMVER = [
    *(
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-canary.3",
    ),
    *("1.0.0-next.1", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.9.0", "1.10.0", "9.0.0", "10.0.0"),
]


def release(number: int, tag: str, **values) -> dict:
    row = {"id": number, "repository_id": 1, "tag_name": tag, "published_at": None}
    return {**row, "draft": False, "prerelease": False, **values}


def land(dbt, tags: list[str]) -> dict[str, tuple]:
    """(version, key, is_version, is_prerelease) by tag, as the mart has them."""
    shuffled = random.Random(1).sample(tags, len(tags))
    dbt.clean.deduplicate(
        {
            "github.repositories": [{"id": 1, "full_name": "apache/kafka"}],
            "github.watchlist": [
                {
                    "product_name": "Apache Kafka",
                    "kind": "github",
                    "target": "apache/kafka",
                    "is_enabled": True,
                    "repository_id": 1,
                    "repository_name": "apache/kafka",
                    "node_id": "R",
                }
            ],
            "github.releases": [release(number, tag) for number, tag in enumerate(shuffled)],
        }
    )
    dbt("run", "--select", "+releases")
    query = "select tag_name, version, version_key, is_version, is_prerelease from marts.releases"
    return {row[0]: row[1:] for row in dbt.rows(query)}


def test_python_versions_are_ordered_as_packaging_orders_them(dbt):
    found = land(dbt, PEP_440)

    assert sorted(PEP_440, key=Version) == PEP_440
    assert sorted(found, key=lambda tag: found[tag][1]) == PEP_440
    assert {tag: row[3] for tag, row in found.items()} == {
        tag: Version(tag).is_prerelease for tag in PEP_440
    }


def test_semantic_versions_are_ordered_as_semver_orders_them(dbt):
    tags = [f"v{version}" for version in SEMVER]
    found = land(dbt, tags)

    assert sorted(SEMVER, key=semver.Version.parse) == SEMVER
    assert sorted(found, key=lambda tag: found[tag][1]) == tags
    assert {tag for tag, row in found.items() if row[3]} == {tag for tag in tags if "-" in tag}


def test_a_tag_loses_its_prefix_and_an_unparsable_one_is_kept(dbt):
    tags = {
        "v1.2.3": ("1.2.3", True),
        "kafka-3.0": ("3.0", True),
        "Kafka_v3.1": ("3.1", True),
        "release-4.0": ("4.0", True),
        "rel/5.0": ("5.0", True),
        "6.0.Final": ("6.0.final", True),
        "7.0.0-rc.1+build.5": ("7.0.0-rc.1+build.5", True),
        "helm-chart/8.0": ("helm-chart/8.0", False),
        "nightly": ("nightly", False),
        "Sprint 9": ("Sprint 9", False),
    }
    found = land(dbt, list(tags))

    assert {tag: (row[0], row[2]) for tag, row in found.items()} == tags


def test_equal_versions_are_one_version_with_the_release_before_the_draft(dbt):
    dbt.clean.deduplicate(
        {
            "github.releases": [
                release(1, "v1.0", draft=True),
                release(2, "1.0", name="the real one"),
            ]
        }
    )
    dbt("run", "--select", "+releases")

    assert dbt.rows(
        "select version, release_name, tag_count, product_name from marts.releases"
    ) == [("1.0", "the real one", 2, "repository 1")]
