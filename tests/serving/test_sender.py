"""The Sender: S1's wire shape, to this project's own server and to one that has bad days; proof of each delivery."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from typer.testing import CliRunner

from cli.main import app
from serving import sender
from serving.sender import Sender, SendFailed, proofs
from tests.serving.api_world import DAY
from tests.serving.standing import standing
from warehouse.published import NothingPublished

FEED = [
    ["spark", "4.1.0", "https://example.org/spark/4.1.0", "2026-11-01"],
    ["spark", "4.2.0-rc1", "https://example.org/spark/4.2.0-rc1", "2026-10-31"],
    ["hive", "5.0", "https://example.org/hive/5.0", "2026-10-30"],
]


class Server:
    """Answers with the next of `answers` (status and headers), 200 when there is none left."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.bodies: list[list] = []
        self.keys: list[str | None] = []
        self.url = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.keys.append(self.headers["Authorization"])
                status, headers = server.answers.pop(0) if server.answers else (200, {})
                if status == 200:
                    server.bodies.append(json.loads(body))
                self.send_response(status)
                for name, value in {"Content-Length": "4", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"said")

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), found.handler())
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{http.server_port}/api/v1/update"
    yield found
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture(scope="module")
def world(filled, tmp_path_factory):
    house, settings = filled(tmp_path_factory.mktemp("world"))
    house.release("spark", "4.1.0", DAY, source_name="endoflife", release_kind="statement")
    house.release("spark", "nightly", DAY, release_kind="tag", is_version=False)
    for fault in ("is_draft", "is_withdrawn", "is_deleted"):
        house.release("hive", fault, DAY, **{fault: True})
    house.release("hive", "undated", DAY, released_date=None)
    house.publish()
    return house, settings


@pytest.fixture
def place(world):
    (world[1].place.root / sender.PROOFS).unlink(missing_ok=True)
    return world[1].place


def patient(place, **more) -> Sender:
    with requests.Session() as session:
        return Sender(place, first_wait=0.01, session=session, **more)


def test_what_was_published_goes_newest_first_each_version_once(place, server):
    proof = patient(place, key="the-key").send(server.url)
    assert server.bodies == [FEED]
    assert server.keys == ["Bearer the-key"]
    assert (proof.rows, proof.requests, proof.status, proof.answer) == (3, 1, 200, "said")
    assert [each["digest"] for each in proofs(place)] == [proof.digest]


def test_the_same_feed_goes_to_the_same_address_once_unless_again(place, server):
    first = patient(place).send(server.url)
    assert patient(place).send(server.url) is None
    assert patient(place).send(f"{server.url}?x=1") is None
    assert patient(place).send(server.url, again=True).digest == first.digest
    assert patient(place).send(server.url + "/other").rows == 3
    assert len(server.bodies) == len(proofs(place)) == 3


def test_what_is_new_goes_with_the_whole_list(filled, tmp_path, server):
    house, settings = filled(tmp_path)
    patient(settings.place).send(server.url)
    house.release("hive", "5.1", DAY)
    house.publish()
    assert patient(settings.place).send(server.url).rows == 4
    assert [row[1] for row in server.bodies[1]] == ["5.1", "4.1.0", "4.2.0-rc1", "5.0"]


def test_bad_moments_are_waited_for_as_long_as_the_server_asks(place, server, monkeypatch):
    server.answers = [(500, {}), (429, {"Retry-After": "7"}), (503, {"Retry-After": "9999"})]
    slept = []
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    patient(place).send(server.url)
    assert server.bodies == [FEED]
    assert slept[0] < 1 and slept[1:] == [7, sender.LONGEST_WAIT]


@pytest.mark.parametrize("status", [400, 401, 404, 413, 302])
def test_a_refusal_is_not_tried_again_and_leaves_no_proof(place, server, status):
    server.answers = [(status, {"Location": "http://127.0.0.1:1/"})]
    with pytest.raises(SendFailed, match=f"answered {status}: said"):
        patient(place).send(server.url)
    assert len(server.keys) == 1 and proofs(place) == []


def test_who_never_recovers_is_given_up_after_some_tries(place, server):
    server.answers = [(502, {})] * 9
    with pytest.raises(SendFailed, match="answered 502, after 3 tries"):
        patient(place, tries=3).send(server.url)
    assert len(server.keys) == 3 and proofs(place) == []
    with pytest.raises(SendFailed, match="no answer"):
        patient(place, tries=2).send("http://127.0.0.1:9/")


def test_a_long_feed_goes_in_parts_and_whole_again_if_one_fails(place, server, monkeypatch):
    monkeypatch.setattr(sender, "BATCH", 2)
    server.answers = [(200, {}), (400, {})]
    with pytest.raises(SendFailed):
        patient(place).send(server.url)
    seen = []
    proof = patient(place).send(server.url, progress=lambda *done: seen.append(done))
    assert server.bodies == [FEED[:2], FEED[:2], FEED[2:]]
    assert (proof.requests, seen) == (2, [(2, 3), (3, 3)])


def test_credentials_are_written_down_nowhere(place, server):
    hidden = secrets.token_hex()
    url = server.url.replace("http://", f"http://user:{hidden}@") + f"?token={hidden}"
    patient(place, key=hidden).send(url)
    assert server.keys == [f"Bearer {hidden}"]
    assert hidden not in (place.root / sender.PROOFS).read_text()
    server.answers = [(400, {})]
    with pytest.raises(SendFailed) as error:
        patient(place, key=hidden).send(url, again=True)
    assert hidden not in str(error.value)
    for wrong in ("ftp://x/y", "nothing", "http://"):
        with pytest.raises(SendFailed, match="address"):
            patient(place).send(wrong)


def test_nothing_published_is_said(tmp_path, server, monkeypatch):
    from trendhouse.settings import load_settings

    place = load_settings(home=tmp_path, world="sample").place
    place.root.mkdir()
    with pytest.raises(NothingPublished):
        patient(place).send(server.url)


def test_the_house_s_own_server_takes_it_by_the_command(world, tmp_path, monkeypatch):
    key = secrets.token_urlsafe()
    house, settings = world
    monkeypatch.setenv("TRENDHOUSE_HOME", str(settings.home))
    monkeypatch.setenv("TRENDHOUSE_WORLD", "sample")
    monkeypatch.setenv("TRENDHOUSE_SEND_KEY", key)
    (house.place.root / sender.PROOFS).unlink(missing_ok=True)
    with standing(settings.home, tmp_path / "log", api_keys=key) as url:
        said = CliRunner().invoke(app, ["send", f"{url}/api/v1/update"])
        assert said.exit_code == 0 and "3 releases in 1 requests" in said.output
        said = CliRunner().invoke(app, ["send", f"{url}/api/v1/update"])
        assert said.exit_code == 0 and "nothing sent" in said.output
        found = requests.get(f"{url}/api/v1/updates", timeout=10).json()["items"]
        rows = [
            [each["product_name"], each["version"], each["link"], each["released_date"]]
            for each in found
        ]
        assert rows == FEED
        monkeypatch.setenv("TRENDHOUSE_SEND_KEY", "another-key-altogether")
        said = CliRunner().invoke(app, ["send", f"{url}/api/v1/update", "--again"])
        assert isinstance(said.exception, SendFailed) and SendFailed.exit_code == 1
