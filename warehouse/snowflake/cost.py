"""What Snowflake has cost: the metered credits of each warehouse's hour, shared out by who was at work."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from warehouse.snowflake.account import Account, connect

TAG = '{"app": "trendhouse", "model": "cost"}'
UNTAGGED = "(not Trendhouse)"
IDLE = "(idle)"
# Execution in milliseconds and statements per tag, warehouse and hour; cached answers run in no warehouse.
WORK = """
    select query_tag, warehouse_name, date_trunc('hour', start_time) as hour,
        sum(execution_time) as milliseconds, count(*) as statement_count
    from snowflake.account_usage.query_history
    where warehouse_name is not null and start_time >= dateadd(day, -%s, date_trunc('day', current_timestamp()))
    group by 1, 2, 3
"""
METERED = """
    select warehouse_name, date_trunc('hour', start_time) as hour, sum(credits_used) as credits
    from snowflake.account_usage.warehouse_metering_history
    where start_time >= dateadd(day, -%s, date_trunc('day', current_timestamp()))
    group by 1, 2
"""


@dataclass(frozen=True)
class Cost:
    """One day and model (or what stands for one): credits, statements, seconds at work."""

    day: date
    model: str
    dag: str
    credits: float
    statements: int
    seconds: float


def costs(days: int) -> list[Cost]:
    """What the last `days` whole days and today have cost, the dearest first within a day.

    Account usage lags by up to three hours.
    """
    account = Account()
    role, warehouse = account.accountant_role, account.warehouse_reading
    with connect(account, TAG, role=role, warehouse=warehouse) as connection:
        cursor = connection.cursor()
        work = cursor.execute(WORK, (days,)).fetchall()
        metered = cursor.execute(METERED, (days,)).fetchall()
    return shared_out(work, metered)


def shared_out(work: Iterable[tuple], metered: Iterable[tuple]) -> list[Cost]:
    """Each hour's credits by the share of execution time in it, so that the sum is what is billed."""
    bill = {(warehouse, hour): float(credits) for warehouse, hour, credits in metered}
    busy: dict[tuple[str, datetime], float] = defaultdict(float)
    work = list(work)
    for _, warehouse, hour, milliseconds, _ in work:
        busy[warehouse, hour] += float(milliseconds)
    found: dict[tuple[date, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for tag, warehouse, hour, milliseconds, count in work:
        share = float(milliseconds) / busy[warehouse, hour] if busy[warehouse, hour] else 0.0
        sums = found[hour.date(), *owner(tag)]
        sums[0] += bill.get((warehouse, hour), 0.0) * share
        sums[1] += count
        sums[2] += float(milliseconds) / 1000
    for (warehouse, hour), credits in bill.items():
        if not busy[warehouse, hour]:
            found[hour.date(), IDLE, ""][0] += credits
    rows = [Cost(*key, credits, int(count), s) for key, (credits, count, s) in found.items()]
    return sorted(rows, key=lambda each: (each.day, -each.credits, each.model, each.dag))


def owner(tag: str | None) -> tuple[str, str]:
    """Model and DAG that a query tag names."""
    try:
        told: Any = json.loads(tag or "")
    except ValueError:
        return UNTAGGED, ""
    if not isinstance(told, dict) or told.get("app") != "trendhouse":
        return UNTAGGED, ""
    return told.get("model") or "(session)", told.get("dag") or ""
