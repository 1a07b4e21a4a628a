"""Who has been erased: salted hashes that the lake keeps, and how a record loses such a person."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from trendhouse.lake.lake import Lake, replace_text
from trendhouse.state import read_state

FILE = "erasures.json"
PERSON_KEYS = {
    "user", "author", "actor", "owner", "committer", "assignee", "assignees", "closed_by", "merged_by",
    "sender", "uploader", "member", "pusher", "requested_reviewers", "actor_attributes", "username",
    "login",
}  # fmt: skip
ID_KEYS = ("id", "databaseId")
IDENTIFYING = ("login", *ID_KEYS, "email", "name")
AUTHOR_KEYS = ("user", "author", "actor")
TEXT_KEYS = {"title", "body", "message"}
# Strings that are `owner/name` of a repository, or `owner:branch`.
NAME_KEYS = {
    "full_name", "name", "nameWithOwner", "repository_name", "repo", "label", "target", "product_name",
    "fork_name", "product", "owner_name",
}  # fmt: skip
# Strings that are a record's key, whose parts may identify a person, and whether the first part may.
KEYED = {"contributor_key": True, "object_key": False}
# What an erased person leaves behind, so that counts stay: no name, no address, no link.
KEPT_KEYS = {"type", "date", "contributions", "site_admin"}
LOGIN = r"[A-Za-z0-9][A-Za-z0-9-]*(?:\[bot\])?"
MENTION = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    rf"|(?:(?<=@)|(?<=github\.com[/:])|(?<=/repos/)|(?<=/users/)|(?<=/orgs/)|(?<=user:)|(?<=org:)){LOGIN}",
    re.IGNORECASE,
)
NAMED = re.compile(rf"({LOGIN})([/:]\S+)")


class Erasures:
    """The erased identities of a lake. What stands in for a value depends on that value alone, so that
    raw and clean agree, distinct values stay distinct, and doing it again changes nothing."""

    def __init__(self, salt: str, hashes: Iterable[str]) -> None:
        self.salt, self.hashes = salt, set(hashes)
        self.holds = lru_cache(100_000)(self._holds)

    def _holds(self, value: str) -> bool:
        return self.hash(value) in self.hashes

    def hash(self, value: str) -> str:
        return hashlib.sha256(f"{self.salt}:{value.strip().lower()}".encode()).hexdigest()

    def text(self, value: str) -> str:
        """What stands in for a login, name or e-mail."""
        stand_in = f"erased-{self.hash(value)[:12]}"
        return f"{stand_in}@erased.invalid" if "@" in value else stand_in

    def number(self, value: int | str) -> int:
        """What stands in for a database id: a negative number of at most 52 bits."""
        return -int(self.hash(str(value))[:13], 16)

    def identity(self, value: int | str) -> int | str:
        """What stands in for any of them, of the same type."""
        if isinstance(value, str):
            return str(self.number(value)) if value.isdigit() else self.text(value)
        return self.number(value)


def read_erasures(lake: Lake) -> Erasures | None:
    """The lake's list, or None if nobody has ever been erased."""
    path = lake.root / FILE
    return Erasures(**read_state(path)) if path.exists() else None


def remember(lake: Lake, values: Iterable[str]) -> Erasures:
    """Add a person to the lake's list; what is landed later is erased before it is read."""
    erasures = read_erasures(lake) or Erasures(secrets.token_hex(16), [])
    hashes = sorted({*erasures.hashes, *map(erasures.hash, values)})
    said = {"salt": erasures.salt, "hashes": hashes}
    replace_text(lake.root / FILE, json.dumps(said, indent=1))
    return Erasures(**said)


def is_erased(value: Any, erasures: Erasures) -> bool:
    """Whether a value (an object, a login) is an erased person, by login, id, e-mail or name."""
    if isinstance(value, dict):
        found = [value.get(key) for key in IDENTIFYING]
        return any(isinstance(v, str | int) and erasures.holds(str(v)) for v in found)
    return isinstance(value, str) and erasures.holds(value)


