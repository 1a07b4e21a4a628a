"""The replay gives back what was recorded: every answer, every page, every commit and tag."""

import asyncio
import csv
import gzip
from collections import Counter
from datetime import UTC, datetime

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from simulator.recordings import build_app, watchlist
from simulator.replay_library import LINK, render

NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)
HISTORIES = ["facebookexperimental/Recoil", "pallets/flask", "reduxjs/redux", "vuejs/vue"]


@pytest.fixture(scope="module")
def lines(shared_data):
    """The recorded lines themselves, by the id that the replay gives them."""
    found = {}
    for name in ("hub4j", "octokit.rb"):
        path = shared_data / "github_api" / f"{name}-GET-train.jsonl.gz"
        with gzip.open(path) as file:
            for number, line in enumerate(file, start=1):
                found[f"{name}-{number:04d}"] = orjson.loads(line)
    return found


def read_history(shared_data, full_name, what):
    path = shared_data / "git_history" / f"{full_name.replace('/', '__')}.{what}.tsv.gz"
    with gzip.open(path, "rt", newline="") as rows:
        return list(csv.DictReader(rows, dialect="excel-tab"))


def test_the_index_lists_every_recorded_line_and_page(replay, lines):
    index = orjson.loads(replay.get("/_simulator/recordings")[2])
    ids = {recording["id"] for recording in index["recordings"]}
    pages = {f"repurrrsive-{login}" for login in ("jennybc", "juliasilge", "leeper")}
    assert ids == lines.keys() | pages
    assert index["recording_count"] == len(ids) == 1054


def test_every_recording_is_reachable_with_its_status_and_bytes(replay, lines):
    for recording_id, line in lines.items():
        status, _, body = replay.get(f"/_simulator/recordings/{recording_id}")
        expected = (
            render(line["body"], NOW).encode() if "{{" in line["body"] else line["body"].encode()
        )
        assert (recording_id, status) == (recording_id, line["status"])
        assert body == (b"" if status in (204, 304) else expected), recording_id


def test_recorded_headers_survive_except_those_of_the_transport(replay, lines):
    changed = {"transfer-encoding", "content-encoding", "content-length", "connection"}
    for recording_id, line in lines.items():
        headers = replay.get(f"/_simulator/recordings/{recording_id}")[1]
        for name, value in line["headers"].items():
            if name.lower() in changed | {"link", "location"} or "{{" in str(value):
                continue
            assert headers[name] == (", ".join(value) if isinstance(value, list) else value)
        recorded_date = any(name.lower() == "date" for name in line["headers"])
        assert ("Date" in headers) == recorded_date, recording_id


def test_a_time_template_counts_from_the_worlds_now(replay, lines):
    dated = next(key for key, line in lines.items() if "offset='8 seconds'" in str(line["headers"]))
    headers = replay.get(f"/_simulator/recordings/{dated}")[1]
    assert headers["Retry-After"] == "Mon, 02 Nov 2026 06:00:08 GMT"
    limits = next(key for key, line in lines.items() if "{{testStartDate" in line["body"])
    body = orjson.loads(replay.get(f"/_simulator/recordings/{limits}")[2])
    assert body["resources"]["search"]["reset"] == int(NOW.timestamp()) + 3600


def test_a_template_that_nobody_recorded_is_refused():
    with pytest.raises(ValueError, match="unknown unit"):
        render("{{now offset='2 fortnights' format='unix'}}", NOW)


def test_the_recorded_url_is_answered_by_the_newest_success(replay, lines):
    by_url = {}
    for recording_id, line in lines.items():
        by_url.setdefault(line["url"], []).append(recording_id)
    for url, ids in by_url.items():
        status, headers, _ = replay.get(str(URL(url).relative()))
        assert headers["X-Simulator-Recording"] in ids, url
        if any(lines[recording_id]["status"] == 200 for recording_id in ids):
            assert status == 200, url
            assert lines[headers["X-Simulator-Recording"]]["status"] == 200


