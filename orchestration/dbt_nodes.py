"""One Airflow task per dbt node, though one dbt process builds them all: the build tells of each node
as it ends, and the node's task, which lives in the triggerer and costs no process, ends alike.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowRescheduleException,
    AirflowSkipException,
)
from airflow.triggers.base import (
    BaseTaskEndEvent,
    BaseTrigger,
    StartTriggerArgs,
    TaskFailedEvent,
    TaskSkippedEvent,
    TaskSuccessEvent,
)

from orchestration.warehouse import Node

STATES_KEY = "nodes"
DONE = "done"
NOT_BEGUN = {"waiting", "scheduled", "queued"}
ENDED = {"success", "failed", "upstream_failed", "skipped", "removed"}
TESTS = ("test", "unit_test")


class NodeStates:
    """What a build knows of its nodes: a node is done when it and all its tests are."""

    def __init__(self, manifest: Mapping[str, Any], tell: Callable[[dict[str, str]], None]) -> None:
        self.tell = tell
        self.states: dict[str, str] = {}
        self.failed: list[Node] = []
        self.built: set[str] = set()
        self.subject: dict[str, str] = {}
        self.waiting: dict[str, set[str]] = {}
        for test_id, test in {**manifest["nodes"], **manifest["unit_tests"]}.items():
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
            self.waiting[subject].discard(node.unique_id)
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


def verdict(
    unique_id: str, states: Mapping[str, str], build: str | None
) -> BaseTaskEndEvent | None:
    """How a node's task ends; None while that is open. A failure may be mended while the build has
    tries left, so it counts only once the build has ended."""
    told = states.get(unique_id)
    if told == DONE:
        return TaskSuccessEvent()
    if build not in ENDED:
        return None
    if told is None and build == "success":
        return TaskSkippedEvent()
    return TaskFailedEvent()


def look(dag_id: str, run_id: str, build_task_id: str) -> tuple[dict[str, str], str]:
    """The states told so far, and the state of the build; the latter first, so that none is missed."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    from airflow.sdk.execution_time.xcom import XCom

    found = RuntimeTaskInstance.get_task_states(
        dag_id=dag_id, task_ids=[build_task_id], run_ids=[run_id]
    )
    build = str(found.get(run_id, {}).get(build_task_id) or "waiting")
    if build in NOT_BEGUN:
        return {}, build
    states = XCom.get_one(key=STATES_KEY, dag_id=dag_id, run_id=run_id, task_id=build_task_id)
    return states or {}, build


class Watch:
    """One look a second at a build, shared by all triggers that wait for its nodes."""

    SECONDS = 1.0
    watches: ClassVar[WeakValueDictionary[tuple[str, str, str], Watch]] = WeakValueDictionary()

    def __init__(self, build: tuple[str, str, str]) -> None:
        self.build = build
        self.lock = asyncio.Lock()
        self.looked_at = 0.0
        self.seen: tuple[dict[str, str], str] = ({}, "waiting")

    @classmethod
    def of(cls, *build: str) -> Watch:
        watch = cls.watches.get(build) or cls(build)
        return cls.watches.setdefault(build, watch)

    async def look(self) -> tuple[dict[str, str], str]:
        from asgiref.sync import sync_to_async

        async with self.lock:
            if time.monotonic() - self.looked_at >= self.SECONDS:
                self.seen = await sync_to_async(look)(*self.build)
                self.looked_at = time.monotonic()
        return self.seen


class NodeTrigger(BaseTrigger):
    """Waits for a node's end on behalf of its task."""

    def __init__(self, unique_id: str, build_task_id: str) -> None:
        super().__init__()
        self.unique_id = unique_id
        self.build_task_id = build_task_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        kwargs = {"unique_id": self.unique_id, "build_task_id": self.build_task_id}
        return f"{__name__}.NodeTrigger", kwargs

    async def run(self) -> AsyncIterator[BaseTaskEndEvent]:
        instance = self.task_instance
        watch = Watch.of(instance.dag_id, instance.run_id, self.build_task_id)
        while True:
            states, build = await watch.look()
            end = verdict(self.unique_id, states, build)
            if end:
                told = states.get(self.unique_id, f"dbt did not run it; the build: {build}")
                self.log.info("%s: %s", self.unique_id, told)
                yield end
                return
            await asyncio.sleep(watch.SECONDS)


class DbtNodeTask(BaseOperator):
    """Stands for one dbt node; starts and ends in the triggerer."""

    start_from_trigger = True
    ui_color = "#f2e7dc"

    def __init__(self, *, unique_id: str, build_task_id: str, **kwargs: Any) -> None:
        # The build is what fails, is tried again and is told of; its nodes only show where.
        super().__init__(**kwargs, retries=0, on_failure_callback=None, on_retry_callback=None)
        self.unique_id = unique_id
        self.build_task_id = build_task_id
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=f"{__name__}.NodeTrigger",
            trigger_kwargs={"unique_id": unique_id, "build_task_id": build_task_id},
            next_method="execute",
        )

    def execute(self, context: Any) -> None:
        """The same without a triggerer, as in `dag.test()`: looks now and then until it is decided."""
        instance = context["ti"]
        states, build = look(instance.dag_id, instance.run_id, self.build_task_id)
        end = verdict(self.unique_id, states, build)
        told = states.get(self.unique_id, f"dbt did not run it; the build: {build}")
        if end is None:
            raise AirflowRescheduleException(datetime.now(UTC) + timedelta(seconds=1))
        if isinstance(end, TaskFailedEvent):
            raise AirflowException(told)
        if isinstance(end, TaskSkippedEvent):
            raise AirflowSkipException(told)
