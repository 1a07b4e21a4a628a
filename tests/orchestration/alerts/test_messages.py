"""What people get: whole messages, as a real mail server and a real HTTP server receive them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cli.main import app
from orchestration.alerts import Alert, Cause, send
from orchestration.alerts.remedies import REMEDIES, remedy
from tests.sinks import BOT_TOKEN, MAIL_PASSWORD, WEBHOOK_PATH

AT = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
LOG = "http://localhost:8080/dags/ingest_github/runs/r1/tasks/land?try_number=1"
ALERT = Alert(
    cause=Cause.PARTIAL,
    what="2 parts: not landed. Landed: 41,204 rows in 22 tables, 1,310 requests.",
    dag_id="ingest_github",
    task_id="land",
    run_id="scheduled__2026-03-31T14:50:00+00:00",
    log_url=LOG,
    rows=41_204,
    details=("github: issues acme/<rocket>: answered 500", "github: pulls acme/web: cut off"),
    at=AT,
)
TO_DO = (
    "The next run asks again for what is missing: `airflow dags trigger ingest_github` does so at "
    "once, `trendhouse status` shows what is missing."
)
BLOCKS = [
    {
        "type": "header",
        "text": {
            "type": "plain_text",
            "text": "🟡 partial landing: ingest_github.land",
            "emoji": True,
        },
    },
    {"type": "section", "text": {"type": "mrkdwn", "text": ALERT.what}},
    {
        "type": "section",
        "fields": [
            {"type": "mrkdwn", "text": "*DAG*\ningest_github"},
            {"type": "mrkdwn", "text": "*Task*\nland"},
            {"type": "mrkdwn", "text": "*Run*\nscheduled__2026-03-31T14:50:00+00:00"},
            {"type": "mrkdwn", "text": "*Source*\ngithub"},
            {"type": "mrkdwn", "text": "*Rows*\n41,204"},
            {
                "type": "mrkdwn",
                "text": "*Time*\n2026-04-01 00:30:00 KST (2026-03-31 15:30:00 UTC)",
            },
        ],
    },
    {
        "type": "section",
        "text": {
            "type": "mrkdwn",
            "text": "• github: issues acme/&lt;rocket&gt;: answered 500\n"
            "• github: pulls acme/web: cut off",
        },
    },
    {"type": "section", "text": {"type": "mrkdwn", "text": f"*What to do*\n{TO_DO}"}},
    {"type": "section", "text": {"type": "mrkdwn", "text": f"<{LOG}|Open in Airflow>"}},
]
BODY = f"""<p><b>🟡 partial landing: ingest_github.land</b></p>
<p>{ALERT.what}</p>
<ul><li>github: issues acme/&lt;rocket&gt;: answered 500</li><li>github: pulls acme/web: cut off</li></ul>
<table>
<tr><th align='left'>DAG</th><td>ingest_github</td></tr>
<tr><th align='left'>Task</th><td>land</td></tr>
<tr><th align='left'>Run</th><td>scheduled__2026-03-31T14:50:00+00:00</td></tr>
<tr><th align='left'>Source</th><td>github</td></tr>
<tr><th align='left'>Rows</th><td>41,204</td></tr>
<tr><th align='left'>Time</th><td>2026-04-01 00:30:00 KST (2026-03-31 15:30:00 UTC)</td></tr>
</table>
<p><b>What to do:</b> The next run asks again for what is missing: <code>airflow dags trigger \
ingest_github</code> does so at once, <code>trendhouse status</code> shows what is missing.</p>
<p><a href='{LOG}'>Open in Airflow</a></p>
"""


def test_slack_gets_the_whole_message_by_a_webhook(slack):
    assert send(ALERT) == ["slack"]
    title = "partial landing: ingest_github.land"
    assert slack.bodies == [{"text": title, "blocks": BLOCKS, "unfurl_links": False}]
    assert slack.paths == [f"/{WEBHOOK_PATH}"]


def test_slack_gets_the_same_message_from_a_bot(slack, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", slack.bot)
    assert send(ALERT) == ["slack"]
    (body,) = slack.bodies
    assert slack.paths == ["/api/chat.postMessage"]
    assert (body["channel"], body["blocks"]) == ("#monitoring_airflow", BLOCKS)
    assert body["text"] == "partial landing: ingest_github.land"


def test_the_owner_of_the_source_gets_the_whole_message_by_mail(mailbox):
    assert send(ALERT) == ["mail"]
    assert mailbox.subjects == ["[trendhouse] partial landing: ingest_github.land"]
    assert mailbox.bodies == [BODY]
    assert mailbox.recipients == [["open-source-trends@example.org"]]
    (mail,) = mailbox.mails
    assert (mail["From"], mail["To"]) == ("house@example.org", "open-source-trends@example.org")
    assert mail["Auto-Submitted"] == "auto-generated"


def test_whoever_is_named_gets_the_mail_instead(mailbox, monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_ALERT_MAIL", "kim@example.org, lee@example.org")
    send(ALERT)
    assert mailbox.recipients == [["kim@example.org", "lee@example.org"]]


def test_without_a_connection_a_channel_is_silent(home):
    assert send(ALERT) == []
    assert not (home / "alerts.json").exists()


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_told_by_every_channel(cause, slack, mailbox):
    assert send(replace(ALERT, cause=cause)) == ["slack", "mail"]
    assert mailbox.subjects == [f"[trendhouse] {cause}: ingest_github.land"]
    assert slack.bodies[0]["text"] == f"{cause}: ingest_github.land"


def commands_of(text: str) -> list[str]:
    return [each for each in re.findall(r"`([^`]+)`", text) if " " in each]


@pytest.mark.parametrize("cause", [each for each in Cause if each is not Cause.SUCCESS])
def test_every_remedy_names_commands_that_exist(cause):
    assert set(REMEDIES) == set(Cause)
    verbs = {each.name or each.callback.__name__ for each in app.registered_commands}
    text = remedy(replace(ALERT, cause=cause))
    assert text and "{" not in text
    for command in commands_of(text):
        program, verb, *_ = command.split()
        assert (program, verb) in {("trendhouse", each) for each in verbs} | {
            ("airflow", each) for each in ("dags", "tasks", "pools")
        }, command


def test_a_run_s_id_is_quoted_where_a_shell_would_take_it_apart():
    late = replace(ALERT, cause=Cause.DEADLINE, run_id="manual run; 1")
    assert "states-for-dag-run ingest_github 'manual run; 1'" in remedy(late)


def test_no_secret_leaves_the_house(slack, mailbox, home, monkeypatch, caplog):
    token = "gh" + "p_" + "a1B2" * 9
    monkeypatch.setenv("GITHUB_TOKEN", "the-token-of-the-pool")
    secrets = [
        token,
        "the-token-of-the-pool",
        WEBHOOK_PATH,
        MAIL_PASSWORD,
        "https://hooks.slack.com/" + "services/T1/B1/x",
        "xo" + "xb-1234567890-abcdefgh",
        "user:pass" + "word@db.example.org",
    ]
    said = "; ".join(secrets).replace("user:", "postgres://user:")
    for name in ("what", "run_id", "source", "attempt"):
        send(replace(ALERT, **{name: said}, is_grouped=False))
    send(replace(ALERT, details=(said,), is_grouped=False))
    mailbox.refuses, slack.status = True, 500
    send(replace(ALERT, what=said, cause=Cause.FAILURE))
    kept = (home / "alerts.json").read_text()
    everything = [json.dumps(slack.bodies), *mailbox.bodies, *mailbox.subjects, kept, caplog.text]
    assert len(slack.bodies) == len(mailbox.bodies) == 5
    assert "[redacted]" in kept
    found = {secret for secret in secrets for text in everything if secret in text}
    assert found == set()


def test_the_token_of_a_bot_is_a_secret_too(slack, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", slack.bot)
    send(replace(ALERT, what=f"refused: {BOT_TOKEN}"))
    assert BOT_TOKEN not in json.dumps(slack.bodies)
    assert slack.bodies[0]["blocks"][1]["text"]["text"] == "refused: [redacted]"


def test_a_message_that_is_far_too_long_is_cut_to_what_slack_takes(slack):
    assert send(replace(ALERT, what="x" * 9000, dag_id="d" * 200, details=("y" * 9000,) * 9))
    blocks = slack.bodies[0]["blocks"]
    assert len(blocks[0]["text"]["text"]) == 150
    assert all(len(each["text"]["text"]) <= 3000 for each in blocks if "text" in each)


def test_what_cannot_be_sent_fails_nobody_and_is_counted(slack, mailbox, home, caplog):
    slack.status, mailbox.refuses = 503, True
    assert send(ALERT) == []
    memory = json.loads((home / "alerts.json").read_text())
    for name in ("slack", "mail"):
        assert (memory[name]["delivered"], memory[name]["undelivered"]) == (0, 1)
        assert f"{name}: partial landing not delivered" in caplog.text


def test_one_channel_that_is_down_does_not_silence_the_other(slack, mailbox):
    slack.status = 503
    assert send(ALERT) == ["mail"]
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("connection", ["no json at all", '{"conn_type": "slackwebhook"}', "{"])
def test_a_connection_that_makes_no_sense_fails_nobody(slack, monkeypatch, connection):
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", connection)
    assert send(ALERT) == []


def test_another_channel_is_one_class_more(home, monkeypatch):
    from orchestration.alerts import channels
    from orchestration.alerts.channel import Channel

    said = []

    class Pager(Channel):
        name = "pager"
        connection_id = "pager_default"

        def deliver(self, alert, connection, settings):
            said.append((connection.host, alert.what))

    monkeypatch.setattr(channels, "CHANNELS", (Pager,))
    monkeypatch.setenv("AIRFLOW_CONN_PAGER_DEFAULT", '{"conn_type": "http", "host": "pager"}')
    assert send(ALERT) == ["pager"]
    assert said == [("pager", ALERT.what)]
