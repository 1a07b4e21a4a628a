"""S1's way in: who may post, what is taken, and that nothing is taken by half or twice."""

from __future__ import annotations

import secrets

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from trendhouse.settings import load_settings

LINK = "https://example.org/notes"
SPARK, HIVE = ["spark", "4.1.0", LINK, "2026-10-31"], ["hive", "5.0", LINK, "2026-10-01"]
PATH = "/api/v1/update"


@pytest.fixture(scope="module")
def world(filled, tmp_path_factory):
    return filled(tmp_path_factory.mktemp("world"))


@pytest.fixture
def key() -> str:
    return secrets.token_urlsafe()


@pytest.fixture
def client(world, key):
    house, settings = world
    (house.place.root / "posted.sqlite").unlink(missing_ok=True)
    given = load_settings(
        home=settings.home,
        world="sample",
        now=settings.now,
        api_keys=f"{secrets.token_urlsafe()},{key}",
    )
    with TestClient(create_app(given)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def known(client) -> list[list[str]]:
    found = client.get("/api/v1/updates").json()["items"]
    return [
        [each["product_name"], each["version"], each["link"], each["released_date"]]
        for each in found
    ]


def test_nobody_may_post_without_a_key_that_is_set_and_known(client, world):
    with TestClient(create_app(world[1])) as closed:
        answer = closed.post(PATH, json=[SPARK])
        assert answer.status_code == 403 and "TRENDHOUSE_API_KEYS" in answer.json()["detail"]
    del client.headers["Authorization"]
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer wröng".encode()},
    ):
        answer = client.post(PATH, json=[SPARK], headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert known(client) == []


def test_what_is_posted_is_read_newest_first_and_the_same_again_changes_nothing(client):
    answer = client.post(PATH, json=[HIVE, SPARK])
    assert answer.json() == {"inserted": 2, "changed": 0, "known": 0}
    first = client.get("/api/v1/updates").json()
    assert known(client) == [SPARK, HIVE]
    assert first["items"][0]["origin"] == "posted"
    assert client.post(PATH, json=[HIVE, SPARK, SPARK]).json() == {
        "inserted": 0,
        "changed": 0,
        "known": 3,
    }
    assert client.get("/api/v1/updates").json() == first
    later = ["spark", "4.1.0", LINK, "2026-11-01"]
    assert client.post(PATH, json=[later]).json() == {"inserted": 0, "changed": 1, "known": 0}
    assert (
        client.get("/api/v1/updates?products=spark").json()["items"][0]["released_date"] == later[3]
    )


def test_posted_releases_outlive_publications_and_restarts(client, world, key):
    client.post(PATH, json=[SPARK])
    house, settings = world
    house.publish()
    with TestClient(create_app(settings)) as another:
        assert known(another) == [SPARK]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("spark", "no array of four"),
        (["spark", "4.1.0", LINK], "no array of four"),
        (["spark", "4.1.0", LINK, "2026-10-31", "more"], "no array of four"),
        (["spark", 4.1, LINK, "2026-10-31"], "something else than texts"),
        (["spark", ["4.1.0"], LINK, "2026-10-31"], "something else than texts"),
        (["spark", "4.1.0", LINK, None], "something else than texts"),
        ([" ", "4.1.0", LINK, "2026-10-31"], "product:"),
        (["s" * 201, "4.1.0", LINK, "2026-10-31"], "product:"),
        (["spark", "4.1\n.0", LINK, "2026-10-31"], "version:"),
        (["spark", "4.1.0", "javascript:alert(1)", "2026-10-31"], "link:"),
        (["spark", "4.1.0", "https://", "2026-10-31"], "link:"),
        (["spark", "4.1.0", "http://[::1", "2026-10-31"], "link:"),
        (["spark", "4.1.0", LINK, "2026-02-30"], "date:"),
        (["spark", "4.1.0", LINK, "20261031"], "date:"),
        (["spark", "4.1.0", LINK, "2026-10-31T00:00:00Z"], "date:"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_taken(client, row, reason):
    answer = client.post(PATH, json=[HIVE, row, SPARK])
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["index"] == 1 and reason in error["reason"]
    assert known(client) == []


def test_rows_that_contradict_each_other_are_refused(client):
    other = [*SPARK[:3], "2026-10-30"]
    answer = client.post(PATH, json=[SPARK, HIVE, other])
    assert answer.json()["errors"] == [
        {"index": 2, "reason": "row 0 says otherwise of this product and version"}
    ]
    assert known(client) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"[", 400), (b"\xff\xfe", 400), (b'[["a\\ud800","1","https://a.b","2026-01-01"]]', 400),
        (b"[" * 5000, 400), (b"{}", 422), (b"null", 422), (b'"text"', 422),
    ],
)  # fmt: skip
def test_a_body_that_is_no_array_is_refused(client, body, status):
    assert client.post(PATH, content=body).status_code == status
    assert known(client) == []
