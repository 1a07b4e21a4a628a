"""One Airflow task per dbt node, though one dbt process builds them all: the build tells of each node
as it ends, and the node's task, which lives in the triggerer and costs no process, ends alike.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowRescheduleException,
    AirflowRuntimeError,
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

from orchestration.node_states import NOT_BEGUN, verdict

STATES_KEY = "nodes"
EVENTS = {"success": TaskSuccessEvent, "failed": TaskFailedEvent, "skipped": TaskSkippedEvent}


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
                # An API server that is away for a moment must not fail the tasks of a build that goes on.
                with suppress(AirflowRuntimeError, OSError):
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
                yield EVENTS[end]()
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
        if end == "failed":
            raise AirflowException(told)
        if end == "skipped":
            raise AirflowSkipException(told)
