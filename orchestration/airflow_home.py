"""An Airflow home with everything in it that a scheduler needs, made from nothing and by environment alone."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from trendhouse.errors import TrendhouseError
from trendhouse.settings import ROOT

DAGS = ROOT / "orchestration" / "dags"
USER = "admin"
PROVISION_SECONDS = 300


class AirflowFailed(TrendhouseError):
    """Airflow is not installed, or does not come up; the message says what to do or what it said."""


@dataclass(frozen=True)
class AirflowHome:
    """The folder of one Airflow: database, password, logs."""

    root: Path

    @property
    def passwords(self) -> Path:
        return self.root / "passwords.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def state(self) -> Path:
        """Who holds the lock and where it is reached, for other commands: beside the lock, as `held_by` reads it."""
        return self.root / "standalone.json"

    @property
    def exports(self) -> Path:
        """What a shell reads so that its `airflow` is this one."""
        return self.root / "environment.sh"

    @property
    def lock(self) -> Path:
        return self.root / "standalone.lock"

    @property
    def alerts(self) -> Path:
        """What arrived where no channel is configured."""
        return self.root / "alerts.jsonl"

    def environment(self, port: int) -> dict[str, str]:
        """Airflow's settings; whatever AIRFLOW__… the operator has set wins over them."""
        url = f"http://127.0.0.1:{port}"
        ours = {
            "CORE__DAGS_FOLDER": str(DAGS),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": str(parallelism()),
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords),
            "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
            "API__HOST": "127.0.0.1",
            "API__PORT": str(port),
            "API__BASE_URL": url,
            "API__WORKERS": "1",
            "API__MAXIMUM_PAGE_LIMIT": "1000",
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.root / 'airflow.db'}",
            "DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            "LOGGING__BASE_LOG_FOLDER": str(self.logs),
            **metrics(),
            "METRICS__STATSD_HOST": "127.0.0.1",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "120",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
            "COSMOS__ENABLE_TELEMETRY": "False",
        }
        named = {f"AIRFLOW__{name}": value for name, value in ours.items()}
        given = {name: value for name, value in os.environ.items() if name in named}
        return {"AIRFLOW_HOME": str(self.root), **named, **given, **FOR_CHILDREN}

    def password(self) -> str:
        """The login's password: made at the first start, readable by its owner alone."""
        self.root.mkdir(parents=True, exist_ok=True)
        if not self.passwords.exists():
            descriptor = os.open(self.passwords, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump({USER: secrets.token_urlsafe(12)}, file)
        return json.loads(self.passwords.read_text())[USER]

    def provision(self, environment: Mapping[str, str]) -> None:
        """Bring database, pools and dbt's manifest to what the code wants. Raises AirflowFailed."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        with ThreadPoolExecutor(1) as beside:
            manifest = beside.submit(
                run, environment, sys.executable, "-m", "orchestration.manifest"
            )
            run(environment, executable(), "db", "migrate")
            run(environment, sys.executable, "-m", "orchestration.pools")
            manifest.result()


# macOS: forked task processes must not ask the system for proxies; all: what is logged comes at once.
FOR_CHILDREN = {
    "PYTHONUNBUFFERED": "1",
    "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
}


def metrics() -> dict[str, str]:
    """How Airflow names its metrics, as the deployed one does; nothing is lost where nobody listens."""
    lines = (ROOT / "deploy" / "metrics.env").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line.startswith("AIRFLOW__METRICS__")]
    return {name.removeprefix("AIRFLOW__"): value for name, value in pairs}


def parallelism() -> int:
    """Tasks at once: a landing waits for upstream more than it works, so two per core; at least 4."""
    return max(4, 2 * (os.cpu_count() or 1))


def executable() -> str:
    """The `airflow` of this environment. Raises AirflowFailed where it is not installed."""
    path = Path(sys.executable).parent / "airflow"
    if not path.exists():
        raise AirflowFailed("Airflow is not in this environment: `make airflow` installs it.")
    return str(path)


def run(environment: Mapping[str, str], *command: str) -> None:
    """Run a command in Airflow's environment. Raises AirflowFailed with its last lines."""
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PROVISION_SECONDS,
        check=False,
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise AirflowFailed(f"`{' '.join(command)}` ended with {done.returncode}:\n{said}")
