"""Fixtures of everything that runs in Airflow: a home of its own for every module."""

from __future__ import annotations

import pytest

from tests.orchestration.dags.airflow_runs import Airflow


@pytest.fixture(scope="session")
def fresh_airflow(tmp_path_factory) -> Airflow:
    """An Airflow home with database, pools and dbt's manifest, in which nothing runs."""
    return Airflow(tmp_path_factory.mktemp("fresh_airflow"))


@pytest.fixture(scope="module")
def airflow_home(fresh_airflow, tmp_path_factory) -> Airflow:
    """A copy of it to run DAGs in, one at a time; no other module's runs and asset events are in it."""
    return Airflow(tmp_path_factory.mktemp("airflow"), like=fresh_airflow)
