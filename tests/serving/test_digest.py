"""The digest: new releases once, by a real mail server and a real HTTP server in Slack's place."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

import pytest
from typer.testing import CliRunner

from cli.main import app
from serving.digest import SHOWN, DigestFailed, send
from serving.model import Model
from serving.publication import Publication
from serving.read_model import build
from tests.serving.api_world import DAY
from tests.sinks import MAIL_PASSWORD, WEBHOOK_PATH, mail_server, slack_server
from trendhouse.settings import load_settings


@pytest.fixture
def world(filled, tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    for name in ("AIRFLOW_CONN_SLACK_DEFAULT", "AIRFLOW_CONN_SMTP_DEFAULT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRENDHOUSE_ALERT_MAIL", "one@example.org, two@example.org")
    house, settings = filled(tmp_path)
    return house, load_settings(home=tmp_path, world="sample", now=settings.now)


@pytest.fixture
def slack(monkeypatch):
    with slack_server() as sink:
        monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", sink.webhook)
        yield sink


@pytest.fixture
def mailbox(monkeypatch):
    with mail_server() as box:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", box.connection)
        yield box


def tell(world, *ways: str, **options) -> dict[str, int]:
    model = Model(build(Publication.newest(world[1].place)))
    try:
        return send(world[1], model, ways, **options)
    finally:
        model.connection.close()


def text_of(body: dict) -> str:
    return "\n".join(block["text"]["text"] for block in body["blocks"])


def test_new_releases_are_told_once_by_each_way(world, slack, mailbox):
    assert tell(world, "slack", "mail") == {"slack": 3, "mail": 3}
    (body,) = slack.bodies
    assert body["text"] == "3 new releases"
    assert text_of(body).splitlines() == [
        "3 new releases",
        "• 2026-11-01 <https://example.org/spark/4.1.0|spark 4.1.0>",
        "• 2026-10-31 <https://example.org/spark/4.2.0-rc1|spark 4.2.0-rc1> (pre-release)",
        "• 2026-10-30 <https://example.org/hive/5.0|hive 5.0>",
    ]
    assert mailbox.subjects == ["[trendhouse] 3 new releases"]
    assert mailbox.recipients == [["one@example.org", "two@example.org"]]
    assert "<a href='https://example.org/spark/4.1.0'>spark 4.1.0</a>" in mailbox.bodies[0]
    assert tell(world, "slack", "mail") == {"slack": 0, "mail": 0}
    assert len(slack.bodies) == len(mailbox.mails) == 1


def test_only_what_came_since_is_told_also_where_it_came_late(world, slack):
    tell(world, "slack")
    world[0].release("hive", "4.9", DAY - timedelta(days=4))
    world[0].release("hive", "1.0", DAY - timedelta(days=30))
    world[0].publish()
    assert tell(world, "slack", language="ko") == {"slack": 1}
    assert slack.bodies[1]["text"] == "새 릴리스 1개"
    assert "hive 4.9" in text_of(slack.bodies[1])
    assert tell(world, "slack", days=60) == {"slack": 1}
    assert "hive 1.0" in text_of(slack.bodies[2])


def test_products_are_selected(world, slack):
    assert tell(world, "slack", products=["hive"]) == {"slack": 1}
    assert tell(world, "slack") == {"slack": 2}
    told = list(chain.from_iterable(text_of(each).splitlines()[1:] for each in slack.bodies))
    assert len(told) == len(set(told)) == 3


def test_a_way_that_fails_holds_up_no_other_and_is_tried_the_next_time(world, slack, mailbox):
    slack.status = 500
    with pytest.raises(DigestFailed) as error:
        tell(world, "slack", "mail")
    assert str(error.value).startswith("slack: not delivered")
    assert WEBHOOK_PATH not in str(error.value)
    assert len(mailbox.mails) == 1
    slack.status = 200
    assert tell(world, "slack", "mail") == {"slack": 3, "mail": 0}
    mailbox.refuses = True
    world[0].release("hive", "5.1", DAY)
    world[0].publish()
    with pytest.raises(DigestFailed) as error:
        tell(world, "mail")
    assert MAIL_PASSWORD not in str(error.value)


def test_what_others_have_written_marks_nothing_up(world, slack, mailbox):
    world[0].release("<b>&", "1<!channel>|", DAY, link="javascript:alert(1)")
    world[0].publish()
    tell(world, "slack", "mail", products=["<b>&"])
    assert (
        text_of(slack.bodies[0]).splitlines()[1] == "• 2026-11-01 &lt;b&gt;&amp; 1&lt;!channel&gt;|"
    )
    assert "&lt;b&gt;&amp; 1&lt;!channel&gt;|" in mailbox.bodies[0]
    assert "javascript" not in mailbox.bodies[0]


def test_of_many_the_newest_are_listed_and_the_rest_counted(world, slack):
    world[0].sql(
        "insert into marts.releases by name select * exclude (n) replace (version || '.' || n as version, 'many' as product_name) "
        "from marts.releases, range(20) as numbers (n) where not is_prerelease"
    )
    world[0].publish()
    assert tell(world, "slack") == {"slack": 43}
    lines = text_of(slack.bodies[0]).splitlines()
    assert len(lines) == SHOWN + 2 and lines[-1] == "and 3 more"
    assert all(len(block["text"]["text"]) <= 3000 for block in slack.bodies[0]["blocks"])


def test_the_command_says_what_it_told_and_what_is_missing(world, slack, monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_HOME", str(world[1].home))
    monkeypatch.setenv("TRENDHOUSE_WORLD", "sample")
    monkeypatch.setenv("TRENDHOUSE_NOW", "2026-11-02T06:00:00Z")
    said = CliRunner().invoke(app, ["digest", "--slack", "--products", "spark"])
    assert (said.exit_code, said.output.strip()) == (0, "slack: 2 new releases told.")
    said = CliRunner().invoke(app, ["digest", "--slack", "--products", "spark", "--lang", "ko"])
    assert said.output.strip() == "slack: nothing new, silent."
    assert CliRunner().invoke(app, ["digest"]).exit_code == 2
    said = CliRunner().invoke(app, ["digest", "--mail"])
    assert "AIRFLOW_CONN_SMTP_DEFAULT" in str(said.exception)
