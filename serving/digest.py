"""The digest of new releases, by Slack and by mail: each release once, and nothing where nothing is new."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock

from serving.model import Model
from serving.pages.notes import is_web
from serving.queries import releases
from trendhouse.errors import TrendhouseError
from trendhouse.lake.lake import replace_text
from trendhouse.settings import Place, Settings
from trendhouse.state import read_state

if TYPE_CHECKING:
    from collections.abc import Callable

Language = Literal["en", "ko"]
TOLD = "digests.json"
# A first digest, or one after a long silence, goes so far back; what is older is no news.
DAYS = 7
SHOWN = 40
TITLES = {
    "en": ("{count} new release", "{count} new releases"),
    "ko": ("새 릴리스 {count}개", "새 릴리스 {count}개"),
}
PRERELEASE = {"en": "pre-release", "ko": "사전 공개"}
MORE = {"en": "and {count} more", "ko": "그 외 {count}개"}


class DigestFailed(TrendhouseError):
    """A digest that could not be sent; the message says by which way and what to do."""


@dataclass(frozen=True)
class Digest:
    """New releases, newest first, in the words of a language."""

    found: Sequence[releases.Release]
    language: Language

    @property
    def title(self) -> str:
        one, many = TITLES[self.language]
        return (one if len(self.found) == 1 else many).format(count=len(self.found))

    @property
    def more(self) -> str:
        """How many are not listed; empty if all are."""
        rest = len(self.found) - SHOWN
        return MORE[self.language].format(count=rest) if rest > 0 else ""

    def mark(self, release: releases.Release) -> str:
        return f" ({PRERELEASE[self.language]})" if release.is_prerelease else ""

    def blocks(self) -> list[dict[str, Any]]:
        """The digest as Slack's blocks, within its limits of length."""
        from trendhouse.notify.slack import escaped, section

        lines = [
            f"• {day_of(each)} {linked(each, escaped)}{self.mark(each)}"
            for each in self.found[:SHOWN]
        ]
        lines += [self.more] if self.more else []
        header = {"type": "header", "text": {"type": "plain_text", "text": self.title}}
        return [header, *(section("\n".join(lines[at : at + 4])) for at in range(0, len(lines), 4))]

    def html(self) -> str:
        """The digest as a mail that any reader shows."""
        rows = "".join(
            f"<tr><td>{day_of(each)}</td><td>{anchor(each)}{escape(self.mark(each))}</td></tr>\n"
            for each in self.found[:SHOWN]
        )
        rest = f"<p>{escape(self.more)}</p>" if self.more else ""
        return f"<p><b>{escape(self.title)}</b></p>\n<table>\n{rows}</table>\n{rest}"


def day_of(release: releases.Release) -> str:
    return release.day or ""


def linked(release: releases.Release, escaped: Callable[[str], str]) -> str:
    """Product and version, as Slack links them."""
    name = escaped(f"{release.product} {release.version}")[:300]
    link = (release.link or "").replace("|", "%7C").replace(">", "%3E")
    return f"<{escaped(link)}|{name}>" if is_web(link) and len(link) < 300 else name


def anchor(release: releases.Release) -> str:
    name = escape(f"{release.product} {release.version}")
    return f"<a href='{escape(release.link or '')}'>{name}</a>" if is_web(release.link) else name


class Told:
    """Which releases each way has told of, by product and version, with their days; kept a year."""

    def __init__(self, place: Place) -> None:
        self.path = place.root / TOLD
        self.lock = FileLock(place.root / f"{TOLD}.lock")

    def by(self, way: str) -> dict[str, str]:
        return self.all().get(way, {})

    def all(self) -> dict[str, dict[str, str]]:
        return read_state(self.path) if self.path.exists() else {}

    def keep(self, way: str, found: Iterable[releases.Release], today: date) -> None:
        oldest = (today - timedelta(days=365)).isoformat()
        known = {key: day for key, day in self.by(way).items() if day >= oldest}
        known |= {key_of(each): each.day or "" for each in found}
        replace_text(
            self.path, json.dumps({**self.all(), way: known}, indent=1, ensure_ascii=False)
        )


def key_of(release: releases.Release) -> str:
    return f"{release.product} {release.version}"


def new(
    model: Model, told: dict[str, str], products: Sequence[str], today: date, days: int = DAYS
) -> list[releases.Release]:
    """Releases of the last days that nobody was told of, newest first."""
    since = (today - timedelta(days=days)).isoformat()
    found: list[releases.Release] = []
    before = None
    while page := releases.newest(model, products, before=before, limit=releases.MOST):
        fitting = [each for each in page if (each.day or "") >= since]
        found += [each for each in fitting if key_of(each) not in told]
        if len(fitting) < len(page):
            break
        before = page[-1].place
    return found


def send(
    settings: Settings,
    model: Model,
    ways: Sequence[str],
    *,
    products: Sequence[str] = (),
    language: Language = "en",
    days: int = DAYS,
    now: datetime | None = None,
) -> dict[str, int]:
    """Tell of what is new by each way, `slack` or `mail`; way to number of releases told, 0 for silence.

    A release is written down once it was told; a way that fails is told the same again the next time. Raises
    DigestFailed after the other ways have been tried.
    """
    today = (now or settings.clock()).date()
    told, counts, failures = Told(settings.place), {}, []
    with told.lock:
        for way in ways:
            found = new(model, told.by(way), products, today, days)
            if found:
                try:
                    WAYS[way](Digest(found, language), settings)
                except DigestFailed as error:
                    failures.append(str(error))
                    continue
                told.keep(way, found, today)
            counts[way] = len(found)
    if failures:
        raise DigestFailed("\n".join(failures))
    return counts


def by_slack(digest: Digest, settings: Settings) -> None:
    """Raises DigestFailed."""
    connection, redact = way_to("slack_default", settings)
    from trendhouse.notify import slack

    deliver("slack", redact, slack.post, connection, digest.title, digest.blocks())


def by_mail(digest: Digest, settings: Settings) -> None:
    """Raises DigestFailed."""
    if not settings.alert_mail:
        raise DigestFailed("mail: TRENDHOUSE_ALERT_MAIL names nobody.")
    _, redact = way_to("smtp_default", settings)
    from trendhouse.notify import mail

    to = [part.strip() for part in settings.alert_mail.split(",") if part.strip()]
    deliver("mail", redact, mail.post, to, f"[trendhouse] {digest.title}", digest.html())


WAYS = {"slack": by_slack, "mail": by_mail}


def way_to(connection_id: str, settings: Settings) -> tuple[Any, Callable[[str], str]]:
    """The connection, and what masks secrets. Raises DigestFailed where there is none."""
    try:
        from trendhouse.notify import connections
        from trendhouse.notify.redaction import redactor
    except ModuleNotFoundError as error:
        raise DigestFailed("Messages go by Airflow's hooks: `bin/environment airflow`.") from error
    connection = connections.find(connection_id)
    if connection is None:
        variable = f"AIRFLOW_CONN_{connection_id.upper()}"
        raise DigestFailed(f"There is no connection `{connection_id}`: set {variable}.")
    return connection, redactor([*settings.tokens, *connections.secrets(connection_id)])


def deliver(way: str, redact: Callable[[str], str], post: Callable[..., None], *what: Any) -> None:
    try:
        post(*what)
    except Exception as error:
        said = redact(f"{type(error).__name__}: {error}")
        raise DigestFailed(f"{way}: not delivered, {said}") from None
