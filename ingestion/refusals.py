"""What GitHub means when it does not give what was asked for, in one table, and what follows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ingestion.replies import Reply


class Meaning(Enum):
    """What becomes of a request that is not answered with what it asked for."""

    AWAY = "the repository is away: its tombstone has this answer as evidence, its last values stay"
    NOTHING = "there is nothing here: an answer, asked again when a counter moves or a week later"
    NOT_NOW = "it is being made: later runs ask again, from the third day on once a week"
    NEVER = "upstream does not give it out: what was shown until here counts, no run fails for it"
    ASK_LESS = "it was too much for upstream: the same is asked for fewer, then for each one alone"
    FORBIDDEN = (
        "the token may not see it: named as a failure until the token or the watchlist is changed"
    )


@dataclass(frozen=True)
class Refusal:
    """One shape of an answer: its status or GraphQL error type, and a sign that it must show.

    `field` is a key of the body's object, `words` stand in its message. `of_repository` is the meaning
    where the repository itself was asked for, not something below it.
    """

    answer: int | str
    meaning: Meaning
    words: str = ""
    field: str = ""
    of_repository: Meaning | None = None

    def fits(self, answer: int | str | None, content: Any) -> bool:
        said = content if isinstance(content, Mapping) else {}
        return (
            answer == self.answer
            and self.words in str(said.get("message", "")).lower()
            and (not self.field or isinstance(said.get(self.field), Mapping))
        )


# The first that fits counts. Not here: what the client waits for itself (401, 429, limits of rate).
TABLE = (
    Refusal(202, Meaning.NOT_NOW),
    Refusal(204, Meaning.NOTHING),
    Refusal(403, Meaning.AWAY, field="block"),
    Refusal(403, Meaning.NEVER, words="too large"),
    Refusal(404, Meaning.NOTHING, of_repository=Meaning.AWAY),
    Refusal(409, Meaning.NOTHING),  # a git repository without a commit
    Refusal(410, Meaning.NOTHING, of_repository=Meaning.AWAY),  # issues are switched off
    Refusal(422, Meaning.NEVER, words="pagination"),
    Refusal(422, Meaning.NOTHING),  # no such commit
    Refusal(451, Meaning.AWAY),
    Refusal(502, Meaning.ASK_LESS),
    Refusal(504, Meaning.ASK_LESS),
    Refusal("NOT_FOUND", Meaning.AWAY),
    Refusal("FORBIDDEN", Meaning.FORBIDDEN),
    Refusal("INSUFFICIENT_SCOPES", Meaning.FORBIDDEN),
)  # fmt: skip


def meaning_of(reply: Reply, *, of_repository: bool = False) -> Meaning | None:
    """What an answer by REST means that does not hold what was asked for; None if the table lacks it."""
    if reply.status in (200, 304):
        return None
    content = reply.said
    for refusal in TABLE:
        if refusal.fits(reply.status, content):
            return (refusal.of_repository if of_repository else None) or refusal.meaning
    return None


def meaning_of_error(error: Mapping[str, Any]) -> Meaning:
    """What an error in a GraphQL answer means; one without a type may not come for fewer ids."""
    kind = error.get("type")
    found = (refusal.meaning for refusal in TABLE if refusal.fits(kind, error))
    return next(found, Meaning.ASK_LESS)
