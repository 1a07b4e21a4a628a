"""What is served follows what is published, and is whole at every moment."""

from __future__ import annotations

import time
from datetime import date

DAY = date(2026, 11, 1)


def ready(client, **wanted) -> dict:
    """What /readyz says, as soon as it says what is wanted."""
    for _ in range(200):
        answer = client.get("/readyz").json()
        if wanted.items() <= answer.items():
            return answer
        time.sleep(0.1)
    raise AssertionError(answer)


def test_nothing_is_ready_until_something_is_published(house, client):
    with client:
        assert client.get("/healthz").json() == {"status": "ok"}
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "10"
        house.product("spark", "4.1.0", DAY)
        house.publish()
        assert ready(client, version=1)["failure"] is None


def test_a_later_publication_is_taken_without_a_restart(house, client):
    house.product("spark", "4.1.0", DAY)
    house.publish()
    with client:
        ready(client, version=1)
        held = client.app.state.follower.model
        house.sql("update marts.products set latest_version = '4.2.0'")
        house.publish()
        ready(client, version=2)
        newest = client.app.state.follower.model
        latest = "select latest_version from products"
        assert (held.row(latest)[0], newest.row(latest)[0]) == ("4.1.0", "4.2.0")


def test_what_cannot_be_taken_is_said_and_the_last_state_stays(house, client):
    house.product("spark", "4.1.0", DAY)
    house.publish()
    with client:
        ready(client, version=1)
        pointer = house.place.published / "CURRENT.json"
        whole = pointer.read_text()
        pointer.write_text("{")
        for _ in range(100):
            answer = client.get("/readyz").json()
            if answer.get("failure"):
                break
            time.sleep(0.1)
        assert (answer["version"], bool(answer["failure"])) == (1, True)
        pointer.write_text(whole)
        ready(client, version=1, failure=None)
