"""What an alert says: its cause, where it arose, what failed and how many rows it concerns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


class Cause(StrEnum):
    """Why a message is sent; its value is what people read."""

    SUCCESS = "success"
    RETRY = "up for retry"
    FAILURE = "failure"
    DEADLINE = "deadline missed"
    PARTIAL = "partial landing"
    QUOTA = "quota exhausted"
    DRIFT = "schema drift"
    COMPLETENESS = "completeness below its floor"
    EXPECTATIONS = "expectations failed"
    STALE = "source stale"
    DISK = "disk full"


class State(StrEnum):
    """First of its kind, one that stands for many, or the end of it."""

    NEW = "new"
    REPEATED = "repeated"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class Alert:
    """One thing that people must know. `rows` is None where nobody can tell.

    Where `dag_id`, `task_id`, `run_id` and `log_url` are left out, `send` takes them from the task
    that it is called in. `is_grouped` false: told at once and always, as the self-test needs it.
    `label` stands for the cause in the title, where the cause's own name would say too little;
    `is_end`: a task ended with it. `count` occurrences since `since` stand behind a message that is repeated or recovered.
    """

    cause: Cause
    what: str
    dag_id: str = ""
    task_id: str = ""
    run_id: str = ""
    source: str = ""
    log_url: str = ""
    rows: int | None = None
    details: tuple[str, ...] = ()
    attempt: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    is_grouped: bool = True
    label: str = ""
    is_end: bool = False
    state: State = State.NEW
    count: int = 1
    since: datetime | None = None

    @property
    def origin(self) -> str:
        """The source: as given, or as the DAG's name says it."""
        return self.source or (
            self.dag_id.removeprefix("ingest_") if self.dag_id.startswith("ingest_") else ""
        )

    @property
    def key(self) -> str:
        """What is grouped together: the same cause at the same DAG and source."""
        return "|".join((self.cause, self.dag_id, self.origin))

    @property
    def where(self) -> str:
        """DAG and task, or what there is of them."""
        return ".".join(filter(None, (self.dag_id, self.task_id))) or self.origin or "trendhouse"
