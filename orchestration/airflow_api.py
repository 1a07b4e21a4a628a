"""A few words with Airflow's REST API: is it well, which DAGs are there, unpause, trigger, how do runs stand."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TIMEOUT_SECONDS = 30


@dataclass
class Api:
    """Airflow's REST API behind its own login."""

    url: str
    user: str
    password: str
    token: str = ""

    def is_healthy(self) -> bool:
        """Whether scheduler, DAG processor and triggerer all have a heartbeat."""
        try:
            health = self.ask("/api/v2/monitor/health")
        except OSError:
            return False
        parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        return all((health.get(part) or {}).get("status") == "healthy" for part in parts)

    def log_in(self) -> None:
        login = {"username": self.user, "password": self.password}
        self.token = self.ask("/auth/token", login)["access_token"]

    def dags(self) -> dict[str, bool]:
        """Every DAG that the DAG processor has read, and whether it is paused."""
        found = self.ask("/api/v2/dags?limit=100&exclude_stale=true")["dags"]
        return {dag["dag_id"]: dag["is_paused"] for dag in found}

    def import_errors(self) -> dict[str, str]:
        """By file, why a DAG could not be read."""
        found = self.ask("/api/v2/importErrors")["import_errors"]
        return {each["filename"]: each["stack_trace"] for each in found}

    def unpause(self, dag: str) -> None:
        self.ask(f"/api/v2/dags/{dag}", {"is_paused": False}, method="PATCH")

    def trigger(self, dag: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run of a DAG now; its run id."""
        asked = {"logical_date": datetime.now(UTC).isoformat(), "conf": conf or {}}
        return self.ask(f"/api/v2/dags/{dag}/dagRuns", asked)["dag_run_id"]

    def runs(self) -> list[dict[str, Any]]:
        """The latest runs of all DAGs, oldest first."""
        found = self.ask("/api/v2/dags/~/dagRuns?limit=100&order_by=-run_after")["dag_runs"]
        return found[::-1]

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """The task instances of a run."""
        return self.ask(f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances?limit=500")[
            "task_instances"
        ]

    def ask(self, path: str, content: Any = None, method: str | None = None) -> Any:
        """One request; a token that has expired is replaced once."""
        try:
            return self.send(path, content, method)
        except urllib.error.HTTPError as error:
            if error.code != 401 or path == "/auth/token":
                raise
            self.log_in()
            return self.send(path, content, method)

    def send(self, path: str, content: Any, method: str | None) -> Any:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)
