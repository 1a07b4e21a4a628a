"""Issues, pull requests, commits, tags, releases and contributors in GitHub's REST shapes."""

from __future__ import annotations

from typing import Any

from simulator import history, names
from simulator.activity import Item
from simulator.chance import Dice, hexadecimal
from simulator.history import Commit, Tag
from simulator.instants import iso, iso_or_none
from simulator.people import Account
from simulator.repositories import Repository, node_id
from simulator.shapes import API, SITE, default_branch, repository_fragment, user
from simulator.world import World

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def reactions(url: str, likes: int) -> dict[str, Any]:
    counted = dict.fromkeys(REACTIONS, 0) | {"+1": likes}
    return {"url": f"{url}/reactions", "total_count": likes, **counted}


def labels(full_name: str, item: Item) -> list[dict[str, Any]]:
    shown = []
    for number in item.labels:
        name, color, description = names.LABELS[number]
        shown.append(
            {
                "id": 3_000_000 + number,
                "node_id": node_id("LA", 3_000_000 + number),
                "url": f"{API}/repos/{full_name}/labels/{name.replace(' ', '%20')}",
                "name": name,
                "color": color,
                "default": True,
                "description": description,
            }
        )
    return shown


def body(world: World, repository: Repository, item: Item) -> str | None:
    dice = Dice(world.seed, "body", repository.index, item.number)
    return None if dice.chance(0.1) else names.paragraph(dice, 1 + dice.below(5))


def association(world: World, repository: Repository, account: Account) -> str:
    members = (world.people.member(repository.index, rank) for rank in range(3))
    return "MEMBER" if account in members else "NONE"


def issue(world: World, repository: Repository, item: Item) -> dict[str, Any]:
    """An issue, or a pull request as the issues endpoint shows it (with `pull_request`)."""
    full_name = repository.alias(world.now).full_name
    base = f"{API}/repos/{full_name}"
    url = f"{base}/issues/{item.number}"
    page = f"{SITE}/{full_name}/{'pull' if item.is_pull else 'issues'}/{item.number}"
    is_closed = item.closed_at is not None
    shown = {
        "url": url,
        "repository_url": base,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": page,
        "id": item.id,
        "node_id": node_id("PR" if item.is_pull else "I", item.pull_id or item.id),
        "number": item.number,
        "title": item.title,
        "user": user(item.author),
        "labels": labels(full_name, item),
        "state": item.state,
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": item.comments,
        "created_at": iso(item.created_at),
        "updated_at": iso(item.updated_at),
        "closed_at": iso_or_none(item.closed_at),
        "author_association": association(world, repository, item.author),
        "active_lock_reason": None,
        "body": body(world, repository, item),
        "reactions": reactions(url, item.number % 4),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": "completed" if is_closed else "reopened" if item.was_reopened else None,
    }
    if item.is_pull:
        shown["draft"] = item.is_draft
        shown["state_reason"] = None
        shown["pull_request"] = {
            "url": f"{base}/pulls/{item.number}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": iso_or_none(item.merged_at),
        }
    return shown


def branch(world: World, repository: Repository, item: Item, ref: str) -> dict[str, Any]:
    """Head or base of a pull request."""
    owner = repository.alias(world.now).owner
    return {
        "label": f"{owner.login}:{ref}",
        "ref": ref,
        "sha": hexadecimal(world.seed, "branch", repository.index, item.number, ref),
        "user": user(owner),
        "repo": repository_fragment(world, repository),
    }


def pull_links(base: str, item: Item, page: str, sha: str) -> dict[str, str]:
    """The addresses around a pull request, by their names in `_links`."""
    url, issue_url = f"{base}/pulls/{item.number}", f"{base}/issues/{item.number}"
    return {
        "self": url,
        "html": page,
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{base}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{base}/statuses/{sha}",
    }


