"""How each dbt node stands while one dbt process builds them all, and how the node's own task then ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from warehouse.dbt import Node

End = Literal["success", "failed", "skipped"]
DONE = "done"
NOT_BEGUN = {"waiting", "scheduled", "queued"}
ENDED = {"success", "failed", "upstream_failed", "skipped", "removed"}
TESTS = ("test", "unit_test")


class NodeStates:
    """What a build knows of its nodes: a node is done when it and all its tests are.

    Unit tests count only in a build that runs them.
    """

    def __init__(
        self,
        manifest: Mapping[str, Any],
        tell: Callable[[dict[str, str]], None],
        unit_tests: bool = True,
    ) -> None:
        self.tell = tell
        self.states: dict[str, str] = {}
        self.failed: list[Node] = []
        self.built: set[str] = set()
        self.subject: dict[str, str] = {}
        self.waiting: dict[str, set[str]] = {}
        tests = {**manifest["nodes"], **(manifest["unit_tests"] if unit_tests else {})}
        for test_id, test in tests.items():
            if test["resource_type"] in TESTS:
                subject = test.get("attached_node") or test["depends_on"]["nodes"][0]
                self.subject[test_id] = subject
                self.waiting.setdefault(subject, set()).add(test_id)

    def note(self, node: Node) -> None:
        """Take in that a node or a test has ended; tell all states if that decides a node."""
        subject = self.subject.get(node.unique_id, node.unique_id)
        if node.has_failed:
            self.failed.append(node)
            self.states[subject] = f"{node.unique_id}: {node.message or node.status}"
        elif node.kind in TESTS:
            self.waiting.get(subject, set()).discard(node.unique_id)
        else:
            self.built.add(subject)
        is_done = subject in self.built and not self.waiting.get(subject)
        if is_done:
            self.states.setdefault(subject, DONE)
        if node.has_failed or is_done:
            self.tell(self.states)

    @property
    def is_refused(self) -> bool:
        """Whether tests refused the data and nothing else went wrong: another try would say the same."""
        return bool(self.failed) and all(
            node.kind in TESTS and node.status.startswith("fail") for node in self.failed
        )

    def conclude(self) -> None:
        """After a build without errors: what was built is done, also where a test was not selected."""
        self.states |= dict.fromkeys(self.built - self.states.keys(), DONE)
        self.tell(self.states)


def verdict(unique_id: str, states: Mapping[str, str], build: str) -> End | None:
    """How a node's task ends, by what the build told and how the build's own task stands; None while
    that is open. A failure may be mended while the build has tries left, so it counts at its end."""
    told = states.get(unique_id)
    if told == DONE:
        return "success"
    if build not in ENDED:
        return None
    return "skipped" if told is None and build == "success" else "failed"
