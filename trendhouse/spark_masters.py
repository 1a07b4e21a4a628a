"""Where Spark runs: the addresses that a master may have, and the settings that may be given beside it."""

from __future__ import annotations

import json
import os
import re

ADDRESS = re.compile(r"local(\[[^]]+\])?|spark://.+|yarn|k8s://.+|sc://.+")
# The clean lake's types and rows rest on these (spark/session.py).
FIXED = ("spark.sql.session.timeZone", "spark.sql.ansi.enabled", "spark.sql.caseSensitive")
# What a Connect server lets a session of its own set.
OF_A_SESSION = "spark.sql."


def is_local(master: str) -> bool:
    """Whether driver and executors are one process on this machine."""
    return master.startswith("local")


def is_connect(master: str) -> bool:
    """Whether a Spark Connect server does the work; this process has no JVM then."""
    return master.startswith("sc://")


def is_submitted() -> bool:
    """Whether spark-submit has started this process: the JVM is there, with a master of its own."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def check_address(master: str) -> str:
    """Raises ValueError for what is no master."""
    if not ADDRESS.fullmatch(master):
        raise ValueError(
            "give local[*], spark://host:port, yarn, k8s://https://host:port or sc://host:port"
        )
    return master


def read_conf(given: str | dict[str, object]) -> dict[str, str]:
    """Spark settings, given as a mapping, a JSON object or `name=value,name=value`.

    Raises ValueError for what is neither, for a name that Spark does not know as its own, and for one
    that the clean lake rests on.
    """
    if isinstance(given, str):
        given = read_json(given) if given.lstrip().startswith("{") else pairs(given)
    for name, value in given.items():
        if not name.startswith("spark.") or isinstance(value, dict | list | type(None)):
            raise ValueError(f"`{name}` is no setting of Spark: give spark.…=value")
        if name in FIXED:
            raise ValueError(f"`{name}` may not be changed: the clean lake's types rest on it")
    return {name: spelled(value) for name, value in given.items()}


def read_json(text: str) -> dict[str, object]:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the JSON object is broken: {error}") from None


def pairs(text: str) -> dict[str, str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if wrong := [part for part in parts if "=" not in part]:
        raise ValueError(
            f"`{wrong[0]}` is no name=value; values that hold a comma want a JSON object"
        )
    return dict(part.split("=", 1) for part in parts)


def spelled(value: object) -> str:
    """A JSON value as Spark spells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
