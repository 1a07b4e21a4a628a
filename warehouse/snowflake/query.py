"""Read what is published on Snowflake, as the role that can do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from warehouse.snowflake.account import Account, connect, connector
from warehouse.snowflake.publish import PUBLISHED

TAG = '{"app": "trendhouse", "model": "query"}'
BATCH = 2048


@contextmanager
def answered(sql: str) -> Iterator[tuple[list[str], Iterator[tuple]]]:
    """Column names and rows of one statement over the published marts, by bare name.

    Raises QueryFailed with what Snowflake says.
    """
    from warehouse.published import QueryFailed

    account = Account()
    role, warehouse = account.reader_role, account.warehouse_reading
    try:
        with connect(account, TAG, role=role, warehouse=warehouse) as connection:
            cursor = connection.cursor()
            cursor.execute(f"use schema {account.database}.{PUBLISHED}")
            cursor.execute(sql)
            yield [column.name.lower() for column in cursor.description], batches(cursor)
    except connector().Error as error:
        raise QueryFailed(str(error.msg)) from error


def batches(cursor) -> Iterator[tuple]:
    while batch := cursor.fetchmany(BATCH):
        yield from batch