def test_a_quota_of_the_recorder_is_not_ours(replay, lines):
    counted = [key for key, line in lines.items() if "x-ratelimit-limit" in line["headers"]]
    whole = replay.get(f"/_simulator/recordings/{counted[0]}")[1]
    assert "x-ratelimit-limit" in {name.lower() for name in whole}
    for recording_id in counted[:50]:
        headers = replay.get(str(URL(lines[recording_id]["url"]).relative()))[1]
        assert not [name for name in headers if name.lower().startswith("x-ratelimit")]


def test_every_link_that_is_left_leads_to_another_recorded_page(replay, lines):
    index = orjson.loads(replay.get("/_simulator/recordings")[2])
    followed = 0
    for url in {line["url"] for line in lines.values() if line["status"] == 200}:
        _, headers, _ = replay.get(str(URL(url).relative()))
        links = {name: to for to, name in LINK.findall(headers.get("Link", ""))}
        assert "api.github.com" not in headers.get("Link", "")
        if "next" in links:
            status, next_headers, _ = replay.get(links["next"])
            assert status == 200, links["next"]
            assert next_headers["X-Simulator-Recording"] != headers["X-Simulator-Recording"]
            followed += 1
    assert followed > 20
    assert index["next_taken_off_count"] == len(index["next_taken_off"]) > 0


def test_a_walk_passes_from_the_name_to_the_id_and_through_all_pages(replay):
    url, pages, numbers = "/repos/hub4j/github-api/issues?state=closed", [], set()
    while url:
        _, headers, body = replay.get(url)
        pages.append(headers["X-Simulator-Recording"])
        numbers |= {issue["number"] for issue in orjson.loads(body)}
        url = {name: to for to, name in LINK.findall(headers.get("Link", ""))}.get("next")
    assert len(set(pages)) == len(pages) > 15
    assert min(numbers) == 1


def test_a_known_etag_is_answered_by_304(replay):
    url = "/repos/hub4j/github-api"
    etag = replay.get(url)[1]["ETag"]
    status, _, body = replay.get(url, **{"If-None-Match": etag})
    assert (status, body) == (304, b"")
    assert replay.get(url, **{"If-None-Match": 'W/"another"'})[0] == 200


def test_a_search_for_something_else_is_not_answered(replay):
    assert replay.get("/search/repositories?q=org%3Ahub4j-test-org&sort=stars")[0] == 200
    assert replay.get("/search/repositories?q=something")[0] == 404


def test_what_nobody_recorded_is_githubs_404(replay):
    status, _, body = replay.get("/repos/nobody/nothing")
    assert status == 404
    assert orjson.loads(body)["message"] == "Not Found"


def test_a_repository_that_only_a_list_shows_is_not_gone(replay):
    status, headers, body = replay.get("/repos/jennybc/2013-11_sfu")
    assert status == 200
    assert orjson.loads(body)["id"] == 14756210
    assert headers["Date"].endswith("2016 13:24:44 GMT")


@pytest.mark.parametrize("full_name", HISTORIES)
def test_every_commit_comes_once_with_its_instants_and_parents(replay, shared_data, full_name):
    def instant(text):
        return datetime.fromisoformat(text).astimezone(UTC)

    expected = {
        row["sha"]: (
            instant(row["author_date"]),
            instant(row["commit_date"]),
            int(row["n_parents"]),
            f"{row['author_hash']}@hashed.invalid",
            row["is_bot"] == "1",
            row["subject"],
        )
        for row in read_history(shared_data, full_name, "commits")
    }
    listed = list(replay.walk(f"/repos/{full_name}/commits?per_page=100"))
    assert len(listed) == len(expected)
    assert expected == {
        record["sha"]: (
            instant(record["commit"]["author"]["date"]),
            instant(record["commit"]["committer"]["date"]),
            len(record["parents"]),
            record["commit"]["author"]["email"],
            record["author"] is not None and record["author"]["type"] == "Bot",
            record["commit"]["message"],
        )
        for record in listed
    }
    dates = [record["commit"]["committer"]["date"] for record in listed]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize("full_name", HISTORIES)
def test_every_tag_comes_once_with_its_commit(replay, shared_data, full_name):
    expected = {
        (row["tag"], row["commit_sha"]) for row in read_history(shared_data, full_name, "tags")
    }
    listed = list(replay.walk(f"/repos/{full_name}/tags?per_page=30"))
    assert len(listed) == len(expected)
    assert {(tag["name"], tag["commit"]["sha"]) for tag in listed} == expected


