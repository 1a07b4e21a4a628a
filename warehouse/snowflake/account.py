"""The way into Snowflake: the same environment variables that dbt's profile reads, as a connection."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

# A statement that hangs, or an account that does not answer, ends with an error; seconds.
TIMEOUTS = {"login_timeout": 60, "network_timeout": 3600}


def is_target() -> bool:
    """Whether `DBT_TARGET` says that the warehouse is Snowflake."""
    return os.environ.get("DBT_TARGET", "duckdb") == "snowflake"


class Account(BaseSettings):
    """Who asks which Snowflake account, and how it proves who it is; each field `x` is `SNOWFLAKE_X`.

    One way in is enough: a key pair, a token, or an `authenticator` that needs neither.
    """

    model_config = SettingsConfigDict(env_prefix="SNOWFLAKE_", env_ignore_empty=True)

    account: str = Field("", description="Account identifier, as in `organisation-account`.")
    host: str | None = Field(None, description="Address of the account; unset: from the account.")
    port: int = Field(443, description="Port of the account.")
    protocol: Literal["https", "http"] = Field(
        "https", description="`http` only for a local emulator."
    )
    user: str | None = Field(None, description="User; not needed with a token.")
    authenticator: str | None = Field(
        None,
        description="`externalbrowser`, `oauth`, `programmatic_access_token` or `workload_identity`; "
        "unset: the key pair.",
    )
    private_key_path: Path | None = Field(
        None, description="File of the user's private key (PKCS#8, PEM)."
    )
    private_key_passphrase: SecretStr | None = Field(
        None, description="What that file is encrypted with."
    )
    token: SecretStr | None = Field(
        None, description="OAuth token (with client id and secret: the refresh token), or another."
    )
    oauth_client_id: str | None = Field(
        None, description="OAuth client of a refresh token; for dbt."
    )
    oauth_client_secret: SecretStr | None = Field(
        None, description="Secret of that client; for dbt."
    )
    workload_identity_provider: Literal["AWS", "AZURE", "GCP", "OIDC"] | None = Field(
        None, description="Who vouches for the machine: `AWS`, `AZURE`, `GCP` or `OIDC`."
    )
    role: str = Field("trendhouse_transformer", description="Role that builds and publishes.")
    loader_role: str = Field("trendhouse_loader", description="Role that loads the clean lake.")
    reader_role: str = Field("trendhouse_reader", description="Role that reads what is published.")
    accountant_role: str = Field("trendhouse_accountant", description="Role of `trendhouse cost`.")
    warehouse: str = Field("trendhouse_transforming", description="Warehouse of dbt.")
    warehouse_reading: str = Field(
        "trendhouse_reading", description="Warehouse of `trendhouse query`."
    )
    warehouse_loading: str = Field("trendhouse_loading", description="Warehouse of the load.")
    warehouse_marts: str | None = Field(
        None, description="Warehouse of intermediate models, marts and snapshots; unset: dbt's."
    )
    database: str = Field("trendhouse", description="Database of clean tables and marts.")
    stage_url: str | None = Field(
        None,
        pattern=r"^(s3|gcs|azure)://[^/]+/",
        description="Where the external stage `lake.clean` points, if the clean lake lies in an object "
        "store; unset: files are put into an internal stage.",
    )

    def credentials(self) -> dict[str, Any]:
        """What identifies the user, as dbt itself hands it to the connector."""
        connector()
        from dbt.adapters.snowflake.connections import SnowflakeCredentials

        secrets = {
            name: value.get_secret_value() if value else None
            for name, value in (
                ("private_key_passphrase", self.private_key_passphrase),
                ("token", self.token),
                ("oauth_client_secret", self.oauth_client_secret),
            )
        }
        return SnowflakeCredentials(
            account=self.account,
            database=self.database,
            schema="main",
            user=self.user,
            host=self.host,
            port=self.port,
            protocol=self.protocol,
            authenticator=self.authenticator,
            private_key_path=str(self.private_key_path) if self.private_key_path else None,
            oauth_client_id=self.oauth_client_id,
            workload_identity_provider=self.workload_identity_provider,
            **secrets,
        ).auth_args()


def connector() -> ModuleType:
    """Snowflake's own; its import complains, whoever listens, about its copy of a library."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import snowflake.connector

    return snowflake.connector


def connect(
    account: Account, query_tag: str, *, role: str | None = None, warehouse: str | None = None
) -> SnowflakeConnection:
    """A connection to the database of `account`, in UTC, every statement under `query_tag`; as dbt's
    role and in its warehouse unless told otherwise. Raises what the connector raises."""
    return connector().connect(
        account=account.account,
        database=account.database,
        role=role or account.role,
        warehouse=warehouse or account.warehouse,
        application="trendhouse",
        session_parameters={"QUERY_TAG": query_tag, "TIMEZONE": "UTC"},
        **TIMEOUTS,
        **account.credentials(),
    )
