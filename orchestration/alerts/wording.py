"""The words of a message: its title, its facts in order, and the times in Seoul and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from orchestration.alerts.alert import Alert, Cause, State
from orchestration.alerts.remedies import remedy

SEOUL = ZoneInfo("Asia/Seoul")
SIGNS = {
    Cause.SUCCESS: "🟢",
    Cause.RETRY: "🟡",
    Cause.PARTIAL: "🟡",
    Cause.DRIFT: "🟡",
    Cause.QUOTA: "🟠",
    Cause.DEADLINE: "🟠",
    Cause.STALE: "🟠",
}
LONGEST_LINE = 400


def title(alert: Alert) -> str:
    """What happened where, in a line: the subject of a mail."""
    label = " ".join(filter(None, (alert.label or alert.cause, alert.attempt)))
    if alert.state is State.RECOVERED:
        label = f"recovered from {label}"
    elif alert.state is State.REPEATED:
        label = f"{alert.count:,} x {label}" if alert.count > 1 else label
    return f"{label}: {alert.where}"


def sign(alert: Alert) -> str:
    return "🟢" if alert.state is State.RECOVERED else SIGNS.get(alert.cause, "🔴")


def facts(alert: Alert) -> list[tuple[str, str]]:
    """Label and value of what is known of the place."""
    found = [
        ("DAG", alert.dag_id),
        ("Task", alert.task_id),
        ("Run", alert.run_id),
        ("Source", alert.origin),
        ("Rows", "" if alert.rows is None else f"{alert.rows:,}"),
        ("Time", both_times(alert.at)),
    ]
    if alert.since and alert.state is not State.NEW:
        found.append(("Since", both_times(alert.since)))
    return [(label, shortened(value)) for label, value in found if value]


def details(alert: Alert) -> list[str]:
    return [shortened(line) for line in alert.details]


def what(alert: Alert) -> str:
    return shortened(alert.what or "No reason was given.")


def to_do(alert: Alert) -> str:
    """What the reader does next; empty where nothing is to be done."""
    return "" if alert.state is State.RECOVERED else remedy(alert)


def both_times(at: datetime) -> str:
    """One instant as people in Seoul read it, and as the logs have it."""
    utc, seoul = at.astimezone(UTC), at.astimezone(SEOUL)
    return f"{seoul:%Y-%m-%d %H:%M:%S} KST ({utc:%Y-%m-%d %H:%M:%S} UTC)"


def shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
