"""What stands before the API: browsers' rules, limits, and errors that say what is wrong and nothing else."""

from __future__ import annotations

import secrets

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from trendhouse.settings import SettingsError, load_settings


@pytest.fixture(scope="module")
def world(filled, tmp_path_factory):
    return filled(tmp_path_factory.mktemp("world"))[1]


@pytest.fixture
def served(world):
    """The application with some settings of its own."""
    opened = []

    def with_settings(**settings) -> TestClient:
        given = load_settings(home=world.home, world="sample", **settings)
        client = TestClient(create_app(given), raise_server_exceptions=False)
        client.__enter__()
        opened.append(client)
        return client

    yield with_settings
    for client in opened:
        client.__exit__(None, None, None)


def is_problem(answer, status: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == status and found["title"] and found["detail"]
    assert "Traceback" not in answer.text and ".py" not in answer.text
    return found


INJECTIONS = [
    "' or 1=1 --",
    "x'; drop table repositories; --",
    "%27%20union%20select%20state%20from%20_publication--",
    "a\x00b",
    "\ud800",
    "../../../../etc/passwd",
    "..%2f..%2fwarehouse%2fwarehouse.duckdb",
    "a\r\nSet-Cookie: x=y",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_hostile_texts_find_nothing_and_change_nothing(served, text):
    client = served()
    raw = text.encode("utf-8", "surrogatepass")
    for path, names in (
        ("/api/v1/repositories", ("language", "license", "topic", "search")),
        ("/api/v1/releases", ("products", "source", "search")),
        ("/api/v1/completeness/partitions", ("source", "stream", "partition")),
        ("/api/v1/updates", ("products",)),
    ):
        for name in names:
            answer = client.get(path, params={name: raw})
            assert answer.status_code == 200 and answer.json()["total"] == 0, answer.text
            assert "set-cookie" not in answer.headers
    assert client.get("/api/v1/repositories").json()["total"] == 2


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/marts/..%2f..%2fwarehouse/download",
        "/api/v1/marts/%2e%2e/download",
        "/api/v1/marts/releases/download?partition=../../../warehouse/warehouse",
        "/api/v1/marts/releases/download?partition=/etc/passwd",
        "/api/v1/marts/_publication/download",
        "/api/v1/repositories/..%2f..%2f..%2fetc/passwd",
        "/api/v1/repositories/%27%20or%201=1/x",
        "/static/..%2f..%2fsettings.py",
    ],
)
def test_no_path_leads_out_of_what_is_published(served, path):
    is_problem(served().get(path), 404)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/v1/releases?limit=0", ["limit"]),
        ("/api/v1/releases?limit=501&offset=-1", ["limit", "offset"]),
        ("/api/v1/repositories?sort=star_count;--", ["sort"]),
        ("/api/v1/repositories?offset=99999999999999999999", ["offset"]),
        ("/api/v1/repositories/apache/spark/daily?since=yesterday&calendar=Mars", ["calendar", "since"]),
        ("/api/v1/marts/releases/download?format=xlsx", ["format"]),
    ],
)  # fmt: skip
def test_parameters_that_do_not_fit_are_named(served, path, names):
    found = is_problem(served().get(path), 422)
    assert sorted(each["name"] for each in found["errors"]) == names


def test_every_other_error_is_a_problem_too(served):
    client = served()
    is_problem(client.get("/nothing/here"), 404)
    refused = client.delete("/api/v1/releases")
    is_problem(refused, 405)
    assert refused.headers["Allow"] == "GET"
    client.app.state.follower._model.connection.close()
    is_problem(client.get("/api/v1/releases"), 500)


def test_nothing_published_is_a_problem_of_the_moment(tmp_path):
    settings = load_settings(home=tmp_path, world="sample")
    with TestClient(create_app(settings)) as client:
        for path in ("/api/v1/releases", "/api/v1/marts", "/api/v1/marts/releases/download"):
            answer = client.get(path)
            is_problem(answer, 503)
            assert answer.headers["Retry-After"] == "10"


