"""The world's headers, limits and errors have the forms of the recorded ones."""

import re
from email.utils import parsedate_to_datetime

import orjson
import pytest
from served_world import ask

from simulator.faults import Faults
from simulator.replay_library import LINK


def newest(recorded, status, path=""):
    """The newest recorded answer of a status whose path ends like this."""
    fitting = [each for each in recorded if each.status == status and each.path.endswith(path)]
    return max(fitting, key=lambda each: each.date_order)


def test_limits_are_told_under_githubs_names_and_forms(recorded, world, names):
    theirs = dict(newest(recorded, 200).headers)
    limits = {name for name in theirs if name.startswith("x-ratelimit-")}
    assert len(limits) == 5
    answer = ask(f"{world.base_url}/repos/{names[0]}")
    ours = {name.lower(): value for name, value in answer.headers.items()}
    assert limits <= ours.keys()
    for name in limits - {"x-ratelimit-resource"}:
        assert re.fullmatch(r"\d+", theirs[name]) and re.fullmatch(r"\d+", ours[name]), name
    for headers in (theirs, ours):
        wait = int(headers["x-ratelimit-reset"])
        assert 0 <= wait - parsedate_to_datetime(headers["date"]).timestamp() <= 3601
    used, remaining = int(ours["x-ratelimit-used"]), int(ours["x-ratelimit-remaining"])
    assert used + remaining == int(ours["x-ratelimit-limit"])


def test_links_have_githubs_form_and_order(recorded, world, names):
    def shape(header):
        return tuple(name for _, name in LINK.findall(header))

    known = {shape(value) for each in recorded for name, value in each.headers if name == "link"}
    url, seen = f"{world.base_url}/repos/{names[0]}/issues?state=all&per_page=5", set()
    while url and len(seen) < 3:
        answer = ask(url)
        header = answer.headers["Link"]
        whole = ", ".join(f'<{to}>; rel="{name}"' for to, name in LINK.findall(header))
        assert header == whole
        assert shape(header) in known, header
        assert re.search(r"/repositories/\d+/issues\?", header)
        seen.add(shape(header))
        url = answer.links.get("next") if len(seen) < 2 else answer.links.get("last")
    assert len(seen) == 3


def test_etags_and_dates_have_githubs_form(recorded, world, names):
    form = re.compile(r'(W/)?"[0-9a-f]{32,64}"')
    theirs = [value for each in recorded for name, value in each.headers if name == "etag"]
    assert sum(bool(form.fullmatch(value)) for value in theirs) > 0.99 * len(theirs)
    answer = ask(f"{world.base_url}/repos/{names[0]}")
    assert form.fullmatch(answer.headers["ETag"])
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["Date"])
    known = ask(f"{world.base_url}/repos/{names[0]}", **{"If-None-Match": answer.headers["ETag"]})
    assert (known.status, known.body) == (304, b"")


def test_a_missing_repository_is_refused_in_githubs_words(recorded, world):
    theirs = orjson.loads(newest(recorded, 404).body)
    answer = ask(f"{world.base_url}/repos/nobody/nothing")
    ours = orjson.loads(answer.body)
    assert answer.status == 404
    assert ours["message"] == theirs["message"]
    assert theirs.keys() <= ours.keys()


def test_a_wrong_parameter_is_refused_in_githubs_form(recorded, world, names):
    theirs = orjson.loads(newest(recorded, 422).body)
    answer = ask(f"{world.base_url}/search/repositories?q=&sort=stars")
    assert answer.status == 422
    assert theirs.keys() <= orjson.loads(answer.body).keys()


def test_a_moved_repository_is_redirected_in_githubs_form(github, world):
    for case in ("renamed", "transferred"):
        moved = [
            entry
            for entry in world.simulator.world.scenarios()[case]
            if entry["at"] < "2026-11-02" and "recreated" not in entry
        ]
        answer = ask(f"{world.base_url}/repos/{moved[0]['names'][0]}")
        content = orjson.loads(answer.body)
        assert (answer.status, content["message"]) == (301, "Moved Permanently")
        assert github.complaints("/repos/{owner}/{repo}", 301, answer.body) == []
        assert answer.headers["Location"] == content["url"]
        assert answer.headers["Location"].endswith(f"/repositories/{moved[0]['id']}")
        assert orjson.loads(ask(answer.headers["Location"]).body)["id"] == moved[0]["id"]


@pytest.fixture
def disturbed(world):
    """The world with one kind of fault on every request."""
    calm = world.simulator.faults

    def disturb(kind):
        world.simulator.faults = Faults(rate=1.0, kinds=(kind,), retry_after=7)

    yield disturb
    world.simulator.faults = calm


@pytest.mark.parametrize("kind", ["403", "403-retry-after", "429", "429-retry-after"])
def test_a_secondary_limit_is_told_as_recorded(recorded, world, names, disturbed, kind):
    status = int(kind[:3])
    theirs = [
        (orjson.loads(answer.body), dict(answer.headers))
        for answer in recorded
        if answer.status == status and b"secondary rate limit" in answer.body
    ]
    assert theirs
    disturbed(kind)
    answer = ask(f"{world.base_url}/repos/{names[0]}")
    ours = orjson.loads(answer.body)
    assert answer.status == status
    sentences = {body["message"].rstrip(".") for body, _ in theirs}
    assert ours["message"].rstrip(".") in sentences
    assert set.union(*(set(body) for body, _ in theirs)) <= ours.keys()
    waits = [headers["retry-after"] for _, headers in theirs if "retry-after" in headers]
    if kind.endswith("retry-after"):
        assert answer.headers["Retry-After"] == "7"
        assert status == 403 or any(wait.isdigit() for wait in waits)
    else:
        assert "Retry-After" not in answer.headers
        assert len(waits) < len(theirs)


def test_an_unknown_token_is_refused_in_githubs_words(recorded, world):
    answer = ask(f"{world.base_url}/rate_limit", Authorization="Bearer revoked")
    refusals = [orjson.loads(each.body) for each in recorded if each.status == 401]
    known = [body for body in refusals if body.get("message") == "Bad credentials"]
    assert answer.status == 401
    assert known and known[0].keys() <= orjson.loads(answer.body).keys()
    assert orjson.loads(answer.body)["message"] == "Bad credentials"