def pull(world: World, repository: Repository, item: Item) -> dict[str, Any]:
    """A pull request as the pulls endpoint lists it."""
    full_name = repository.alias(world.now).full_name
    base = f"{API}/repos/{full_name}"
    page = f"{SITE}/{full_name}/pull/{item.number}"
    head = branch(world, repository, item, f"topic-{item.number}")
    links = pull_links(base, item, page, head["sha"])
    merge = hexadecimal(world.seed, "merge", repository.index, item.number)
    return {
        "url": links["self"],
        "id": item.pull_id,
        "node_id": node_id("PR", item.pull_id),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": links["issue"],
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "number": item.number,
        "state": item.state,
        "locked": False,
        "title": item.title,
        "user": user(item.author),
        "body": body(world, repository, item),
        "labels": labels(full_name, item),
        "milestone": None,
        "active_lock_reason": None,
        "created_at": iso(item.created_at),
        "updated_at": iso(item.updated_at),
        "closed_at": iso_or_none(item.closed_at),
        "merged_at": iso_or_none(item.merged_at),
        "merge_commit_sha": merge if item.merged_at or item.state == "open" else None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": head,
        "base": branch(world, repository, item, default_branch(repository)),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": association(world, repository, item.author),
        "auto_merge": None,
        "draft": item.is_draft,
    }


def commit(world: World, repository: Repository, made: Commit) -> dict[str, Any]:
    """A commit as the commits endpoint lists it."""
    full_name = repository.alias(world.now).full_name
    url, page = f"{API}/repos/{full_name}/commits/", f"{SITE}/{full_name}/commit/"
    git = f"{API}/repos/{full_name}/git"
    tree = hexadecimal("tree", made.sha)
    who = {"name": made.name, "email": made.email}
    known = user(made.account) if made.account else None
    return {
        "sha": made.sha,
        "node_id": node_id("C", int(made.sha[:12], 16)),
        "commit": {
            "author": {**who, "date": iso(made.authored_at)},
            "committer": {**who, "date": iso(made.committed_at)},
            "message": made.message,
            "tree": {"sha": tree, "url": f"{git}/trees/{tree}"},
            "url": f"{git}/commits/{made.sha}",
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "url": url + made.sha,
        "html_url": page + made.sha,
        "comments_url": f"{url}{made.sha}/comments",
        "author": known,
        "committer": known,
        "parents": [{"sha": sha, "url": url + sha, "html_url": page + sha} for sha in made.parents],
    }


def tag(world: World, repository: Repository, made: Tag) -> dict[str, Any]:
    base = f"{API}/repos/{repository.alias(world.now).full_name}"
    return {
        "name": made.name,
        "zipball_url": f"{base}/zipball/refs/tags/{made.name}",
        "tarball_url": f"{base}/tarball/refs/tags/{made.name}",
        "commit": {"sha": made.sha, "url": f"{base}/commits/{made.sha}"},
        "node_id": node_id("REF", int(hexadecimal("ref", repository.id, made.name)[:12], 16)),
    }


def release(world: World, repository: Repository, made: Tag) -> dict[str, Any]:
    full_name = repository.alias(world.now).full_name
    base = f"{API}/repos/{full_name}"
    url = f"{base}/releases/{made.release_id}"
    return {
        "url": url,
        "assets_url": f"{url}/assets",
        "upload_url": f"https://uploads.github.com/repos/{full_name}/releases/{made.release_id}"
        "/assets{?name,label}",
        "html_url": f"{SITE}/{full_name}/releases/tag/{made.name}",
        "id": made.release_id,
        "author": user(made.author),
        "node_id": node_id("RE", made.release_id),
        "tag_name": made.name,
        "target_commitish": default_branch(repository),
        "name": made.name if made.release_id % 3 else None,
        "draft": False,
        "immutable": False,
        "prerelease": made.is_prerelease,
        "created_at": iso(made.commit_at),
        "updated_at": iso(made.published_at),
        "published_at": iso(made.published_at),
        "assets": [],
        "tarball_url": f"{base}/tarball/{made.name}",
        "zipball_url": f"{base}/zipball/{made.name}",
        "body": made.notes,
    }


def contributor(account: Account | None, name: str, email: str, count: int) -> dict[str, Any]:
    if account is None:
        return {"email": email, "name": name, "type": "Anonymous", "contributions": count}
    return {**user(account), "contributions": count}


def contributor_weeks(account: Account, weeks: list[tuple[int, int, int, int]]) -> dict[str, Any]:
    return {
        "author": user(account),
        "total": sum(commits for *_, commits in weeks),
        "weeks": [{"w": w, "a": a, "d": d, "c": c} for w, a, d, c in weeks],
    }


def statistics(world: World, repository: Repository) -> list[dict[str, Any]]:
    """Weekly activity of the hundred busiest contributors."""
    rows = history.weeks(world.commits(repository.index))
    return [contributor_weeks(account, weeks) for account, weeks in rows]
