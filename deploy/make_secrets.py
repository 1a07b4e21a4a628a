"""Make the secret files that compose.yml mounts: `python -m deploy.make_secrets`; what is there stays."""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "secrets"
# Only people know these: empty until they are filled in.
BY_HAND = {
    "slack_webhook_url": "Slack's incoming webhook, for Alertmanager",
    "airflow_connections.yml": "Airflow's connections: github_default, slack_default, smtp_default",
}


def main(folder: Path) -> None:
    """A password each, and the addresses that hold them. The folder is closed to others: the files
    must be readable by the containers' own users."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    database = keep(folder, "postgres_password", secrets.token_urlsafe(24))
    queue = keep(folder, "redis_password", secrets.token_urlsafe(24))
    keep(folder, "grafana_admin_password", secrets.token_urlsafe(16))
    keep(folder, "airflow_admin_password", secrets.token_urlsafe(16))
    keep(folder, "airflow_api_key", secrets.token_urlsafe(32))
    keep(folder, "airflow_jwt_key", secrets.token_urlsafe(64))
    keep(folder, "airflow_fernet_key", base64.urlsafe_b64encode(os.urandom(32)).decode())
    airflow = f"postgresql+psycopg2://airflow:{database}@postgres/airflow"
    keep(folder, "airflow_database_url", airflow)
    keep(folder, "airflow_result_url", f"db+{airflow}")
    keep(folder, "airflow_broker_url", f"redis://:{queue}@redis:6379/0")
    for name, what in BY_HAND.items():
        if not keep(folder, name, "{}" if name.endswith(".yml") else "").strip("{}"):
            print(f"{folder / name} is empty: {what}")


def keep(folder: Path, name: str, value: str) -> str:
    """What the file holds; `value`, if it is new."""
    path = folder / name
    if not path.exists():
        path.write_text(value)
        path.chmod(0o644)
    return path.read_text()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
