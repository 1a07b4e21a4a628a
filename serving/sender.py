"""The Sender: posts the release feed, in S1's wire shape, to any server that takes it, and keeps a proof."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
import requests
from filelock import FileLock
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from trendhouse.errors import TrendhouseError
from trendhouse.lake.lake import replace_text
from trendhouse.settings import Place
from trendhouse.state import read_state
from warehouse.published import connect

PROOFS = "sent.json"
BATCH = 5_000
TRIES = 5
SECONDS = 60
# Nobody waits longer for a server that asks for patience.
LONGEST_WAIT = 300.0
SHOWN = 500
# What upstream stands by, each version once, by the source that knows it best; newest first.
FEED = """
    select product_name, version, coalesce(link, ''), strftime(released_date, '%Y-%m-%d')
    -- A publication of before has no such column.
    from (select * from releases union all by name select cast(null as boolean) as is_planned where false)
    where released_date is not null and is_planned is not true
        and is_draft is not true and is_withdrawn is not true and is_deleted is not true
        and (is_version or release_kind = 'release')
    qualify row_number() over (
        partition by product_name, version
        order by case release_kind when 'release' then 1 when 'statement' then 2 else 3 end, source_name
    ) = 1
    order by released_date desc, product_name, version
"""


class SendFailed(TrendhouseError):
    """The server did not take the feed; the message says what it answered, and what to do."""


class Busy(Exception):
    """The server or the way to it may do better later; `after` are the seconds that it asks for."""

    def __init__(self, said: str, after: float | None = None) -> None:
        super().__init__(said)
        self.after = after


@dataclass(frozen=True)
class Proof:
    """A delivery: when (UTC), where to (no credentials), how many rows in how many requests, the SHA-256 of the
    whole feed, and what the server answered to the last request."""

    sent_at: str
    url: str
    rows: int
    requests: int
    digest: str
    status: int
    answer: str


@dataclass
class Sender:
    """Posts the published releases of one world. `wait` and `tries` are how patient it is."""

    place: Place
    key: str | None = None
    tries: int = TRIES
    first_wait: float = 1.0
    session: requests.Session = field(default_factory=requests.Session)

    def send(
        self,
        url: str,
        *,
        again: bool = False,
        progress: Callable[[int, int], None] = lambda done, rows: None,
    ) -> Proof | None:
        """Post the feed; None if this very feed was delivered there before, unless it is to go `again`.

        Raises SendFailed; what was not delivered whole has no proof, and goes whole the next time.
        """
        target = without_credentials(url)
        with FileLock(self.place.root / f"{PROOFS}.lock"):
            rows = feed(self.place)
            digest = hashlib.sha256(orjson.dumps(rows)).hexdigest()
            if not again and newest_proof(self.place, target, digest):
                return None
            parts = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)] or [[]]
            for number, part in enumerate(parts, start=1):
                answer = self.post(url, orjson.dumps(part))
                progress(min(number * BATCH, len(rows)), len(rows))
            proof = Proof(
                sent_at=datetime.now(UTC).isoformat(timespec="seconds"),
                url=target,
                rows=len(rows),
                requests=len(parts),
                digest=digest,
                status=answer.status_code,
                answer=answer.text[:SHOWN],
            )
            keep(self.place, proof)
            return proof

    def post(self, url: str, body: bytes) -> requests.Response:
        """One request, tried again where that may help. Raises SendFailed."""
        trying = Retrying(
            retry=retry_if_exception_type(Busy),
            stop=stop_after_attempt(self.tries),
            wait=self.pause,
            reraise=True,
        )
        try:
            return trying(self.try_once, url, body)
        except Busy as error:
            said = f"{without_credentials(url)}: {error}, after {self.tries} tries. Send it again later."
            raise SendFailed(said) from error

    def try_once(self, url: str, body: bytes) -> requests.Response:
        try:
            answer = self.session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json"},
                # As `auth`, neither a .netrc nor the address takes the key's place.
                auth=self.signed if self.key else None,
                timeout=SECONDS,
                allow_redirects=False,
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            raise Busy(f"no answer ({type(error).__name__})") from None
        except requests.RequestException as error:
            raise SendFailed(f"{without_credentials(url)}: {type(error).__name__}.") from None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Busy(f"answered {answer.status_code}", patience(answer))
        if not answer.ok or answer.is_redirect:
            said = " ".join(answer.text[:SHOWN].split())
            hint = (
                " Is TRENDHOUSE_SEND_KEY set and right?" if answer.status_code in (401, 403) else ""
            )
            raise SendFailed(
                f"{without_credentials(url)} answered {answer.status_code}: {said}{hint}"
            )
        return answer

    def signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request

    def pause(self, state: RetryCallState) -> float:
        """As long as the server asks for, else longer from try to try; seconds."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Busy) and error.after is not None:
            return min(error.after, LONGEST_WAIT)
        return wait_random_exponential(multiplier=self.first_wait, max=60)(state)


def feed(place: Place) -> list[list[str]]:
    """[product, version, link, ISO date] of every published release, newest first. Raises NothingPublished."""
    with connect(place) as connection:
        return [list(row) for row in connection.execute(FEED).fetchall()]


def patience(answer: requests.Response) -> float | None:
    """Seconds of `Retry-After`; None where it says none, or a date."""
    told = answer.headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else None


def without_credentials(url: str) -> str:
    """The address without user, password and query, as it may be written down. Raises SendFailed."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SendFailed("Give an http:// or https:// address.")
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def proofs(place: Place) -> list[dict[str, Any]]:
    """Every delivery of this world, the oldest first."""
    path = place.root / PROOFS
    return read_state(path, list) if path.exists() else []


def newest_proof(place: Place, url: str, digest: str) -> dict[str, Any] | None:
    """The last delivery to an address, if it was of this feed."""
    of_url = [each for each in proofs(place) if each["url"] == url]
    return of_url[-1] if of_url and of_url[-1]["digest"] == digest else None


def keep(place: Place, proof: Proof) -> None:
    told = json.dumps([*proofs(place), asdict(proof)], indent=1, ensure_ascii=False)
    replace_text(place.root / PROOFS, told)
