"""The one table of environment variables: for `docs/settings.md`, the doctor and the house's tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from orchestration.emr import Emr
from trendhouse.declared.sources import landed_specs
from trendhouse.settings import ROOT, Settings, SettingsError, loaded
from warehouse.snowflake.account import Account

DOCUMENT = ROOT / "docs" / "settings.md"
HEAD = """# Settings

Environment variables, all of them optional; `trendhouse doctor` prints the effective ones, secrets masked.
This table is written by `python -m cli.variables` from the code that reads them.

| variable | default | meaning |
|---|---|---|
"""

URL = re.compile(r"https?://[^/\s]+", re.IGNORECASE)
# An API answers requests: a folder cannot stand for it, as it can for files.
URL_ONLY = ("github",)

# Read by dbt and by `make`, not by Settings.
BESIDE = (
    (
        "TRENDHOUSE_ROOT",
        "the checkout",
        "Where dbt looks for lake and warehouse; set on activation.",
    ),
    (
        "TRENDHOUSE_GITHUB_PATIENCE",
        "`1`",
        "Factor on the waits between tries of a GitHub request; below 1 for simulated worlds.",
    ),
    (
        "TRENDHOUSE_FILES_PATIENCE",
        "`1`",
        "The same for the requests of the sources that are files.",
    ),
    ("TRENDHOUSE_LAKE", "the current world's", "Lake that dbt reads; set by every run."),
    (
        "TRENDHOUSE_WAREHOUSE",
        "the current world's",
        "DuckDB file that dbt builds; set by every run.",
    ),
    (
        "TRENDHOUSE_CI_WAREHOUSE",
        "the current world's",
        "DuckDB file of `trendhouse build --state`; set by every run.",
    ),
    (
        "TRENDHOUSE_RUN_ID",
        "dbt's invocation",
        "Run that Snowflake's query tags name; set by every build.",
    ),
    (
        "TRENDHOUSE_VENV",
        "`.venv`",
        "Where `make` puts the Python environment; beside it `<it>-superset` and, for tests, `<it>-emulator`.",
    ),
    (
        "DBT_TARGET",
        "`duckdb`",
        "`snowflake` moves the warehouse: see [snowflake.md](snowflake.md).",
    ),
    (
        "PYTHON",
        "the first that fits",
        "Python 3.11 or 3.12 that `make` builds the environment with.",
    ),
    (
        "TRENDHOUSE_SHARED_DATA",
        "`../shared/data`",
        "Recorded data of others; tests that need it skip without.",
    ),
)


@dataclass(frozen=True)
class Variable:
    """One environment variable; `value` is the effective one, None for a secret that is set."""

    name: str
    default: str
    description: str
    value: str | None = ""
    is_secret: bool = False


def check_sources() -> None:
    """Raises SettingsError if a location that must be an address is none."""
    for spec in landed_specs():
        if spec.name in URL_ONLY and not URL.match(spec.location.resolve()):
            raise SettingsError(
                f"{spec.location.env} is {spec.location.resolve()!r}: give an http:// or https:// address."
            )


def of_settings(settings: Settings | None = None) -> list[Variable]:
    """Every setting, those of EMR and Snowflake last, with its effective value if `settings` are those of
    this process."""
    effective = (settings, loaded(Emr), loaded(Account)) if settings else (None, None, None)
    kinds = zip((Settings, Emr, Account), effective, strict=True)
    return [variable for kind, values in kinds for variable in of_kind(kind, values)]


def of_kind(kind: type[BaseSettings], effective: BaseSettings | None) -> list[Variable]:
    """The fields of one kind of settings, under the names by which the environment sets them."""
    prefix = kind.model_config["env_prefix"]
    found = []
    for name, field in kind.model_fields.items():
        secret = SecretStr in (field.annotation, *get_args(field.annotation))
        value = getattr(effective, name, None) if effective else None
        found.append(
            Variable(
                name=str(field.validation_alias or f"{prefix}{name}".upper()),
                default=shown(None if field.default is PydanticUndefined else field.default),
                description=field.description or "",
                value=masked(value) if secret else shown(value),
                is_secret=secret,
            )
        )
    return found


def of_sources() -> list[Variable]:
    """Where each source is found."""
    return [
        Variable(
            name=spec.location.env,
            default=shown(spec.location.default),
            description=f"Base URL of `{spec.name}`."
            if spec.name in URL_ONLY
            else f"Base URL or folder of `{spec.name}`.",
            value=shown(spec.location.resolve()),
        )
        for spec in landed_specs()
        if spec.location
    ]


def beside() -> list[Variable]:
    return [Variable(name, default, description) for name, default, description in BESIDE]


def shown(value: object) -> str:
    """A value as people read it: `unset` for none, paths below the checkout relative to it."""
    if value in (None, ""):
        return "unset"
    if isinstance(value, Path) and value.is_relative_to(ROOT):
        value = value.relative_to(ROOT)
    return f"`{value}`"


def masked(secret: SecretStr | None) -> str:
    if secret is None:
        return "unset"
    count = len([part for part in secret.get_secret_value().split(",") if part.strip()])
    return f"set ({count} token{'s' if count != 1 else ''})"


def document() -> str:
    """The whole of `docs/settings.md`."""
    rows = [*of_settings(), *of_sources(), *beside()]
    return HEAD + "".join(
        f"| `{each.name}` | {'unset' if each.is_secret else each.default} | {each.description} |\n"
        for each in rows
    )


if __name__ == "__main__":
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document())
