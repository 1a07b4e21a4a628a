"""Fixtures of everything that runs in Airflow: one migrated home for the whole session."""

from __future__ import annotations

import pytest

from tests.orchestration.dags.airflow_runs import Airflow


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory) -> Airflow:
    """An Airflow home with database, pools and dbt's manifest; DAGs run in it one at a time."""
    return Airflow(tmp_path_factory.mktemp("airflow"))
