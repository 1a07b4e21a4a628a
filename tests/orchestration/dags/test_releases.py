"""After a publication the release feed and the digest go out, each once, and only where they were asked for."""

from __future__ import annotations

import secrets

import pytest
import requests

from tests.serving.api_world import fill
from tests.serving.standing import standing
from tests.sinks import slack_server

FEED = [
    ("spark", "4.1.0", "2026-11-01"),
    ("spark", "4.2.0-rc1", "2026-10-31"),
    ("hive", "5.0", "2026-10-30"),
]
DAG = ("releases.py", "tell_releases", {})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A world in which three releases are published."""
    folder = tmp_path_factory.mktemp("world")
    fill(folder)
    return folder


def test_what_nobody_asked_for_is_skipped_and_the_log_names_the_setting(airflow_home, home):
    ended = airflow_home.test(*DAG, TRENDHOUSE_HOME=str(home), TRENDHOUSE_WORLD="sample")
    assert (ended.state, set(ended.tasks.values())) == ("success", {"skipped"})
    assert "TRENDHOUSE_SEND_URL is not set." in ended.said
    assert "TRENDHOUSE_DIGEST is not set." in ended.said


def test_feed_and_digest_go_out_once(airflow_home, home, tmp_path):
    key, receiver = secrets.token_urlsafe(24), tmp_path / "receiver"
    fill(receiver)
    with (
        slack_server() as slack,
        standing(receiver, tmp_path / "log", api_keys=key) as url,
    ):
        asked = {
            "TRENDHOUSE_HOME": str(home),
            "TRENDHOUSE_WORLD": "sample",
            "TRENDHOUSE_NOW": "2026-11-02T06:00:00Z",
            "TRENDHOUSE_SEND_URL": f"{url}/api/v1/update",
            "TRENDHOUSE_SEND_KEY": key,
            "TRENDHOUSE_DIGEST": "slack",
            "AIRFLOW_CONN_SLACK_DEFAULT": slack.webhook,
        }
        first, second = airflow_home.test_all(DAG, DAG, **asked)
        taken = requests.get(f"{url}/api/v1/updates", timeout=30).json()["items"]
    assert (first.results["send"]["rows"], first.results["digest"]) == (3, {"slack": 3})
    assert (second.results["send"]["rows"], second.results["digest"]) == (0, {"slack": 0})
    assert [
        (each["product_name"], each["version"], each["released_date"]) for each in taken
    ] == FEED
    assert [body["text"] for body in slack.bodies] == ["3 new releases"]
    assert key not in first.said
