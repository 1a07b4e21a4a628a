"""The recorded GitHub answers, found again by the request that once fetched them."""

import gzip
import pathlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

TOLERATED = {"sort", "direction", "order", "per_page", "since", "until", "anon"}
"""Parameters in which a recording may differ from the request and still answer it."""

DECISIVE = {"q", "after", "before", "last_sha", "state"}
"""Parameters that make another question: a recording must agree in them."""

DROPPED_HEADERS = {"transfer-encoding", "content-encoding", "content-length", "connection"}
LINK = re.compile(r'<([^>]*)>;\s*rel="([^"]+)"')
TEMPLATE = re.compile(r"\{\{(now|testStartDate)((?:\s+\w+='[^']*')*)\s*\}\}")
REPOSITORY_KEYS = {"id", "full_name", "owner", "stargazers_count", "created_at"}

DEFAULTS = {"state": "open"}
"""What GitHub takes a decisive parameter for that is not given."""

NAMED = {"repos": 4, "users": 3, "orgs": 3}
"""The paths that begin with names, and where these end: in names GitHub minds no letter case."""

Query = tuple[tuple[str, str], ...]
"""The decoded parameters of a request, sorted."""


def fold(path: str) -> str:
    """A path with the names in it in lower case."""
    parts = path.split("/")
    end = NAMED.get(parts[1], 0) if len(parts) > 1 else 0
    return "/".join([*(part.lower() for part in parts[:end]), *parts[end:]])


def read_query(text: str) -> Query:
    """The decoded, sorted parameters of a raw query string; `+` is a space, as GitHub reads it."""
    return tuple(sorted(parse_qsl(text, keep_blank_values=True)))


@dataclass(frozen=True)
class Recording:
    """One recorded answer: the request's path and query, and what GitHub said."""

    id: str
    path: str
    query: Query
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...]
    recorded_at: datetime | None
    next_target: tuple[str, Query] | None = field(default=None)

    @property
    def page(self) -> int:
        """The page that was asked for; GitHub's first page needs no parameter."""
        return page_of(self.query)

    @property
    def date_order(self) -> datetime:
        """The answer's Date; a recording whose Date is a template is older than any dated one."""
        return self.recorded_at or datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class KnownRepository:
    """A repository object that some recorded answer carries, with the time of that answer."""

    record: dict
    seen_at: datetime
    recording_id: str


def page_of(query: Query) -> int:
    """The `page` of a query; absent or unreadable is 1, as GitHub has it."""
    page = dict(query).get("page", "1")
    return int(page) if page.isdigit() else 1


def render(text: str, now: datetime) -> str:
    """Replace the recorder's time templates by times counted from `now`.

    Raises:
        ValueError: the template asks for a unit or a format that no recording has used so far.
    """
    return TEMPLATE.sub(lambda match: render_template(match[2], now), text)


def render_template(arguments: str, now: datetime) -> str:
    given = dict(re.findall(r"(\w+)='([^']*)'", arguments))
    amount, _, unit = given.get("offset", "0 seconds").partition(" ")
    moment = now + timedelta(**{unit: int(amount)}) if unit in ("seconds", "hours") else None
    if moment is None:
        raise ValueError(f"time template with an unknown unit: {arguments!r}")
    if given.get("format") == "unix":
        return str(int(moment.timestamp()))
    if given.get("format") == "EEE, dd MMM yyyy HH:mm:ss z":
        return format_datetime(moment.astimezone(UTC), usegmt=True)
    raise ValueError(f"time template with an unknown format: {arguments!r}")


def read_recordings(folder: pathlib.Path) -> Iterator[Recording]:
    """One `Recording` per line of `github_api/*.jsonl.gz` and per recorded `/users/{u}/repos` page.

    Raises:
        FileNotFoundError: the folder holds no recordings.
    """
    sources = sorted((folder / "github_api").glob("*.jsonl.gz"))
    if not sources:
        raise FileNotFoundError(f"no recordings: {folder / 'github_api'}/*.jsonl.gz is empty")
    for source in sources:
        with gzip.open(source, "rb") as lines:
            for number, line in enumerate(lines, start=1):
                yield read_line(f"{source.name.split('-GET')[0]}-{number:04d}", line)
    for page in sorted((folder / "github_api").glob("repurrrsive_users_*_repos.json")):
        yield read_bare_page(page.name.removeprefix("repurrrsive_users_"), page.read_bytes())


def read_bare_page(name: str, body: bytes) -> Recording:
    """A page that was kept without its headers.

    Its Date is the latest moment that the page itself attests (a push or an update): the true one
    was not recorded, and without any the counters would count as seen today.
    """
    login = name.removesuffix("_repos.json")
    moments = [record[key] for record in orjson.loads(body) for key in ("pushed_at", "updated_at")]
    attested = max(datetime.fromisoformat(moment) for moment in moments if moment)
    return Recording(
        id=f"repurrrsive-{login}",
        path=f"/users/{login}/repos",
        query=(),
        status=200,
        body=body,
        headers=(
            ("content-type", "application/json; charset=utf-8"),
            ("date", format_datetime(attested.astimezone(UTC), usegmt=True)),
        ),
        recorded_at=attested,
    )


