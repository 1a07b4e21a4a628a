"""The doctor finds what is wrong, says how to mend it, and shows no secret."""

from __future__ import annotations

import http.server
import io
import threading

import duckdb
import pytest
from rich.console import Console

from cli import doctor
from trendhouse.declared.sources import landed_specs
from trendhouse.running import guarded
from trendhouse.settings import ROOT, Settings

SOURCE_VARIABLES = [spec.location.env for spec in landed_specs() if spec.location]


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers HEAD with the status that the path names."""

    def do_HEAD(self):
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def upstream():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(tmp_path, monkeypatch, upstream):
    for variable in SOURCE_VARIABLES:
        monkeypatch.setenv(variable, f"{upstream}/200")
    for variable in ("GITHUB_TOKEN", "GITHUB_TOKENS"):
        monkeypatch.delenv(variable, raising=False)
    return Settings(home=tmp_path, world="sample")


def found(settings: Settings) -> dict[str, doctor.Finding]:
    return {each.name: each for each in doctor.examine(settings)}


def test_every_finding_that_is_not_ok_says_how_to_mend_it(settings):
    settings.min_free_gb = 1e9
    findings = doctor.examine(settings)
    assert [each.name for each in findings if each.state != "ok" and not each.remedy] == []
    assert {each.name for each in findings if each.state == "fail"} >= {"disk"}


def test_a_sound_machine_has_no_failure(settings):
    assert [each for each in doctor.examine(settings) if each.state == "fail"] == []


def test_what_is_installed_is_held_against_the_lock(tmp_path):
    lock = tmp_path / "run.lock"
    lock.write_text(
        "rich==0.0.1 \\\n    --hash=sha256:00\nnot-here==1.0 ; sys_platform == 'nowhere' \\\n"
    )
    finding = doctor.packages(lock)
    assert finding.state == "fail"
    assert "1 of 1 differ" in finding.said
    assert "locked 0.0.1" in finding.said


def test_the_committed_lock_is_what_is_installed():
    finding = doctor.packages(ROOT / "requirements" / "run.lock")
    assert finding.state == "ok", finding.said


def test_the_live_world_needs_a_token(settings, monkeypatch):
    live = Settings(home=settings.home, world="live")
    assert doctor.tokens(live).state == "fail"
    monkeypatch.setenv("GITHUB_TOKEN", "one")
    assert doctor.tokens(Settings(home=settings.home, world="live")).state == "ok"


def test_an_upstream_that_cannot_be_reached_fails_the_live_world_only(settings, monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_GITHUB_URL", "http://127.0.0.1:9")
    assert found(settings)["reach github"].state == "warn"
    live = {each.name: each for each in doctor.network(Settings(home=settings.home, world="live"))}
    assert live["reach github"].state == "fail"
    assert live["reach gharchive"].state == "ok"


@pytest.mark.parametrize(
    ("status", "state"), [(200, "ok"), (404, "ok"), (407, "warn"), (503, "warn")]
)
def test_what_an_upstream_answers_is_told(settings, monkeypatch, upstream, status, state):
    monkeypatch.setenv("TRENDHOUSE_GITHUB_URL", f"{upstream}/{status}")
    finding = found(settings)["reach github"]
    assert finding.state == state
    assert str(status) in finding.said


def test_a_folder_that_does_not_exist_fails(settings, monkeypatch, tmp_path):
    monkeypatch.setenv("TRENDHOUSE_GHARCHIVE_URL", str(tmp_path / "nowhere"))
    assert found(settings)["reach gharchive"].state == "fail"


def test_a_run_under_way_is_shown_with_its_command(settings):
    with guarded(settings, "land"):
        finding = found(settings)["run"]
    assert finding.state == "warn"
    assert "process" in finding.said


def test_a_warehouse_is_opened_and_counted(settings):
    settings.place.warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.place.warehouse)) as connection:
        connection.execute("create table one as select 1 as x")
    assert found(settings)["warehouse"].said.startswith("1 tables")


def test_a_broken_warehouse_fails(settings):
    settings.place.warehouse.parent.mkdir(parents=True)
    settings.place.warehouse.write_bytes(b"no database" * 1000)
    assert found(settings)["warehouse"].state == "fail"


@pytest.mark.parametrize(
    ("size", "expected"), [("2g", 2.147), ("512m", 0.537), ("1000000000", 1.0)]
)
def test_sizes_are_read_as_java_reads_them(size, expected):
    assert doctor.gigabytes(size) == pytest.approx(expected, abs=0.001)


def test_the_effective_settings_are_shown_with_secrets_masked(settings, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKENS", "onehidden,anotherhidden")
    monkeypatch.setenv("SNOWFLAKE_TOKEN", "thirdhidden")
    monkeypatch.setenv("TRENDHOUSE_CONCURRENCY", "7")
    screen = io.StringIO()
    code = doctor.show(
        Console(file=screen, width=200), Settings(home=settings.home, world="sample")
    )
    assert code == 0
    assert "TRENDHOUSE_CONCURRENCY" in screen.getvalue()
    assert "set (2 tokens)" in screen.getvalue()
    assert "hidden" not in screen.getvalue()


def test_a_failure_ends_with_exit_code_1(settings):
    settings.min_free_gb = 1e9
    assert doctor.show(Console(file=io.StringIO()), settings) == 1
