"""Serve recorded GitHub answers and git histories as if they were api.github.com."""

import pathlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from aiohttp import web
from multidict import CIMultiDict

from simulator.http import (
    JSON_TYPE,
    Answer,
    Paging,
    error_answer,
    http_date,
    is_unchanged,
    json_answer,
    not_found,
)
from simulator.replay_git import GitHistory, answer_from_history, list_answer, read_histories
from simulator.replay_library import (
    LINK,
    KnownRepository,
    Library,
    Recording,
    read_query,
    read_recordings,
    render,
)
from simulator.replay_lists import is_selectable, items_of, recordings_of, select
from simulator.server import path_class

Headers = CIMultiDict[str]

UPSTREAM_HOST = re.compile(r"https?://(?:api\.github\.com|localhost:\d+)(?=/|$)")
LISTS = {
    *("releases", "tags", "languages", "topics", "license", "issues", "pulls", "commits", "forks"),
    *("contributors", "stats/contributors"),
}
"""Below a repository: the answers that a watchlist entry is worth having for."""


def build_app(folder: pathlib.Path, now: datetime) -> web.Application:
    """The replay of `folder` as a web application; its clock stands at `now`.

    Recorded answers keep status, body, Date and rate-limit headers; `/_simulator/recordings` lists
    them all and `/_simulator/recordings/{id}` answers exactly one. Nothing is metered.

    Raises:
        FileNotFoundError: the folder holds no recordings.
    """
    replay = Replay(folder, now)
    app = web.Application()
    app.router.add_get("/_simulator/recordings", replay.list_recordings)
    app.router.add_get("/_simulator/recordings/{id}", replay.answer_by_id)
    app.router.add_get("/_simulator/health", replay.show_health)
    app.router.add_get("/_simulator/requests", replay.show_requests)
    app.router.add_post("/graphql", replay.refuse_graphql)
    app.router.add_get("/{path:.*}", replay.answer)
    app.on_response_prepare.append(replay.note)
    return app


class Undated(web.Response):
    """An answer that was recorded without a Date header."""