def stand_in(key: str, value: Any, erasures: Erasures) -> Any:
    """What takes the place of one field of an erased person; null if it is no identity."""
    if value is None or isinstance(value, bool) or key in KEPT_KEYS:
        return value
    if key in IDENTIFYING and isinstance(value, str | int):
        return erasures.identity(value)
    return None


def scrub_text(text: str | None, erasures: Erasures) -> str | None:
    """A record without the erased; the very same text if it names none of them."""
    if not text:
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return without_mentions(text, erasures)
    scrubbed = scrub(value, erasures)
    return text if scrubbed == value else orjson.dumps(scrubbed).decode()


def scrub(value: Any, erasures: Erasures, key: str = "") -> Any:
    """The value, which stands under `key`, without the erased and the texts of what they wrote."""
    if isinstance(value, list):
        return [scrub(item, erasures, key) for item in value]
    if isinstance(value, str):
        return scrub_string(key, value, erasures)
    if not isinstance(value, dict):
        return value
    is_person = key in PERSON_KEYS or "login" in value or "contributions" in value
    if is_person and is_erased(value, erasures):
        return replaced(value, erasures)
    result = {name: scrub(item, erasures, name) for name, item in value.items()}
    inner = value.get("commit") if isinstance(value.get("commit"), dict) else {}
    for role in ("author", "committer"):  # account and signature of a commit are one person
        pair = [value.get(role), inner.get(role)]
        if inner and any(is_erased(one, erasures) for one in pair):
            for holder in (result, result["commit"]):
                if isinstance(holder.get(role), dict) and role in (
                    value if holder is result else inner
                ):
                    source = value if holder is result else inner
                    holder[role] = replaced(source[role], erasures)
    writers = [*(value.get(role) for role in AUTHOR_KEYS), inner.get("author")]
    return without_texts(result) if any(is_erased(w, erasures) for w in writers) else result


def scrub_string(key: str, text: str, erasures: Erasures) -> str:
    """A string without mentions of the erased: @login, e-mail, addresses, `owner/name`."""
    if key in PERSON_KEYS and erasures.holds(text):
        return erasures.text(text)
    if key in KEYED:
        return key_without(text, erasures, is_person_first=KEYED[key])
    if key in NAME_KEYS:
        if key in ("target", "owner_name") and erasures.holds(text):
            return erasures.text(text)
        named = NAMED.fullmatch(text)
        if named and erasures.holds(named[1]):
            return erasures.text(named[1]) + named[2]
    return without_mentions(text, erasures)


def key_without(key: str, erasures: Erasures, *, is_person_first: bool = False) -> str:
    """A record key without the person; a number that stands first is an object's id unless said otherwise,
    and `#2` after a name tells namesakes apart."""
    parts = key.split("/")
    return "/".join(
        str(erasures.identity(part))
        if erasures.holds(part.partition("#")[0])
        and (place or is_person_first or not part.isdigit())
        else part
        for place, part in enumerate(parts)
    )


def without_mentions(text: str, erasures: Erasures) -> str:
    def one(found: re.Match) -> str:
        return erasures.text(found[0]) if erasures.holds(found[0]) else found[0]

    return MENTION.sub(one, text)


def replaced(value: dict, erasures: Erasures) -> dict:
    """An erased person's object: the same kind of fields, another identity."""
    kept = {*IDENTIFYING, *KEPT_KEYS}
    return {key: stand_in(key, item, erasures) for key, item in value.items() if key in kept}


def without_texts(value: Any) -> Any:
    """The value with every title, body and message below it set to null."""
    if isinstance(value, list):
        return [without_texts(item) for item in value]
    if isinstance(value, dict):
        return {
            k: None if k in TEXT_KEYS and isinstance(v, str) else without_texts(v)
            for k, v in value.items()
        }
    return value
