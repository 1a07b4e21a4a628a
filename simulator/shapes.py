"""Accounts and repositories in the shape of GitHub's REST answers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from simulator import activity, names
from simulator.instants import iso, iso_or_none
from simulator.people import Account
from simulator.repositories import HOUR, Repository, node_id
from simulator.world import World

# Records name GitHub's own hosts, never this server's port: they are the same in every process.
API = "https://api.github.com"
SITE = "https://github.com"
PREFIX = {"User": "U", "Bot": "BOT", "Organization": "O"}
FIRST_FORK_ID = 1_200_000_000
FORKS_PER_REPOSITORY = 100_000
LINKS = {
    "archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}", "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}", "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}", "contributors_url": "/contributors",
    "deployments_url": "/deployments", "downloads_url": "/downloads", "events_url": "/events",
    "forks_url": "/forks", "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}", "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}", "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}", "languages_url": "/languages",
    "merges_url": "/merges", "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers", "subscription_url": "/subscription",
    "tags_url": "/tags", "teams_url": "/teams", "trees_url": "/git/trees{/sha}",
}  # fmt: skip


@lru_cache(maxsize=4096)
def user(account: Account) -> dict[str, Any]:
    """An account as a `simple-user`."""
    path = account.login.replace("[", "%5B").replace("]", "%5D")
    url = f"{API}/users/{path}"
    home = f"{SITE}/apps/{account.login[:-5]}" if account.kind == "Bot" else f"{SITE}/{path}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id(PREFIX[account.kind], account.id),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{account.id}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": home,
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": account.kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def license_simple(key: str | None) -> dict[str, Any] | None:
    if key is None:
        return None
    name, spdx, node = names.LICENSES[key]
    return {
        "key": key,
        "name": name,
        "spdx_id": spdx,
        "url": f"{API}/licenses/{key}",
        "node_id": node,
    }


def repository_base(
    id: int, full_name: str, owner: Account, description: str | None, is_fork: bool
) -> dict[str, Any]:
    """What every repository-like answer begins with."""
    url = f"{API}/repos/{full_name}"
    return {
        "id": id,
        "node_id": node_id("R", id),
        "name": full_name.partition("/")[2],
        "full_name": full_name,
        "private": False,
        "owner": user(owner),
        "html_url": f"{SITE}/{full_name}",
        "description": description,
        "fork": is_fork,
        "url": url,
        **{key: url + path for key, path in LINKS.items()},
    }


def counts(stars: int, forks: int, open_issues: int) -> dict[str, int]:
    return {
        "stargazers_count": stars,
        "watchers_count": stars,
        "forks_count": forks,
        "open_issues_count": open_issues,
        "forks": forks,
        "open_issues": open_issues,
        "watchers": stars,
    }


def settings(repository: Repository, full_name: str, is_archived: bool) -> dict[str, Any]:
    """What a repository and its forks have in common."""
    return {
        "git_url": f"git://github.com/{full_name}.git",
        "ssh_url": f"git@github.com:{full_name}.git",
        "clone_url": f"{SITE}/{full_name}.git",
        "svn_url": f"{SITE}/{full_name}",
        "homepage": repository.homepage,
        "language": repository.language,
        "has_issues": True,
        "has_projects": True,
        "has_downloads": True,
        "has_wiki": True,
        "has_pages": False,
        "has_discussions": False,
        "has_pull_requests": True,
        "mirror_url": None,
        "archived": is_archived,
        "disabled": False,
        "license": license_simple(repository.license),
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": list(repository.topics),
        "visibility": "public",
        "default_branch": default_branch(repository),
    }


def default_branch(repository: Repository) -> str:
    return "master" if repository.index % 4 == 0 else "main"


def pushed_at(world: World, repository: Repository) -> int:
    commits = repository.commits
    return commits.instant(commits.count(repository.last_activity(world.now)) - 1)


def updated_at(world: World, repository: Repository) -> int:
    """The last push or the hour since which its stars are what they are, whichever is later."""
    touched = world.now - world.now % HOUR
    return max(pushed_at(world, repository), min(touched, repository.last_activity(world.now)))


def size_kilobytes(world: World, repository: Repository) -> int:
    return 40 + 17 * repository.commits.count(repository.last_activity(world.now))


def repository_item(world: World, repository: Repository) -> dict[str, Any]:
    """A repository as lists and searches show it."""
    alias = repository.alias(world.now)
    stars, forks = repository.stars(world.now), repository.fork_count(world.now)
    open_issues = sum(activity.open_counts(world.items(repository.index)))
    return {
        **repository_base(
            repository.id, alias.full_name, alias.owner, repository.description, False
        ),
        "created_at": iso(repository.created_at),
        "updated_at": iso(updated_at(world, repository)),
        "pushed_at": iso(pushed_at(world, repository)),
        "size": size_kilobytes(world, repository),
        **counts(stars, forks, open_issues),
        **settings(repository, alias.full_name, repository.is_archived(world.now)),
    }


@lru_cache(maxsize=256)
def repository_fragment(world: World, repository: Repository) -> orjson.Fragment:
    """The same, rendered: every pull request of a page carries it twice."""
    return orjson.Fragment(orjson.dumps(repository_item(world, repository)))


def repository_full(world: World, repository: Repository) -> dict[str, Any]:
    """A repository as its own endpoint shows it, subscribers and network included."""
    owner = repository.alias(world.now).owner
    full = repository_item(world, repository)
    full["temp_clone_token"] = None
    full["custom_properties"] = {}
    if owner.kind == "Organization":
        full["organization"] = user(owner)
    full["network_count"] = full["forks_count"]
    full["subscribers_count"] = repository.watchers(world.now)
    return full


def fork(world: World, repository: Repository, k: int) -> dict[str, Any]:
    """The k-th fork of a repository, owned by a visitor."""
    made_at = repository.forks.instant(k)
    owner = world.people.person(repository.index * 31 + k * 7)
    full_name = f"{owner.login}/{repository.alias(made_at).name}"
    if k // world.people.person_count:
        full_name += f"-{k // world.people.person_count}"
    pushed = made_at + (k % 5) * 86_400
    pushed = min(pushed, world.now)
    id = FIRST_FORK_ID + repository.index * FORKS_PER_REPOSITORY + k
    return {
        **repository_base(id, full_name, owner, repository.description, True),
        "created_at": iso(made_at),
        "updated_at": iso(pushed),
        "pushed_at": iso_or_none(pushed),
        "size": 40 + k % 97,
        **counts(k % 3, 0, 0),
        **settings(repository, full_name, False),
        "homepage": None,
    }
