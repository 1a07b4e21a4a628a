"""The API is asked at random by what its own OpenAPI allows, and by what it forbids: it never breaks."""

from __future__ import annotations

import secrets

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving.api import DESCRIPTION
from tests.serving.standing import standing

KEY = secrets.token_urlsafe()
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.fixture(scope="module")
def address(filled, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    filled(folder)
    log = folder / "serve.log"
    with standing(folder, log, api_keys=KEY) as url:
        yield url
    assert "Traceback" not in log.read_text()


schema = schemathesis.openapi.from_dict(DESCRIPTION)


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_the_api(case, address):
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = case.call(base_url=address, headers=headers, timeout=20)
    assert answer.status_code < 500
    case.validate_response(answer, checks=CHECKS)
