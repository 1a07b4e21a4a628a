"""Payloads of archived events, by type and by the time's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator import item_shapes, shapes
from simulator.chance import below, hexadecimal
from simulator.instants import iso

if TYPE_CHECKING:
    from simulator.archive import Event
    from simulator.repositories import Repository
    from simulator.world import World


def payload(view: World, event: Event) -> dict[str, Any]:
    """The payload as the events API gives it (since October 2025: cut down)."""
    from simulator.archive import CUT_SINCE

    is_cut = event.at >= CUT_SINCE
    match event.kind:
        case "PushEvent":
            return push(event, is_cut)
        case "IssuesEvent":
            action, item = event.detail
            return {"action": action, "issue": item_shapes.issue(view, event.repository, item)}
        case "PullRequestEvent":
            action, item = event.detail
            return {"action": action, "number": item.number,
                    "pull_request": pull(view, event.repository, item, is_cut)}  # fmt: skip
        case "IssueCommentEvent":
            issue = item_shapes.issue(view, event.repository, event.detail)
            return {"action": "created", "issue": issue, "comment": comment(event)}
        case "ReleaseEvent":
            release = item_shapes.release(view, event.repository, event.detail)
            return {"action": "published", "release": release}
        case "ForkEvent":
            return {"forkee": shapes.fork(view, event.repository, event.detail)}
        case "WatchEvent":
            return {"action": "started"}
    return rarity(event, is_cut)


def rarity(event: Event, is_cut: bool) -> dict[str, Any]:
    """Payloads of events the world keeps no account of."""
    kind = event.kind
    if kind in ("CreateEvent", "DeleteEvent"):
        ref_type, ref = event.detail
        shown = {"ref": ref, "ref_type": ref_type, "pusher_type": "user"}
        if kind == "CreateEvent":
            shown["master_branch"] = shapes.default_branch(event.repository)
            shown["description"] = event.repository.description
        return shown
    if kind == "GollumEvent":
        page = {"page_name": "Home", "title": "Home", "action": "edited", "summary": None}
        return {"pages": [page]}
    if kind == "MemberEvent":
        return {"action": "added", "member": shapes.user(event.actor)}
    if kind == "CommitCommentEvent":
        return {"action": "created", "comment": comment(event)}
    if kind == "PullRequestReviewEvent":
        review = comment(event) | {"state": "approved", "submitted_at": iso(event.at)}
        return {"action": "created", "review": review}
    if kind == "PullRequestReviewCommentEvent":
        return {"action": "created", "comment": comment(event)}
    if kind == "FollowEvent":
        return {"target": {"login": event.actor.login, "id": event.actor.id}}
    if kind == "GistEvent":
        return {"action": "create", "gist": {"id": str(event.at)}}
    return {}


def push(event: Event, is_cut: bool) -> dict[str, Any]:
    made = event.detail
    head, before = made.sha, made.parents[0] if made.parents else "0" * 40
    ref = f"refs/heads/{shapes.default_branch(event.repository)}"
    shown: dict[str, Any] = {
        "repository_id": event.repository.id,
        "push_id": below(10**10, "push", made.sha),
        "ref": ref,
        "head": head,
        "before": before,
    }
    if is_cut:
        return shown
    commit = {
        "sha": made.sha,
        "author": {"email": made.email, "name": made.name},
        "message": made.message,
        "distinct": True,
        "url": f"{shapes.API}/repos/{event.repository.alias(event.at).full_name}"
        f"/commits/{made.sha}",
    }
    return shown | {"size": 1, "distinct_size": 1, "commits": [commit]}


def pull(view: World, repository: Repository, item: Any, is_cut: bool) -> dict[str, Any]:
    shown = item_shapes.pull(view, repository, item)
    if is_cut:
        kept = ("url", "id", "number")
        ends = {
            side: {"ref": shown[side]["ref"], "sha": shown[side]["sha"]}
            for side in ("head", "base")
        }
        return {key: shown[key] for key in kept} | ends
    return shown | {"merged": item.merged_at is not None, "comments": item.comments}


def comment(event: Event) -> dict[str, Any]:
    full_name = event.repository.alias(event.at).full_name
    id = 500_000_000 + below(10**9, "comment", full_name, event.at, event.actor.id)
    return {
        "id": id,
        "url": f"{shapes.API}/repos/{full_name}/issues/comments/{id}",
        "user": shapes.user(event.actor),
        "commit_id": hexadecimal("comment on", id),
        "created_at": iso(event.at),
        "updated_at": iso(event.at),
        "body": "Seen here as well.",
    }


def timeline_payload(event: Event) -> dict[str, Any]:
    """The payload as the public timeline of 2012-2014 gave it: ids instead of objects."""
    match event.kind:
        case "PushEvent":
            made = event.detail
            line = [made.sha, made.email, made.message, made.name, True]
            ref = f"refs/heads/{shapes.default_branch(event.repository)}"
            return {"shas": [line], "size": 1, "ref": ref, "head": made.sha}
        case "IssuesEvent" | "PullRequestEvent":
            action, item = event.detail
            return {"action": action, "issue": item.id, "number": item.number}
        case "IssueCommentEvent":
            return {"issue_id": event.detail.id, "comment_id": comment(event)["id"]}
        case "ReleaseEvent":
            release = {"id": event.detail.release_id, "tag_name": event.detail.name}
            return {"action": "published", "release": release}
        case "ForkEvent":
            base = shapes.FIRST_FORK_ID + event.repository.index * shapes.FORKS_PER_REPOSITORY
            return {"forkee": base + event.detail}
        case "WatchEvent":
            return {"action": "started"}
    return rarity(event, is_cut=False)