def test_who_asks_too_often_is_told_when_to_come_back(served):
    client = served(rate_limit="3/minute")
    assert [client.get("/api/v1/products").status_code for _ in range(3)] == [200] * 3
    answer = client.get("/api/v1/products")
    assert "3 per 1 minute" in is_problem(answer, 429)["detail"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert client.get("/healthz").status_code == 200


def test_a_body_beyond_the_limit_is_refused_announced_or_not(served):
    key = secrets.token_urlsafe()
    client = served(body_limit_mb=0.001, api_keys=key)
    headers = {"Authorization": f"Bearer {key}"}
    is_problem(client.post("/api/v1/update", content=b" " * 1001, headers=headers), 413)
    parts = client.post("/api/v1/update", content=iter([b" " * 600] * 2), headers=headers)
    is_problem(parts, 413)
    lied = client.post("/api/v1/update", content=b"[]", headers={**headers, "Content-Length": "-1"})
    is_problem(lied, 400)
    assert client.post("/api/v1/update", content=b"[]", headers=headers).status_code == 200


def test_browsers_may_read_from_the_origins_that_are_named(served):
    open_to_all = served().get("/api/v1/products", headers={"Origin": "https://a.example"})
    assert open_to_all.headers["Access-Control-Allow-Origin"] == "*"
    assert "ETag" in open_to_all.headers["Access-Control-Expose-Headers"]
    client = served(cors_origins="https://a.example, https://b.example")
    for origin, allowed in (("https://b.example", True), ("https://c.example", False)):
        answer = client.get("/api/v1/products", headers={"Origin": origin})
        assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    assert client.options("/api/v1/products", headers=asked).status_code == 200
    is_problem(client.options("/api/v1/update", headers=asked | {"Access-Control-Request-Method": "POST"}), 400)  # fmt: skip


def test_only_the_hosts_that_are_named_are_served(served):
    client = served(hosts="trends.example.org, *.example.net")
    for host, status in (
        ("trends.example.org", 200), ("trends.example.org:8000", 200), ("a.example.net", 200),
        ("example.net", 400), ("evil.org", 400), ("trends.example.org.evil.org", 400),
    ):  # fmt: skip
        assert client.get("/healthz", headers={"Host": host}).status_code == status, host
    is_problem(client.get("/healthz", headers={"Host": "evil.org"}), 400)


def test_every_answer_tells_browsers_to_be_careful(served):
    client = served()
    for path in ("/api/v1/products", "/nothing", "/healthz", "/metrics"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy and headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    picture = client.get("/charts/stars/a/b.svg").headers
    assert "frame-ancestors *" in picture["Content-Security-Policy"]
    assert "script" not in picture["Content-Security-Policy"]
    assert "X-Frame-Options" not in picture


def test_head_is_answered_as_get(served):
    client = served()
    head, get = (client.request(verb, "/api/v1/products") for verb in ("HEAD", "GET"))
    assert (head.status_code, head.headers["ETag"]) == (200, get.headers["ETag"])


def test_metrics_count_by_route_and_tell_what_is_served(served):
    client = served()
    for name in ("apache/spark", "apache/hive", "no/such"):
        client.get(f"/api/v1/repositories/{name}")
    text = client.get("/metrics").text
    counted = 'trendhouse_api_http_requests_total{handler="/api/v1/repositories/{owner}/{name}",method="GET",status="%s"} %s'
    assert counted % ("2xx", "2.0") in text and counted % ("4xx", "1.0") in text
    assert "apache" not in text
    assert "trendhouse_served_version 1.0" in text and "trendhouse_served_failed 0.0" in text
    assert "trendhouse_served_age_seconds" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [("API_KEYS", "short"), ("RATE_LIMIT", "often"), ("BODY_LIMIT_MB", "0")],
)
def test_settings_that_do_not_fit_are_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"TRENDHOUSE_{name}", value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert f"TRENDHOUSE_{name}" in str(error.value)
    assert ("short" in str(error.value)) is False