class Replay:
    """The handlers of the replay, over one folder of recordings."""

    def __init__(self, folder: pathlib.Path, now: datetime) -> None:
        self.now = now
        self.library = Library(read_recordings(folder))
        self.histories: dict[str, GitHistory] = {}
        for history in read_histories(folder):
            self.histories[f"/repos/{history.full_name}".lower()] = history
            self.histories[f"/repositories/{history.id}"] = history
        self.counts: Counter[tuple[str, int]] = Counter()
        self.sent_bytes = 0
        self.dead_ends = {
            recording.id
            for recording in self.library.by_id.values()
            if recording.next_target and not self.library.leads_on(recording)
        }

    async def note(self, request: web.Request, response: web.StreamResponse) -> None:
        """Log an answer, and take off the Date that the server adds where none was recorded."""
        if isinstance(response, Undated):
            response.headers.popall("Date")
        if not request.path.startswith("/_simulator/"):
            self.counts[path_class(request.path), response.status] += 1
            self.sent_bytes += len(getattr(response, "body", None) or b"")

    async def show_health(self, request: web.Request) -> web.Response:
        """That the replay is up, and what time it holds for now."""
        content = json_answer({"now": self.now, "ok": True})
        return self.finish(request, content, self.dated(self.now))

    async def show_requests(self, request: web.Request) -> web.Response:
        """Requests by path class and status, and bytes sent, in the simulated world's form."""
        rows = [
            {"path": path, "status": status, "count": count}
            for (path, status), count in sorted(self.counts.items())
        ]
        total, sent = self.counts.total(), self.sent_bytes
        content = json_answer({"total": total, "bytes": sent, "faults": {}, "requests": rows})
        return self.finish(request, content, self.dated(self.now))

    async def answer(self, request: web.Request) -> web.Response:
        """The git history's answer, the best fitting recording's, or GitHub's 404."""
        parts = request.path.split("/")
        stem = "/".join(parts[: 3 if parts[1] == "repositories" else 4])
        if history := self.histories.get(stem.lower()):
            rest = request.path[len(stem) :].strip("/")
            try:
                answer = answer_from_history(history, rest, request.query, request.url.origin())
            except ValueError as broken:
                answer = error_answer(422, f"Validation Failed: {broken}")
            return self.finish(request, answer, self.dated(history.newest_at, "git_history"))
        query = read_query(request.query_string)
        recording = self.library.find(request.path, query)
        is_asked = recording is not None and recording.query == query
        is_other = not is_asked and is_selectable(request.path, request.query)
        if is_other and (known := recordings_of(self.library, request.path)):
            return self.send_selected(request, known)
        if recording:
            return self.send(request, recording, recording.id in self.dead_ends, has_quota=False)
        if known := self.library.known(request.path):
            return self.send_known(request, known)
        return self.finish(request, not_found(), self.dated(self.now))

    async def answer_by_id(self, request: web.Request) -> web.Response:
        """Exactly one recording, its Link whole."""
        recording = self.library.by_id.get(request.match_info["id"])
        if recording is None:
            return self.finish(request, not_found(), self.dated(self.now))
        return self.send(request, recording, cut_next=False)

    async def refuse_graphql(self, request: web.Request) -> web.Response:
        """The replay knows no token, so GraphQL is answered as GitHub answers without one."""
        refusal = error_answer(
            401,
            "This endpoint requires you to be authenticated.",
            documentation="https://docs.github.com/graphql/guides/forming-calls-with-graphql"
            "#authenticating-with-graphql",
        )
        return self.finish(request, refusal, self.dated(self.now))

    async def list_recordings(self, request: web.Request) -> web.Response:
        """What is there: every recording with its id, the histories, and what was cut."""
        recordings = [
            {
                "id": recording.id,
                "path": recording.path,
                "query": dict(recording.query),
                "status": recording.status,
                "recorded_at": recording.recorded_at,
                "url": f"/_simulator/recordings/{recording.id}",
            }
            for recording in self.library.by_id.values()
        ]
        histories = {history.full_name: history for history in self.histories.values()}
        content = {
            "recording_count": len(recordings),
            "recordings": recordings,
            "next_taken_off_count": len(self.dead_ends),
            "next_taken_off": sorted(self.dead_ends),
            "malformed": self.library.malformed,
            "git_histories": [
                {
                    "full_name": name,
                    "repository_id": history.id,
                    "commit_count": len(history.commits),
                    "tag_count": len(history.tags),
                }
                for name, history in histories.items()
            ],
        }
        return self.finish(request, json_answer(content), self.dated(self.now))

    def send(
        self, request: web.Request, recording: Recording, cut_next: bool, has_quota: bool = True
    ) -> web.Response:
        """A recording on the wire: hosts are ours, time templates count from the world's now.

        Without `has_quota` it says nothing of the recorder's quota, which nobody counts here.
        """
        base = str(request.url.origin())
        said = {name: render(value, self.now) for name, value in recording.headers}
        headers = Headers(
            {k: v for k, v in said.items() if has_quota or not k.lower().startswith("x-ratelimit-")}
        )
        for name in ("Link", "Location"):
            if name in headers:
                headers[name] = UPSTREAM_HOST.sub(base, headers[name])
        if cut_next:
            rest = [pair for pair in LINK.findall(headers.pop("Link")) if pair[1] != "next"]
            if rest:
                headers["Link"] = ", ".join(f'<{url}>; rel="{name}"' for url, name in rest)
        headers["X-Simulator-Recording"] = recording.id
        body = recording.body
        if b"{{" in body:
            body = render(body.decode(), self.now).encode()
        answer = Answer(recording.status, body, etag=headers.get("ETag"))
        return self.finish(request, answer, headers)

    def send_selected(self, request: web.Request, known: list[Recording]) -> web.Response:
        """A list that was recorded with other questions: what these showed, as of the newest of them."""
        paging, headers = Paging.read(request.query), self.dated(known[-1].date_order, known[-1].id)
        try:
            found = select(items_of(known), request.query)
        except ValueError as broken:
            answer = error_answer(422, f"Validation Failed: {broken}")
        else:
            link = paging.link(request.url, len(found))
            answer = list_answer(list(paging.cut(found)), link)
        return self.finish(request, answer, headers)

    def send_known(self, request: web.Request, known: KnownRepository) -> web.Response:
        """A repository that only a list or a pull request shows: that object, as of that answer."""
        answer = json_answer(known.record).with_etag()
        return self.finish(request, answer, self.dated(known.seen_at, known.recording_id))

    def dated(self, moment: datetime, recording_id: str | None = None) -> Headers:
        """Headers of an answer that was true at `moment`; the id says what it was made of."""
        headers = Headers(Date=http_date(moment))
        if recording_id:
            headers["X-Simulator-Recording"] = recording_id
        return headers

    def finish(self, request: web.Request, answer: Answer, headers: Headers) -> web.Response:
        """304 where the client has this very answer, else the answer itself."""
        headers.update(answer.headers)
        if answer.etag is not None:
            headers.setdefault("ETag", answer.etag)
            if answer.status == 200 and is_unchanged(request.headers, answer.etag):
                return web.Response(status=304, headers=headers)
        if answer.body:
            headers.setdefault("Content-Type", JSON_TYPE)
        kind = web.Response if "Date" in headers else Undated
        return kind(status=answer.status, body=answer.body or None, headers=headers)


def watchlist(folder: pathlib.Path) -> Iterator[dict[str, str]]:
    """What the recordings are worth watching, in the columns of a watchlist CSV.

    One row per product, kind and target.
    The git histories (under the product's name), every repository and owner with a recorded answer
    (under their own name; a repository only if its id can be told), every product of the endoflife
    snapshots.
    """
    for source in sorted((folder / "git_history").glob("*.commits.tsv.gz")):
        full_name = source.name.removesuffix(".commits.tsv.gz").replace("__", "/")
        yield watchlist_row(full_name.split("/")[1].lower(), "github", full_name)
    recordings = [entry for entry in read_recordings(folder) if entry.status == 200]
    library = Library(iter(recordings))
    for full_name in sorted({name for entry in recordings if (name := repository_of(entry.path))}):
        path = f"/repos/{full_name}"
        told = library.find(path, ())
        if library.known(path) is None and (told is None or told.status >= 400):
            continue
        yield watchlist_row(full_name, "github", full_name)
    owners = (re.fullmatch(r"/(?:users|orgs)/([\w.-]+)/repos", entry.path) for entry in recordings)
    for login in sorted({match[1] for match in owners if match}):
        yield watchlist_row(login, "owner", login)
    for product in sorted({path.stem for path in (folder / "eol").glob("*/*.json")}):
        yield watchlist_row(product, "endoflife", product)


def watchlist_row(product_name: str, kind: str, target: str) -> dict[str, str]:
    return {"product_name": product_name, "kind": kind, "target": target, "enabled": "true"}


def repository_of(path: str) -> str | None:
    """The `owner/name` that a path tells about, unless it is a recorder's placeholder."""
    match = re.fullmatch(r"/repos/([\w.-]+/[\w.-]+)(?:/(.+))?", path)
    return match[1] if match and (match[2] is None or match[2] in LISTS) else None