@pytest.mark.parametrize("full_name", HISTORIES)
def test_a_lightweight_tags_commit_tells_the_tags_date(replay, shared_data, full_name):
    for row in read_history(shared_data, full_name, "tags"):
        status, _, body = replay.get(f"/repos/{full_name}/commits/{row['commit_sha']}")
        if row["ref_object_type"] == "commit":
            date = orjson.loads(body)["commit"]["committer"]["date"]
            assert datetime.fromisoformat(date) == datetime.fromisoformat(row["creator_date"])
        else:
            assert status in (200, 422)


def test_since_and_until_select_by_the_committers_date(replay, shared_data):
    since, until = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 7, 1, tzinfo=UTC)
    dates = [
        datetime.fromisoformat(row["commit_date"])
        for row in read_history(shared_data, "reduxjs/redux", "commits")
    ]
    url = "/repos/reduxjs/redux/commits?since=2020-01-01T00:00:00Z&until=2020-07-01T00:00:00Z"
    expected = sum(since <= date <= until for date in dates)
    assert len(list(replay.walk(url))) == expected > 0
    assert replay.get("/repos/reduxjs/redux/commits?since=yesterday")[0] == 422


def test_a_history_is_dated_by_its_newest_commit(replay):
    headers = replay.get("/repos/vuejs/vue/tags")[1]
    assert headers["Date"] == "Thu, 10 Oct 2024 07:24:14 GMT"


def test_a_history_keeps_its_id_and_answers_to_it(replay):
    repository = orjson.loads(replay.get("/repos/vuejs/vue")[2])
    assert repository["id"] == 9533390301481
    assert orjson.loads(replay.get(f"/repositories/{repository['id']}")[2]) == repository


def test_a_history_says_only_what_git_knows(replay, shared_data):
    assert orjson.loads(replay.get("/repos/pallets/flask/releases")[2]) == []
    for unknown in ("languages", "topics", "license", "issues", "pulls", "forks", "contributors"):
        assert replay.get(f"/repos/pallets/flask/{unknown}")[0] == 404, unknown
    counts = Counter(
        row["author_hash"] for row in read_history(shared_data, "pallets/flask", "commits")
    )
    people = replay.walk("/repos/pallets/flask/contributors?anon=1&per_page=100")
    assert {who["email"].split("@")[0]: who["contributions"] for who in people} == counts


def test_graphql_asks_for_a_token(replay):
    async def post():
        async with replay.client.post("/graphql", json={"query": "{__typename}"}) as answer:
            return answer.status

    assert replay.runner.run(post()) == 401


def test_the_watchlist_names_what_is_recorded_and_no_placeholder(replay, shared_data):
    rows = [tuple(row.values()) for row in watchlist(shared_data)]
    assert len(set(rows)) == len(rows)
    assert all(enabled == "true" and "<" not in target for _, _, target, enabled in rows)
    products = {target: product for product, kind, target, _ in rows if kind == "github"}
    assert [products[name] for name in HISTORIES] == ["recoil", "flask", "redux", "vue"]
    snapshots = {path.stem for path in (shared_data / "eol").glob("*/*.json")}
    assert {target for _, kind, target, _ in rows if kind == "endoflife"} == snapshots
    owners = [target for _, kind, target, _ in rows if kind == "owner"]
    assert "jennybc" in owners and "jenkinsci" in owners
    for owner in owners:
        assert replay.get(f"/users/{owner}/repos")[0] == 200, owner


def test_requests_are_counted_by_path_class_and_status(shared_data):
    async def ask_twice():
        async with TestClient(TestServer(build_app(shared_data, NOW))) as client:
            for path in ("/repos/vuejs/vue", "/repos/pallets/flask", "/repos/nobody/nothing"):
                await client.get(path)
            return await (await client.get("/_simulator/requests")).json()

    log = asyncio.run(ask_twice())
    counts = {(row["path"], row["status"]): row["count"] for row in log["requests"]}
    assert counts == {("/repos/{owner}/{repo}", 200): 2, ("/repos/{owner}/{repo}", 404): 1}
    assert log["total"] == 3
