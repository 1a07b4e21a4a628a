"""The self-test and the callbacks under a real scheduler: exactly these messages arrive."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from orchestration.airflow_api import Api
from orchestration.airflow_home import USER
from orchestration.components import Component
from tests.sinks import MAIL_PASSWORD, WEBHOOK_PATH, Mailbox, free_port, mail_server, slack_server
from trendhouse.sessions import end_sessions
from trendhouse.settings import ROOT

PATIENCE_SECONDS = 240
FILES = (
    ROOT / "orchestration" / "dags" / "selftest.py",
    ROOT / "tests" / "orchestration" / "dags" / "alerting.py",
)
DAGS = ("selftest_single_api", "selftest_parallel_apis", "late", "killed", "refused", "fine")
LICENSES = [
    {"key": "mit", "name": "MIT License", "tags": ["short", "permissive"]},
    {"key": "gpl-3.0", "name": "GNU GPL, version 3", "is_strong": True},
]


@pytest.fixture(scope="module")
def api_of_the_world() -> Iterator[str]:
    """An API on this machine that answers with a JSON list."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = json.dumps(LICENSES).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/licenses"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def told(airflow_home, api_of_the_world, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """Every DAG has run once under scheduler and DAG processor; what was told of it."""
    world = tmp_path_factory.mktemp("world")
    dags = tmp_path_factory.mktemp("dags")
    for file in FILES:
        (dags / file.name).symlink_to(file)
    port = free_port()
    with mail_server() as box, slack_server() as sink:
        environment = {
            **airflow_home.home.environment(port),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__METRICS__STATSD_ON": "False",
            "AIRFLOW_CONN_SMTP_DEFAULT": box.connection,
            "AIRFLOW_CONN_SLACK_DEFAULT": sink.webhook,
            "TRENDHOUSE_HOME": str(world),
            "TRENDHOUSE_WORLD": "sample",
            "TRENDHOUSE_NOW": "2026-03-31T15:30:00",
            "TRENDHOUSE_SELFTEST_URL": api_of_the_world,
            "TRENDHOUSE_SELFTEST_RETRY_SECONDS": "2",
            "TRENDHOUSE_ALERT_MAIL": "operator@example.org",
        }
        password = airflow_home.home.password()
        parts = [
            Component(name, world / "logs", environment)
            for name in ("api-server", "scheduler", "dag-processor")
        ]
        for part in parts:
            part.start()
        try:
            run_all(Api(f"http://127.0.0.1:{port}", USER, password), box)
            logs = [*airflow_home.home.logs.rglob("*.log"), *world.rglob("logs/*.log")]
            yield SimpleNamespace(box=box, sink=sink, world=world / "sample", logs=logs)
        finally:
            end_sessions([part.session for part in parts], grace=0)
            for part in parts:
                part.let_go()


def run_all(api: Api, box: Mailbox) -> None:
    """Run every DAG once; returns when all have ended and the mails about them are there."""
    until(lambda: answered(lambda: set(DAGS) <= set(api.dags())), "the DAGs are read")
    for dag in DAGS:
        api.unpause(dag)
        api.trigger(dag)

    def all_ended() -> bool:
        runs = [run for run in api.runs() if run["dag_id"] in DAGS]
        return len(runs) == len(DAGS) and all(run["state"] in ENDED for run in runs)

    until(lambda: answered(all_ended), "all runs have ended")
    until(lambda: any(each.startswith("[trendhouse] recovered") for each in box.subjects), "late")
    until(lambda: any("success: fine" in each for each in box.subjects), "fine is told")
    until(lambda: any("killed" in each for each in box.subjects), "killed is told")


ENDED = ("success", "failed")


def answered(ask: Callable[[], Any]) -> Any:
    """What Airflow answers; nothing while it does not."""
    try:
        return ask()
    except OSError:
        return None


def until(holds: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"{what}: never"
        time.sleep(0.5)


def said(told: SimpleNamespace, dag: str) -> list[str]:
    """What both channels said of a DAG, sorted; fails unless they said the same."""
    mails = sorted(each.removeprefix("[trendhouse] ") for each in told.box.subjects if dag in each)
    assert mails == sorted(body["text"] for body in told.sink.bodies if dag in body["text"])
    return mails


def body_of(told: SimpleNamespace, subject: str) -> str:
    """The mail of this subject, runs and times left out."""
    text = told.box.bodies[told.box.subjects.index(f"[trendhouse] {subject}")]
    text = re.sub(r"manual__[^</']+", "RUN", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", text)
    return re.sub(r"http://127\.0\.0\.1:\d+", "URL", text)


def table(**values: str) -> str:
    rows = [
        f"<tr><th align='left'>{name}</th><td>{text}</td></tr>" for name, text in values.items()
    ]
    return "\n".join(["<table>", *rows, "</table>"])


def test_the_parallel_self_test_sends_exactly_four_messages(told):
    assert said(told, "selftest_parallel_apis") == [
        "custom failure: selftest_parallel_apis.fetch_broken",
        "failure 2/2: selftest_parallel_apis.fetch_broken",
        "success: selftest_parallel_apis.fetch_good",
        "up for retry 1/2: selftest_parallel_apis.fetch_broken",
    ]
    where = "selftest_parallel_apis"
    assert body_of(told, f"up for retry 1/2: {where}.fetch_broken") == (
        f"<p><b>🟡 up for retry 1/2: {where}.fetch_broken</b></p>\n"
        "<p>SelftestFailed: Attempt 1 fails on purpose, to see that people are told.</p>\n"
        + table(DAG=where, Task="fetch_broken", Run="RUN", Time="TIME KST (TIME UTC)")
        + "\n<p><b>What to do:</b> Nothing yet: Airflow tries again by itself. If it fails for good, "
        "another message comes.</p>\n"
        f"<p><a href='URL/dags/{where}/runs/RUN/tasks/fetch_broken?try_number=1'>Open in Airflow</a>"
        "</p>\n"
    )
    assert (
        "<p>SelftestFailed: Attempt 2 fails on purpose, to see that people are told.</p>"
        in body_of(told, f"failure 2/2: {where}.fetch_broken")
    )
    assert (
        "<p>This is the self-test&#x27;s own callback: Attempt 2 fails on purpose, to see that people "
        "are told.</p>" in body_of(told, f"custom failure: {where}.fetch_broken")
    )


ASKED = """
from orchestration.dags import selftest as it
from orchestration.selftest import SelftestFailed
print(sorted((each.retries, each.retry_delay.total_seconds()) for each in it.parallel_apis().tasks))
try:
    it.single_api().get_task("tell").python_callable({"path": "success/data.csv", "rows": 2})
except SelftestFailed as error:
    print(error)
"""


def test_the_pause_is_a_minute_and_a_self_test_fails_where_no_message_can_leave(airflow_home):
    home = str(airflow_home.home.root / "silent")
    lines = airflow_home.python(ASKED, TRENDHOUSE_HOME=home).splitlines()
    assert "[(1, 60.0), (1, 60.0)]" in lines
    assert lines[-1].startswith(
        "No message left the house. Make the connection `smtp_default` or `slack_default`;"
    )


def test_the_single_self_test_writes_a_dated_file_and_says_so(told):
    assert said(told, "selftest_single_api") == ["success: selftest_single_api.tell"]
    body = body_of(told, "success: selftest_single_api.tell")
    assert "<p>The self-test has written success/data_20260331.csv.</p>" in body
    assert "<tr><th align='left'>Rows</th><td>2</td></tr>" in body
    assert (told.world / "success" / "data_20260331.csv").read_bytes().decode() == (
        "key,name,tags,is_strong\r\n"
        'mit,MIT License,"[""short"", ""permissive""]",\r\n'
        'gpl-3.0,"GNU GPL, version 3",,true\r\n'
    )


def test_a_run_that_is_late_is_told_while_it_runs_and_when_it_is_over(told):
    assert said(told, "late") == ["deadline missed: late", "recovered from deadline missed: late"]
    assert body_of(told, "deadline missed: late") == (
        "<p><b>🟠 deadline missed: late</b></p>\n"
        "<p>The run is not over 0:00:05 after it was queued.</p>\n"
        + table(DAG="late", Run="RUN", Time="TIME KST (TIME UTC)")
        + "\n<p><b>What to do:</b> See which task holds the run up: <code>airflow tasks "
        "states-for-dag-run late RUN</code>. A long queue: <code>airflow pools list</code>; a lock: "
        "<code>trendhouse doctor</code>.</p>\n"
        "<p><a href='URL/dags/late/runs/RUN'>Open in Airflow</a></p>\n"
    )


def test_a_task_that_was_killed_is_told_by_its_run(told):
    assert said(told, "killed") == ["failure: killed"]
    body = body_of(told, "failure: killed")
    assert "it was killed, ran out of memory or of time. Airflow says: task_failure." in body
    assert "<li>deduplicate: failed</li><li>land: 1,204 rows in 3 tables, 9 requests</li>" in body
    assert "runs/RUN/tasks/deduplicate?try_number=1'>Open in Airflow</a>" in body


def test_a_run_that_succeeds_is_told_with_its_rows(told):
    assert said(told, "fine") == ["success: fine"]
    assert body_of(told, "success: fine") == (
        "<p><b>🟢 success: fine</b></p>\n<p>The run succeeded.</p>\n"
        "<ul><li>land: 1,204 rows in 3 tables, 9 requests</li></ul>\n"
        + table(DAG="fine", Run="RUN", Rows="1,204", Time="TIME KST (TIME UTC)")
        + "\n<p><a href='URL/dags/fine/runs/RUN'>Open in Airflow</a></p>\n"
    )


def test_a_refusal_is_told_once_and_by_its_own_name(told):
    assert said(told, "refused") == ["expectations failed: refused.check_clean"]
    body = body_of(told, "expectations failed: refused.check_clean")
    assert "<li>github.repositories: id is unique, 2 of 40 are not</li>" in body
    assert "<tr><th align='left'>Rows</th><td>1,204</td></tr>" in body


def test_nothing_secret_is_in_any_message_or_log_of_airflow(told):
    logs = [path.read_text(errors="replace") for path in told.logs]
    assert len(logs) > 8
    everything = [json.dumps(told.sink.bodies), *told.box.bodies, *logs]
    assert [text for text in everything if WEBHOOK_PATH in text or MAIL_PASSWORD in text] == []
