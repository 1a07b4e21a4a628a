"""Every setting of Trendhouse: environment variables with sane defaults, read in one place."""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from trendhouse.errors import UsageError
from trendhouse.lake.lake import Lake, check_path
from trendhouse.spark_masters import check_address, read_conf

ROOT = Path(__file__).parents[1]
World = Literal["sample", "live", "recorded"]
Given = TypeVar("Given", bound=BaseSettings)
LEAST_KEY = 16


def parts(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def check_rate(text: str) -> str:
    """Raises ValueError unless it is a rate as the library `limits` reads it, or `none`."""
    if text != "none":
        from limits import parse

        parse(text)
    return text


def of_length(keys: SecretStr | None) -> SecretStr | None:
    """Raises ValueError for a key that could be guessed."""
    if keys and any(len(key) < LEAST_KEY for key in parts(keys.get_secret_value())):
        raise ValueError(f"A key has at least {LEAST_KEY} characters")
    return keys


class SettingsError(UsageError):
    """Environment variables that do not fit; a line names each, its value and what would do."""


class Settings(BaseSettings):
    """The effective settings; each field `x` is the variable `TRENDHOUSE_X` unless it says other."""

    model_config = SettingsConfigDict(env_prefix="TRENDHOUSE_", env_ignore_empty=True)

    home: Annotated[Path, AfterValidator(check_path)] = Field(
        ROOT / ".trendhouse", description="Folder of all data, one part per world."
    )
    lake_url: str | None = Field(
        None,
        description="Lake in an object store, `s3://bucket/folder` or `gs://bucket/folder`, one part per "
        "world; unset: below `TRENDHOUSE_HOME`.",
    )
    lake_lease_seconds: float = Field(
        120,
        ge=3,
        description="In an object store: a machine that gives no sign for so long has lost its locks; seconds.",
    )
    world: World | None = Field(
        None,
        description="`sample`, `live` or `recorded`; unset: `run` takes `sample`, other verbs the world "
        "of the last run.",
    )
    now: datetime | None = Field(
        None, description="The clock (ISO 8601, UTC if no zone); unset: the real time."
    )
    watchlist: Path | None = Field(
        None, description="CSV of products and repositories; unset: the world's own."
    )
    github_tokens: SecretStr | None = Field(
        None,
        validation_alias="GITHUB_TOKENS",
        description="Tokens of the pool, separated by commas.",
    )
    github_token: SecretStr | None = Field(
        None, validation_alias="GITHUB_TOKEN", description="A single token."
    )
    quota_reserve: float = Field(
        0.1, ge=0, lt=1, description="Share of each token's quota that is never touched."
    )
    concurrency: int = Field(16, ge=1, description="Requests under way at once, per source.")
    deadline_seconds: int = Field(
        3600, ge=1, description="A landing stops cleanly after this time; seconds."
    )
    gharchive_since: datetime | None = Field(
        None,
        description="First hour of the event archive to land (ISO 8601, UTC); unset: the hours below.",
    )
    gharchive_hours: int = Field(
        24, ge=1, description="Hours of the event archive that a first landing goes back."
    )
    ranking_since: date | None = Field(
        None, description="First day of the rankings to land; unset: the days below."
    )
    ranking_days: int = Field(
        30, ge=1, description="Days of rankings that a first landing goes back."
    )
    spark_memory: str = Field(
        "2g",
        pattern=r"^[1-9]\d*[kKmMgGtT]$",
        description="Heap of the local Spark driver, as in `2g`.",
    )
    spark_master: Annotated[str, AfterValidator(check_address)] = Field(
        "local[*]",
        description="Where Spark runs: `local[*]`, `spark://…`, `yarn`, `k8s://…`, or `sc://…` (Connect).",
    )
    spark_conf: Annotated[dict[str, str], NoDecode, BeforeValidator(read_conf)] = Field(
        {},
        description="More settings of Spark: `spark.a=b,spark.c=d`, or a JSON object; they win over ours.",
    )
    spark_s3a: bool = Field(
        False,
        description="Give Spark the `s3a://` file system, whose jar it fetches from Maven; see "
        "docs/object-storage.md.",
    )
    spark_on: Literal["here", "emr", "emr_serverless"] = Field(
        "here",
        description="Where Airflow deduplicates: on its own machine or cluster (`TRENDHOUSE_SPARK_MASTER`), "
        "or on `emr` or `emr_serverless`.",
    )
    lock_wait_seconds: float = Field(
        900, ge=0, description="So long a scheduled task waits for another run; seconds."
    )
    niceness: int = Field(
        10,
        ge=0,
        le=19,
        description="How far a run stands back for servers on its machine, as `nice` counts; 0: not at all.",
    )
    min_free_gb: float = Field(1.0, ge=0, description="A run needs this much free disk; GB.")
    raw_retention_days: int | None = Field(
        None,
        ge=1,
        description="Raw older than this is removed by `trendhouse retain`; unset: kept.",
    )
    alert_mail: str | None = Field(
        None,
        description="Recipients of alert mails, separated by commas; unset: the owner of the source.",
    )
    alert_window_minutes: float = Field(
        60, gt=0, description="Repeats of an alert within this time are counted, and told as one."
    )
    alert_limit: int = Field(
        20, ge=1, description="Messages per channel within that time; what is beyond is counted."
    )
    alert_deadline_minutes: float = Field(
        180, gt=0, description="A run that is not over this long after it was queued is told."
    )
    fetch_seconds: float = Field(
        300,
        ge=1,
        description="On Snowflake: how often `trendhouse serve` looks for a new publication; seconds.",
    )
    selftest_url: str | None = Field(
        None, description="A JSON list for the self-test; unset: the licenses that GitHub serves."
    )
    selftest_retry_seconds: float = Field(
        60, ge=0, description="Pause before the self-test tries a task again."
    )
    api_keys: Annotated[SecretStr | None, AfterValidator(of_length)] = Field(
        None,
        description="Keys that may post to `/api/v1/update`, separated by commas, of 16 characters at least; "
        "unset: nobody may.",
    )
    rate_limit: Annotated[str, AfterValidator(check_rate)] = Field(
        "1200/minute",
        description="Requests per client and time that are answered, as in `1200/minute`; `none`: all.",
    )
    body_limit_mb: float = Field(4, gt=0, description="Largest body that a request may have; MB.")
    cors_origins: Annotated[list[str], NoDecode, BeforeValidator(parts)] = Field(
        "*",
        validate_default=True,
        description="Origins whose pages may read the API, separated by commas; `*`: all.",
    )
    hosts: Annotated[list[str], NoDecode, BeforeValidator(parts)] = Field(
        "*",
        validate_default=True,
        description="Names under which pages and API are served, separated by commas, as in "
        "`trends.example.org,*.example.net`; `*`: any.",
    )
    send_url: str | None = Field(
        None, description="Where the DAG `tell_releases` posts the release feed; unset: nowhere."
    )
    send_key: SecretStr | None = Field(
        None, description="Key of the server that the release feed is posted to."
    )
    digest: Annotated[list[Literal["slack", "mail"]], NoDecode, BeforeValidator(parts)] = Field(
        "",
        validate_default=True,
        description="Ways by which `tell_releases` tells of new releases, as in `slack,mail`; unset: none.",
    )
    digest_products: Annotated[list[str], NoDecode, BeforeValidator(parts)] = Field(
        "",
        validate_default=True,
        description="Products of that digest, separated by commas; unset: all.",
    )
    digest_language: Literal["en", "ko"] = Field("en", description="Language of that digest.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="Level of the run's log file: DEBUG, INFO, WARNING, ERROR or CRITICAL."
    )

    @field_validator("now", "gharchive_since")
    @classmethod
    def in_utc(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    @field_validator("log_level", mode="before")
    @classmethod
    def in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("lake_url")
    @classmethod
    def in_a_store(cls, value: str | None) -> str | None:
        from trendhouse.lake.store import open_store

        return None if value is None else open_store(value).url

    @field_validator("home", "watchlist")
    @classmethod
    def from_the_root(cls, value: Path | None) -> Path | None:
        return None if value is None else (ROOT / value.expanduser()).resolve()

    @property
    def keys(self) -> list[str]:
        """The keys of those who may post; empty without any."""
        return parts(self.api_keys.get_secret_value()) if self.api_keys else []

    @property
    def tokens(self) -> list[str]:
        """The GitHub tokens of the pool; empty without any."""
        given = [
            secret.get_secret_value()
            for secret in (self.github_tokens, self.github_token)
            if secret
        ]
        return list(
            dict.fromkeys(
                part.strip() for text in given for part in text.split(",") if part.strip()
            )
        )

    def clock(self) -> datetime:
        """The time that a run takes for now, UTC: the one that is set, else the sample world's own, which
        moves on under a scheduler, else the real one."""
        from trendhouse.worlds import Memory

        memory = self.place.root / "world.json"
        if self.now is None and self.effective_world == "sample" and memory.exists():
            return Memory(memory).now
        return self.now or datetime.now(UTC)

    @property
    def effective_world(self) -> World:
        current = self.home / "current"
        return self.world or (current.readlink().name if current.is_symlink() else "sample")

    @cached_property
    def place(self) -> Place:
        world = self.effective_world
        return Place(self.home / world, self.lake_url and f"{self.lake_url}/{world}")


class Place:
    """The folders of one world; `.trendhouse/current` points to the world of the last run.

    With `lake_url` the lake lies there, copies of what is needed of it in `mirror`, and dlt's cursors
    are those of that lake.
    """

    def __init__(self, root: Path, lake_url: str | None = None) -> None:
        self.root = root
        self.lake = mirror_of(lake_url, root / "mirror") if lake_url else Lake(root / "lake")
        self.pipelines = root / "dlt" / (self.lake.root.name if lake_url else "")
        self.warehouse = root / "warehouse" / "warehouse.duckdb"
        self.ci_warehouse = root / "ci" / "ci.duckdb"
        self.dbt_target = root / "dbt"
        self.published = root / "published"
        self.serving = root / "serving"
        self.posted = root / "posted.sqlite"
        self.downloads = root / "downloads"
        self.logs = root / "logs"
        self.runs = root / "runs"
        self.landings = root / "landings"
        self.data_docs = root / "docs" / "expectations"
        self.backups = root / "backups"
        self.locks = root / "locks"

    def make_current(self) -> None:
        """Let bare commands (`dbt build`, `trendhouse query`) find this world from now on."""
        self.root.mkdir(parents=True, exist_ok=True)
        beside = self.root.parent / f".current.{os.getpid()}"
        beside.unlink(missing_ok=True)
        beside.symlink_to(self.root.name)
        os.replace(beside, self.root.parent / "current")


def mirror_of(url: str, folder: Path) -> Lake:
    """The lake at a URL; copies of each lake have a folder of their own."""
    from trendhouse.lake.mirror import Mirror

    return Mirror(folder / re.sub(r"[^A-Za-z0-9]+", "-", url), url)


def load_settings(**overrides: object) -> Settings:
    """The settings of this process. Raises SettingsError naming each bad variable."""
    return loaded(Settings, **overrides)


def loaded(kind: type[Given], **overrides: object) -> Given:
    """Settings of a kind, as the environment has them. Raises SettingsError naming each bad variable."""
    try:
        return kind(**overrides)
    except ValidationError as error:
        said = (complaint(each, kind) for each in error.errors())
        raise SettingsError("\n".join(said)) from None


def complaint(error: ErrorDetails, kind: type[BaseSettings] = Settings) -> str:
    """One line on one bad setting: the variable, its value unless it is a secret, what would do."""
    name = str(error["loc"][0])
    field = kind.model_fields.get(name)
    alias = field.validation_alias if field else name  # pydantic names an alias, where there is one
    variable = str(alias or f"{kind.model_config['env_prefix']}{name}".upper())
    is_secret = field and SecretStr in (field.annotation, *get_args(field.annotation))
    value = "" if is_secret or "TOKEN" in variable else f" is {str(error['input'])!r}"
    return f"{variable}{value}: {error['msg'].removeprefix('Input ')}."
