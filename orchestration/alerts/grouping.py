"""Which alerts become messages: the first at once, repeats counted and told as one, and the end of it.

The memory is one small JSON file per world, shared by all processes under a file lock.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock

from orchestration.alerts.alert import Alert, Cause, State
from trendhouse.lake.lake import replace_text

LOCK_SECONDS = 10
MOST_GROUPS = 200
MOST_TASKS = 8
SUCCESS_WINDOW = timedelta(days=1)
# After a message that could not be delivered the next is tried no sooner.
PATIENCE = timedelta(minutes=1)
# These are told while their run still succeeds: only a later run's success ends them.
SURVIVING = (
    *(Cause.PARTIAL, Cause.QUOTA, Cause.DRIFT),
    *(Cause.COMPLETENESS, Cause.EXPECTATIONS, Cause.STALE),
)

log = logging.getLogger(__name__)


@dataclass
class Group:
    """One cause at one place, since it began: how often it came, and how much of that was told."""

    cause: str
    dag_id: str
    source: str
    first_at: str
    last_at: str = ""
    told_at: str = ""
    count: int = 0
    untold: int = 0
    run_id: str = ""
    ended_run_id: str = ""
    task_id: str = ""
    what: str = ""
    log_url: str = ""
    tasks: dict[str, int] = field(default_factory=dict)

    def add(self, alert: Alert) -> None:
        self.last_at = alert.at.isoformat()
        self.count += 1
        self.untold += 1
        self.run_id, self.task_id = alert.run_id, alert.task_id
        self.what, self.log_url = alert.what, alert.log_url
        if alert.task_id in self.tasks or (alert.task_id and len(self.tasks) < MOST_GROUPS):
            self.tasks[alert.task_id] = self.tasks.get(alert.task_id, 0) + 1
        if alert.is_end:
            self.ended_run_id = alert.run_id

    def is_due(self, now: datetime, window: timedelta) -> bool:
        return not self.told_at or now - datetime.fromisoformat(self.told_at) >= window

    def told(self, now: datetime) -> None:
        self.told_at, self.untold, self.tasks = now.isoformat(), 0, {}

    def last(self) -> Alert:
        """The newest alert of the group, as far as it is remembered."""
        return Alert(
            cause=Cause(self.cause),
            what=self.what,
            dag_id=self.dag_id,
            task_id=self.task_id,
            run_id=self.run_id,
            source=self.source,
            log_url=self.log_url,
            at=datetime.fromisoformat(self.last_at),
        )


@dataclass
class Memory:
    """What one channel has told; `sent_at` are the messages within the last window."""

    groups: dict[str, Group] = field(default_factory=dict)
    sent_at: list[str] = field(default_factory=list)
    delivered: int = 0
    undelivered: int = 0
    held_back: int = 0


class Grouping:
    """The gate of one channel; every method is one locked reading and writing of the file."""

    def __init__(self, path: Path, channel: str, window: timedelta, limit: int) -> None:
        self.path = path
        self.channel = channel
        self.window = window
        self.limit = limit

    @contextmanager
    def memory(self) -> Iterator[Memory]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock"), timeout=LOCK_SECONDS):
            everything, memory = self.read()
            yield memory
            newest = sorted(memory.groups.items(), key=lambda each: each[1].last_at)[-MOST_GROUPS:]
            memory.groups = dict(newest)
            everything[self.channel] = asdict(memory)
            replace_text(self.path, json.dumps(everything))

    def read(self) -> tuple[dict[str, Any], Memory]:
        """What all channels remember, and what this one does."""
        try:
            everything = json.loads(self.path.read_text())
            known = dict(everything.get(self.channel, {}))
            groups = {key: Group(**values) for key, values in known.pop("groups", {}).items()}
            return everything, Memory(groups=groups, **known)
        except FileNotFoundError:
            return {}, Memory()
        except (ValueError, TypeError, AttributeError):
            log.warning("%s cannot be read; what was told is forgotten", self.path)
            return {}, Memory()

    def admit(self, alert: Alert, now: datetime) -> list[Alert]:
        """The messages to deliver now that this has happened."""
        with self.memory() as memory:
            if not alert.is_grouped:
                return [alert]
            wanted = [*self.of(alert, memory, now), *self.overdue(memory, now)]
            return self.limited(wanted, memory, now)

    def of(self, alert: Alert, memory: Memory, now: datetime) -> list[Alert]:
        if alert.cause is Cause.SUCCESS and (ended := ended_by(alert, memory)):
            for key in ended:
                del memory.groups[key[0]]
            return [recovery(alert, [group for _, group in ended])]
        if is_told_already(alert, memory):
            return []
        group = memory.groups.get(alert.key)
        if group is None:
            at = alert.at.isoformat()
            group = Group(alert.cause, alert.dag_id, alert.origin, first_at=at)
            memory.groups[alert.key] = group
        group.add(alert)
        window = SUCCESS_WINDOW if alert.cause is Cause.SUCCESS else self.window
        return [standing_for(group, alert)] if group.is_due(now, window) else []

    def overdue(self, memory: Memory, now: datetime) -> list[Alert]:
        """Counted repeats whose window is over, of whatever cause and place."""
        return [
            standing_for(group, group.last())
            for group in memory.groups.values()
            if group.untold and group.cause != Cause.SUCCESS and group.is_due(now, self.window)
        ]

    def limited(self, wanted: list[Alert], memory: Memory, now: datetime) -> list[Alert]:
        """What fits under the limit; the rest stays counted and is told when it fits."""
        since = (now - self.window).isoformat()
        memory.sent_at = [at for at in memory.sent_at if at > since]
        admitted: dict[str, Alert] = {}
        for alert in wanted:
            if alert.key in admitted:
                continue
            if len(memory.sent_at) >= self.limit:
                memory.held_back += 1
                if alert.state is State.RECOVERED:
                    memory.groups[alert.key] = still_open(alert, now)
                continue
            memory.sent_at.append(now.isoformat())
            if len(memory.sent_at) == self.limit:
                note = f"This is message {self.limit} within {self.window}: more are held back."
                alert = replace(alert, details=(*alert.details, note))
            if group := memory.groups.get(alert.key):
                group.told(now)
            admitted[alert.key] = alert
        return list(admitted.values())

    def settle(self, alert: Alert, now: datetime, *, is_delivered: bool) -> None:
        """Count a delivery; what could not be delivered is not told, and is due again soon."""
        with self.memory() as memory:
            if is_delivered:
                memory.delivered += 1
                return
            memory.undelivered += 1
            if alert.state is State.RECOVERED:
                memory.groups[alert.key] = still_open(alert, now)
            elif group := memory.groups.get(alert.key):
                group.untold += alert.count
                group.told_at = (now - self.window + PATIENCE).isoformat()


def ended_by(success: Alert, memory: Memory) -> list[tuple[str, Group]]:
    """The troubles of a DAG that the success of a run ends."""
    return [
        (key, group)
        for key, group in memory.groups.items()
        if group.dag_id == success.dag_id
        and group.cause != Cause.SUCCESS
        and not (
            group.cause in SURVIVING
            and group.run_id == success.run_id
            and group.ended_run_id != success.run_id
        )
    ]


def recovery(success: Alert, ended: list[Group]) -> Alert:
    """One message for all that is over: how often each came, and since when."""
    gravest = max(ended, key=lambda group: (bool(group.ended_run_id), group.count))
    counted = ", ".join(f"{group.count:,} x {group.cause}" for group in ended)
    first = min(group.first_at for group in ended)
    return replace(
        success,
        cause=Cause(gravest.cause),
        what=f"The run succeeded. Before it: {counted}.",
        state=State.RECOVERED,
        count=sum(group.count for group in ended),
        since=datetime.fromisoformat(first),
    )


def still_open(recovered: Alert, now: datetime) -> Group:
    """The trouble whose end could not be told: the next success tells it."""
    since = recovered.since or recovered.at
    return Group(
        recovered.cause,
        recovered.dag_id,
        recovered.origin,
        first_at=since.isoformat(),
        last_at=now.isoformat(),
        told_at=now.isoformat(),
        count=recovered.count,
    )


def is_told_already(alert: Alert, memory: Memory) -> bool:
    """Whether this only says that a run failed of which a task has said so already."""
    return (
        alert.cause is Cause.FAILURE
        and not alert.task_id
        and any(
            (group.dag_id, group.ended_run_id) == (alert.dag_id, alert.run_id)
            for group in memory.groups.values()
        )
    )


def standing_for(group: Group, alert: Alert) -> Alert:
    """The alert, as the message for all of its group that has not been told."""
    first = datetime.fromisoformat(group.first_at)
    if group.untold <= 1 and not group.told_at:
        return alert
    details = (*alert.details, *named(group.tasks)) if group.untold > 1 else alert.details
    return replace(alert, details=details, state=State.REPEATED, count=group.untold, since=first)


def named(tasks: dict[str, int]) -> list[str]:
    """Which tasks it was, the most frequent first."""
    often = sorted(tasks.items(), key=lambda each: (-each[1], each[0]))
    more = [f"and {len(often) - MOST_TASKS} tasks more"] if len(often) > MOST_TASKS else []
    return [f"{task}: {count:,} x" for task, count in often[:MOST_TASKS]] + more
