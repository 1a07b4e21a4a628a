"""Which counter guards which stream: as long as it stands still, the stream's list is not asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ingestion.connectors.github_state import Memory
from trendhouse.declared.sources import Floor

Node = dict[str, Any]

# What no counter shows (an edited release, a new topic) is looked for at least this often.
RECHECK = timedelta(days=7)
# A list below its floor, after some tries.
SHORT = timedelta(days=1)


def total(node: Node, name: str) -> int | None:
    return (node.get(name) or {}).get("totalCount")


def commit_total(node: Node) -> int | None:
    branch = node.get("defaultBranchRef") or {}
    return total(branch.get("target") or {}, "history")


def parts(table: str, node: Node) -> list[Any]:
    """The counters that change when the stream does.

    `updatedAt` is none of them: it moves with every star.
    """
    pushed = node.get("pushedAt")
    match table:
        case "repositories":
            return [node.get("nameWithOwner"), pushed, node.get("isArchived")]
        case "releases":
            return [total(node, "releases"), pushed]
        case "tags":
            return [total(node, "refs"), pushed]
        case "topics" | "repository_licenses":
            return [pushed]
        case "issues":
            counts = [total(node, name) for name in ("issues", "openIssues", *PULLS)]
            return [*counts, latest(node, "latestIssues"), latest(node, "latestPullRequests")]
        case "pull_requests":
            return [*(total(node, name) for name in PULLS), latest(node, "latestPullRequests")]
        case "forks":
            return [node.get("forkCount")]
    return [commit_total(node), pushed]


PULLS = ("pullRequests", "openPullRequests")


def latest(node: Node, name: str) -> str | None:
    """When the item edited last was edited."""
    nodes = (node.get(name) or {}).get("nodes") or []
    return (nodes[0] or {}).get("updatedAt") if nodes else None


def guard(table: str, node: Node | None) -> str | None:
    """The counters of a stream as text; None without counters."""
    return None if node is None else "|".join(map(str, parts(table, node)))


def stands_still(memory: Memory, guard: str | None, now: datetime) -> bool:
    """Whether a stream need not be asked: complete, guarded, unchanged, and looked at lately."""
    if guard is None or memory.get("guard") != guard or memory.get("resume"):
        return False
    return datetime.fromisoformat(memory["listed_at"]) > now - RECHECK


def is_due_in_full(memory: Memory, floor: Floor | None, now: datetime) -> bool:
    """Whether the last full reading showed less or more than upstream says there is, so that the list is
    read in full again: by the next run, then once a week; below its floor by three runs, then once a day.

    Where a floor only flags, upstream's number is known not to be the length of the list.
    """
    if floor is None or floor.action != "block" or memory.get("resume"):
        return False
    is_short = memory.get("held", 0) < memory.get("expected", 0) * floor.capture_rate
    if not (memory.get("gap") or is_short):
        return False
    looks, often, pause = memory.get("looks", 0), *((3, SHORT) if is_short else (1, RECHECK))
    full_at = memory.get("full_at")
    return full_at is None or looks < often or datetime.fromisoformat(full_at) <= now - pause


def expected(table: str, node: Node | None) -> int | None:
    """How many rows of a stream upstream says there are; None where no counter tells."""
    if node is None:
        return None
    match table:
        case "issues":
            issues, pulls = total(node, "issues"), total(node, "pullRequests")
            return None if issues is None or pulls is None else issues + pulls
        case "pull_requests":
            return total(node, "pullRequests")
        case "releases":
            return total(node, "releases")
        case "tags":
            return total(node, "refs")
        case "commits":
            return commit_total(node)
        case "forks":
            return node.get("forkCount")
    return None
