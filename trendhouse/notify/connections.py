"""Airflow's connections as alerts need them: the one of a channel, and the secrets of all of them."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

# Their secrets are kept out of every message, whichever channel it goes by.
OURS = ("slack_default", "smtp_default", "github_default")
# Shorter texts are no secrets, and masking them would make messages unreadable.
LEAST_PASSWORD, LEAST_EXTRA = 4, 16

log = logging.getLogger(__name__)


def find(connection_id: str) -> Any:
    """The connection of this name; None if nobody has made one."""
    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        return None


def secrets(*others: str) -> list[str]:
    """What nobody may read of our connections and of these: passwords, and long texts in extras."""
    found = []
    for name in dict.fromkeys([*OURS, *others]):
        try:
            connection = find(name)
        except Exception as error:  # one that nobody can read holds no secret that was ever used
            log.warning("The connection `%s` cannot be read: %s", name, type(error).__name__)
            continue
        found += secrets_of(connection) if connection else []
    return found


def secrets_of(connection: Any) -> list[str]:
    parts = [part.strip() for part in (connection.password or "").split(",")]
    extras = connection.extra_dejson.values() if connection.extra else []
    hidden = [each for each in extras if isinstance(each, str) and len(each) >= LEAST_EXTRA]
    return [part for part in parts if len(part) >= LEAST_PASSWORD] + hidden
