"""An empty world, and the connections that lead to a real mail server and a real HTTP server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sinks import Mailbox, Sink, mail_server, slack_server


@pytest.fixture(autouse=True)
def home(tmp_path, tmp_path_factory, monkeypatch) -> Path:
    """The home of an empty world, and an Airflow home that is nobody's."""
    if "AIRFLOW_HOME" not in os.environ:
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    for name in (
        "TRENDHOUSE_ALERT_MAIL",
        "AIRFLOW_CONN_SLACK_DEFAULT",
        "AIRFLOW_CONN_SMTP_DEFAULT",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRENDHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("TRENDHOUSE_WORLD", "sample")
    return tmp_path / "sample"


@pytest.fixture
def mailbox(home, monkeypatch) -> Iterator[Mailbox]:
    """A mail server that `smtp_default` leads to."""
    with mail_server() as box:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", box.connection)
        yield box


@pytest.fixture
def slack(home, monkeypatch) -> Iterator[Sink]:
    """An HTTP server that the webhook of `slack_default` leads to."""
    with slack_server() as sink:
        monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", sink.webhook)
        yield sink
