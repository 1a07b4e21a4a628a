"""Who has been erased: salted hashes that the lake keeps, and how a record loses such a person."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache

import orjson

from ingestion.lake import Lake, replace_text

FILE = "erasures.json"
PERSON_KEYS = {
    "user", "author", "actor", "owner", "committer", "assignee", "assignees", "closed_by", "merged_by",
    "sender", "uploader", "member", "pusher", "requested_reviewers", "actor_attributes",
}  # fmt: skip
IDENTIFYING = ("login", "id", "email", "name")
AUTHOR_KEYS = ("user", "author", "actor")
TEXT_KEYS = {"title", "body", "message"}
# What an erased person leaves behind, so that counts stay: no name, no address, no link.
KEPT_KEYS = {"type", "date", "contributions", "site_admin"}


@dataclass(frozen=True)
class Person:
    """One erased person: hashes of what identified them, and what stands in their place."""

    hashes: tuple[str, ...]
    pseudonym: str
    number: int


class Erasures:
    """The erased persons of a lake. Without the salt's file the hashes say nothing."""

    def __init__(self, salt: str, persons: list[Person]) -> None:
        self.salt, self.persons = salt, persons
        self.by_hash = {value: person for person in persons for value in person.hashes}
        self.find = lru_cache(100_000)(self._find)

    def _find(self, value: str) -> Person | None:
        return self.by_hash.get(self.hash(value))

    def hash(self, value: str) -> str:
        return hashlib.sha256(f"{self.salt}:{value.strip().lower()}".encode()).hexdigest()

    def add(self, values: Iterable[str]) -> Person:
        hashes = tuple(sorted(self.hash(value) for value in values))
        known = next((p for p in self.persons if set(p.hashes) & set(hashes)), None)
        number = known.number if known else -int(hashes[0][:15], 16)
        person = Person(
            tuple(sorted({*hashes, *(known.hashes if known else ())})),
            f"erased-{-number:x}",
            number,
        )
        self.persons = [*(p for p in self.persons if p is not known), person]
        self.__init__(self.salt, self.persons)
        return person


def read_erasures(lake: Lake) -> Erasures | None:
    path = lake.root / FILE
    if not path.exists():
        return None
    said = json.loads(path.read_text())
    return Erasures(
        said["salt"],
        [Person(tuple(p["hashes"]), p["pseudonym"], p["number"]) for p in said["persons"]],
    )


def remember(lake: Lake, values: Iterable[str]) -> Erasures:
    """Add a person to the lake's list; what is landed later is erased before it is read."""
    erasures = read_erasures(lake) or Erasures(secrets.token_hex(16), [])
    erasures.add(values)
    persons = [asdict(person) for person in erasures.persons]
    replace_text(
        lake.root / FILE, json.dumps({"salt": erasures.salt, "persons": persons}, indent=1)
    )
    return erasures


def person_of(value: dict, erasures: Erasures) -> Person | None:
    """The erased person that an object describes, by login, database id, e-mail or name."""
    for key in IDENTIFYING:
        found = value.get(key)
        if isinstance(found, str | int) and (person := erasures.find(str(found))):
            return person
    return None


def scrub_text(text: str | None, erasures: Erasures) -> str | None:
    """A record without the erased persons; the very same text if it names none, or is not JSON."""
    try:
        value = orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return text
    scrubbed = scrub(value, erasures)
    return text if scrubbed == value else orjson.dumps(scrubbed).decode()


def scrub(value: object, erasures: Erasures) -> object:
    """The value with each erased person's object replaced, and the texts of what they wrote removed."""
    if isinstance(value, list):
        return [scrub(item, erasures) for item in value]
    if not isinstance(value, dict):
        return value
    if "login" in value and (person := person_of(value, erasures)):
        return replaced(value, person)
    result = {key: scrub_field(key, item, erasures) for key, item in value.items()}
    commit = value.get("commit") if isinstance(value.get("commit"), dict) else {}
    writers = [*(value.get(key) for key in AUTHOR_KEYS), commit.get("author")]
    if any(is_erased(writer, erasures) for writer in writers):
        return without_texts(result)
    return result


def scrub_field(key: str, item: object, erasures: Erasures) -> object:
    if key not in PERSON_KEYS:
        return scrub(item, erasures)
    if isinstance(item, list):
        return [scrub_field(key, one, erasures) for one in item]
    if isinstance(item, str) and (person := erasures.find(item)):
        return person.pseudonym
    if isinstance(item, dict) and (person := person_of(item, erasures)):
        return replaced(item, person)
    return scrub(item, erasures)


def is_erased(writer: object, erasures: Erasures) -> bool:
    if isinstance(writer, dict):
        return person_of(writer, erasures) is not None
    return isinstance(writer, str) and erasures.find(writer) is not None


def replaced(value: dict, person: Person) -> dict:
    kept = {key: item for key, item in value.items() if key in KEPT_KEYS}
    return {
        "login": person.pseudonym,
        "id": person.number,
        "name": person.pseudonym,
        "erased": True,
        **kept,
    }


def without_texts(value: object) -> object:
    """The value with every title, body and message below it set to null."""
    if isinstance(value, list):
        return [without_texts(item) for item in value]
    if isinstance(value, dict):
        return {
            k: None if k in TEXT_KEYS and isinstance(v, str) else without_texts(v)
            for k, v in value.items()
        }
    return value