def read_line(recording_id: str, line: bytes) -> Recording:
    record = orjson.loads(line)
    url = urlsplit(record["url"])
    headers = {name.lower(): value for name, value in record["headers"].items()}
    links = {rel: target for target, rel in LINK.findall(headers.get("link", ""))}
    following = urlsplit(links["next"]) if "next" in links else None
    return Recording(
        id=recording_id,
        path=unquote(url.path),
        query=read_query(url.query),
        status=record["status"],
        body=record["body"].encode(),
        headers=tuple(
            (name, ", ".join(value) if isinstance(value, list) else value)
            for name, value in headers.items()
            if name not in DROPPED_HEADERS
        ),
        recorded_at=read_date(headers.get("date", "")),
        next_target=following and (unquote(following.path), read_query(following.query)),
    )


def read_date(text: str) -> datetime | None:
    """The Date header as UTC; None where it is missing or a template."""
    return parsedate_to_datetime(text) if text and "{{" not in text else None


class Library:
    """All recordings, by id and by path, and the repositories that they know."""

    def __init__(self, recordings: Iterator[Recording]) -> None:
        self.by_id: dict[str, Recording] = {}
        self.by_path: dict[str, list[Recording]] = {}
        self.repositories: dict[str, KnownRepository] = {}
        self.malformed: list[str] = []
        for recording in recordings:
            self.by_id[recording.id] = recording
            self.by_path.setdefault(fold(recording.path), []).append(recording)
            self._learn_repositories(recording)
        self.paths_of_id: dict[str, set[str]] = {}
        for name, known in self.repositories.items():
            self.paths_of_id.setdefault(f"/repositories/{known.record['id']}", set()).add(name)

    def recorded(self, path: str) -> list[Recording]:
        """The recordings of exactly this path, whatever the query."""
        return self.by_path.get(fold(path), [])

    def _learn_repositories(self, recording: Recording) -> None:
        if recording.status != 200 or recording.body[:1] not in (b"{", b"["):
            return
        if b'"stargazers_count"' not in recording.body:
            return
        try:
            waiting = [orjson.loads(recording.body)]
        except orjson.JSONDecodeError:  # the recorder's placeholders made a few bodies malformed
            self.malformed.append(recording.id)
            return
        while waiting:
            value = waiting.pop()
            if isinstance(value, list):
                waiting.extend(value)
            elif isinstance(value, dict):
                waiting.extend(child for child in value.values() if isinstance(child, dict | list))
                if value.keys() >= REPOSITORY_KEYS:
                    self._remember(value, recording)

    def _remember(self, record: dict, recording: Recording) -> None:
        path = fold(f"/repos/{record['full_name']}")
        known = self.repositories.get(path)
        if known is None or known.seen_at < recording.date_order:
            self.repositories[path] = KnownRepository(record, recording.date_order, recording.id)

    def aliases(self, path: str) -> list[str]:
        """The path, then the same thing under the repository's other names or its id; names folded."""
        path = fold(path)
        parts = path.split("/")
        if parts[1:2] == ["repositories"] and len(parts) > 2:
            stem, rest = "/".join(parts[:3]), parts[3:]
            others = sorted(self.paths_of_id.get(stem, ()))
        elif parts[1:2] == ["repos"] and len(parts) > 3:
            stem, rest = "/".join(parts[:4]), parts[4:]
            known = self.repositories.get(stem)
            others = [f"/repositories/{known.record['id']}"] if known else []
        elif parts[1:2] == ["users"] and parts[3:] == ["repos"]:
            return [path, f"/orgs/{parts[2]}/repos"]
        else:
            return [path]
        return [path, *("/".join([other, *rest]) for other in others)]

    def known(self, path: str) -> KnownRepository | None:
        """The newest repository object known for `/repos/{o}/{r}` or `/repositories/{id}`."""
        known = [
            self.repositories[alias] for alias in self.aliases(path) if alias in self.repositories
        ]
        return max(known, key=lambda repository: repository.seen_at, default=None)

    def find(self, path: str, query: Query) -> Recording | None:
        """The recording that answers a request best, or None.

        The identical query decides first, then the same page with the fewest other differences;
        among equals the path itself before its aliases, a 200 before errors, the newest.
        """
        fitting = [
            (-distance, -order, recording.status == 200, recording.date_order, recording.id)
            for order, alias in enumerate(self.aliases(path))
            for recording in self.recorded(alias)
            if (distance := difference(query, recording.query)) is not None
        ]
        return self.by_id[max(fitting)[-1]] if fitting else None

    def leads_on(self, recording: Recording) -> bool:
        """Whether the Link `next` of a recording leads to another recorded page."""
        if recording.next_target is None:
            return False
        path, query = recording.next_target
        found = self.find(path, query)
        if found is None or found.status != 200:
            return False
        return found.query == query or page_of(query) > 1


def difference(asked: Query, recorded: Query) -> int | None:
    """How far a recorded query is from the one asked; 0 is identical, None does not answer it."""
    if asked == recorded:
        return 0
    if page_of(asked) != page_of(recorded):
        return None
    ours, theirs = DEFAULTS | dict(asked), DEFAULTS | dict(recorded)
    names = {name for name in ours | theirs if ours.get(name) != theirs.get(name)} - {"page"}
    if names & DECISIVE:
        return None
    return 1 + sum(1 if name in TOLERATED else 100 for name in names)
