"""What stands in for production in the tests of this folder: a local Snowflake, a local S3."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.production.object_storage import (
    BUCKET,
    Disturbed,
    disturbed,
    s3_client,
    s3_server,
    s3_variables,
)
from warehouse import dbt as warehouse
from warehouse.snowflake.account import Account

ROOT = Path(__file__).parents[2]
PYTHON = Path(f"{sys.prefix}-emulator") / "bin" / "python"


@dataclass(frozen=True)
class Emulator:
    """A running emulator; what stands in a database of its own name is seen by its users alone."""

    port: int

    def environment(self, database: str) -> dict[str, str]:
        """The variables by which dbt and Trendhouse find a database of it."""
        return {
            "DBT_TARGET": "snowflake",
            "SNOWFLAKE_ACCOUNT": "emulator",
            "SNOWFLAKE_HOST": "127.0.0.1",
            "SNOWFLAKE_PORT": str(self.port),
            "SNOWFLAKE_PROTOCOL": "http",
            "SNOWFLAKE_USER": "tester",
            "SNOWFLAKE_AUTHENTICATOR": "oauth",
            "SNOWFLAKE_TOKEN": "none",
            "SNOWFLAKE_DATABASE": database,
        }

    def account(self, database: str) -> Account:
        """The same for the connector."""
        given = self.environment(database).items()
        prefix = "SNOWFLAKE_"
        return Account(
            **{n.removeprefix(prefix).lower(): v for n, v in given if n.startswith(prefix)}
        )


@pytest.fixture(scope="module")
def emulator(tmp_path_factory) -> Iterator[Emulator]:
    """The emulator's process; it ends with the module. Fails where its environment is missing."""
    assert PYTHON.exists(), f"{PYTHON} is missing: `bin/environment emulator` makes it"
    said = tmp_path_factory.mktemp("emulator") / "said"
    with said.open("w") as errors:
        process = subprocess.Popen(
            [PYTHON, Path(__file__).with_name("snowflake_emulator.py")],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, said.read_text()
        yield Emulator(int(line))
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of an S3 server with a bucket."""
    with s3_server() as url:
        s3_client(url).create_bucket(Bucket=BUCKET)
        yield url


@pytest.fixture
def proxy(endpoint, monkeypatch) -> Iterator[Disturbed]:
    """What can disturb that server; the environment leads through it."""
    with disturbed(endpoint) as proxy:
        for name, value in s3_variables(proxy.url).items():
            monkeypatch.setenv(name, value)
        yield proxy


@pytest.fixture
def changed(tmp_path, monkeypatch):
    """A copy of the project to change, which dbt takes for the project."""
    project = tmp_path / "dbt_project"
    shutil.copytree(warehouse.DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    monkeypatch.setattr(warehouse, "DBT_PROJECT", project)
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    return project / "models"


def edit(path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
