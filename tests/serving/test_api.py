"""The API says what the marts say: its types are their contracts, its figures those of the rows that were put in."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from serving.api import DESCRIPTION
from serving.app import create_app
from tests.serving.api_world import IS_DELETED, ISSUES
from trendhouse.declared.marts import contracts

SCHEMAS = DESCRIPTION["components"]["schemas"]
KINDS = {
    "varchar": {"type": "string"},
    "bigint": {"type": "integer"},
    "double": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
}
ANSWERED = (
    "commits_daily", "completeness", "contributors", "languages", "products", "projects",
    "release_cycles", "releases", "repositories", "repositories_daily", "repository_names",
)  # fmt: skip


@pytest.fixture(scope="module")
def told(filled, tmp_path_factory):
    """Ask the API, over a house with three repositories."""
    _, settings = filled(tmp_path_factory.mktemp("world"), rate_limit="none")
    with TestClient(create_app(settings)) as client:

        def ask(path: str, status: int = 200, **options):
            answer = client.get(f"/api/v1{path}", **options)
            assert answer.status_code == status, answer.text
            return answer

        yield ask


def by_day(shift: int) -> dict[str, tuple[int, int, int]]:
    """Opened, closed and open at the end of each day, by plain Python."""
    kept = [pair for number, pair in enumerate(ISSUES) if number != IS_DELETED]
    days = [
        [each and (each + timedelta(hours=shift)).date() for each in times]
        for times in zip(*kept, strict=True)
    ]
    opened, closed = Counter(days[0]), Counter(filter(None, days[1]))
    found, still = {}, 0
    for day in sorted({*opened, *closed}):
        still += opened[day] - closed[day]
        found[day.isoformat()] = (opened[day], closed[day], still)
    return found


@pytest.mark.parametrize("mart", ANSWERED)
def test_types_are_the_contracts_of_the_marts(mart):
    columns = contracts()[mart].columns
    properties = SCHEMAS["".join(map(str.capitalize, mart.split("_")))]["properties"]
    assert list(properties) == list(columns)
    for column, declared in columns.items():
        assert properties[column]["anyOf"] == [KINDS[declared.type], {"type": "null"}]
        assert properties[column]["description"] == declared.description


def test_rows_have_the_columns_of_their_type_and_booleans_are_booleans(told):
    for path, mart in (("/releases", "releases"), ("/products", "products")):
        found = told(path).json()["items"]
        assert all(list(row) == list(contracts()[mart].columns) for row in found)
    row = told("/releases?products=spark&prerelease=true").json()["items"]
    assert [(each["version"], each["is_prerelease"]) for each in row] == [("4.2.0-rc1", True)]
    every = told("/releases").json()["total"]
    assert every == told("/releases?planned=false").json()["total"] > 0
    assert told("/releases?planned=true").json()["total"] == 0
    assert row[0]["released_at"] == "2026-10-31T20:00:00.250000Z"


def test_the_top_list_is_sorted_filtered_and_paged(told):
    def names(query: str) -> list[str]:
        return [each["repository_name"] for each in told(f"/repositories?{query}").json()["items"]]

    assert names("") == ["apache/spark", "apache/hive"]
    assert names("sort=name") == ["apache/hive", "apache/spark"]
    assert names("deleted=true") == ["apache/spark", "apache/hive", "old/thing"]
    assert names("language=java") == ["apache/hive"]
    assert names("license=apache-2.0&topic=BIG-data") == ["apache/spark"]
    assert names("search=HIV") == ["apache/hive"]
    assert names("search=%25") == []
    (first,) = told("/repositories?limit=1&sort=growth_7d").json()["items"]
    assert (first["star_growth_7d"], first["growth_date"]) == (7, "2026-11-01")


def test_pages_follow_each_other_until_the_last_one(told):
    seen, path = [], "/releases?limit=2&products=spark,hive"
    while path:
        answer = told(path)
        found = answer.json()
        assert found["total"] == 3
        seen += [each["version"] for each in found["items"]]
        link = answer.links.get("next", {}).get("url")
        assert link == found["next"]
        path = link and link.removeprefix("/api/v1")
    assert seen == ["4.1.0", "4.2.0-rc1", "5.0"]


def test_the_address_of_the_next_page_keeps_what_was_asked(told):
    link = told("/repositories?limit=1&search=a%26b%3C%0A&deleted=true").json()["next"]
    assert link is None
    link = told("/repositories?limit=1&search=%2F&sort=name").json()["next"]
    asked = parse_qs(urlsplit(link).query)
    assert asked == {"limit": ["1"], "search": ["/"], "sort": ["name"], "offset": ["1"]}


def test_a_repository_is_found_by_any_name_and_id(told):
    hive = told("/repositories/Apache/HIVE").json()
    assert hive == told("/repositories/yahoo/hive").json() == told("/repositories/2").json()
    assert [each["repository_name"] for each in hive["names"]] == ["yahoo/hive", "apache/hive"]
    spark = told("/repositories/apache/spark").json()
    assert [each["language_name"] for each in spark["languages"]] == ["Python", "Scala"]
    assert spark["topics"] == ["big-data"]
    told("/repositories/a/b", 404)
    told("/repositories/77", 404)


@pytest.mark.parametrize(("calendar", "shift"), [("UTC", 0), ("Asia/Seoul", 9)])
@pytest.mark.parametrize("kind", ["issues", "pull-requests"])
def test_what_is_open_by_day_is_counted_as_by_hand(told, calendar, shift, kind):
    found = told(f"/repositories/apache/spark/{kind}?calendar={calendar}").json()
    counts = {
        each["day"]: (each["opened_count"], each["closed_count"], each["open_count"])
        for each in found
    }
    assert counts == by_day(shift)
    since = max(counts)
    assert told(f"/repositories/apache/spark/{kind}?calendar={calendar}&since={since}").json() == [
        found[-1]
    ]
    if kind == "pull-requests":
        assert sum(each["merged_count"] for each in found) == 1


def test_days_are_also_written_as_csv(told):
    lines = told("/repositories/apache/spark/daily?format=csv&until=2026-10-30").text.splitlines()
    assert lines[0] == ",".join(contracts()["repositories_daily"].columns)
    assert lines[1].startswith("1,apache/spark,UTC,api,38,") and len(lines) == 2
    assert told("/repositories/apache/spark/forks?format=csv").text == (
        "day,created_count,fork_count\n2026-10-02,1,1\n"
    )
    assert (
        told("/repositories/apache/hive/forks?format=csv").text == "day,created_count,fork_count\n"
    )
    assert told("/repositories/apache/spark/commits").json()[0]["commit_count"] == 3


def test_up_to_five_are_compared(told):
    found = told("/compare?repositories=yahoo/hive,1&since=2026-10-31").json()
    assert [each["repository"]["repository_name"] for each in found] == [
        "apache/hive",
        "apache/spark",
    ]
    assert [[day["star_count"] for day in each["days"]] for each in found] == [[], [39, 40]]
    assert "1 to 5" in told("/compare?repositories=1,2,3,4,5,6", 422).json()["detail"]
    told("/compare?repositories=,", 422)
    told("/compare?repositories=1,nobody/nothing", 404)


def test_completeness_is_told_by_stream_and_partition(told):
    (stream,) = told("/completeness?stream=issues").json()
    assert (stream["expected_count"], stream["worst_capture_rate"]) == (20, 0.8)
    found = told("/completeness/partitions?below_floor=true").json()
    assert [each["partition_name"] for each in found["items"]] == ["1"]


def test_headers_state_version_time_and_completeness(told):
    answer = told("/repositories/apache/spark/issues")
    assert answer.headers["Trendhouse-Version"] == "1"
    assert datetime.fromisoformat(answer.headers["Trendhouse-Published-At"])
    assert answer.headers["Trendhouse-Capture-Rate"] == "0.8000"
    hive = told("/repositories/apache/hive/issues")
    assert hive.headers["Trendhouse-Capture-Rate"] == "1.0000"
    assert "Trendhouse-Capture-Rate" not in told("/release-cycles").headers


def test_who_has_an_answer_is_told_so(told):
    first = told("/releases")
    tag = first.headers["ETag"]
    for held in (tag, f'"other", W/{tag}', "*"):
        again = told("/releases", 304, headers={"If-None-Match": held})
        assert again.content == b"" and again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    told("/releases?limit=1", 200, headers={"If-None-Match": tag})
    told("/releases", 200, headers={"If-None-Match": '"other"'})


def test_openapi_describes_every_route_parameter_and_error(told):
    description = told("/openapi.json").json()
    assert description == json.loads(json.dumps(DESCRIPTION))
    for path, operations in description["paths"].items():
        assert path.startswith("/api/v1/")
        for verb, operation in operations.items():
            assert operation["description"], (verb, path)
            for parameter in operation.get("parameters", ()):
                assert parameter.get("description"), (path, parameter)
            for status in ("422", "429", "503"):
                (kind,) = operation["responses"][status]["content"]
                assert kind == "application/problem+json"
