"""A run as a whole: what counts as partial and what as broken."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rich.console import Console

from ingestion import pipeline
from ingestion.landing import Failure, Landing
from orchestration import run, steps
from orchestration.display import Display
from orchestration.run import Run
from orchestration.steps import Outcome
from trendhouse.errors import Exit
from trendhouse.settings import Settings


@pytest.fixture
def landing(tmp_path, monkeypatch):
    """Runs everything with a landing that ended with these failures and all else quick and fine."""

    def execute(*failures: Failure):
        monkeypatch.setattr(run, "sources", lambda: ["github"])
        monkeypatch.setattr(Run, "warm_up", lambda self: None)
        for verb in ("deduplicate", "check_clean", "build", "check_marts", "publish"):
            monkeypatch.setattr(steps, verb, lambda *_, **__: Outcome("fine"))
        landed = Landing("github", datetime.now(UTC), failures=list(failures))
        monkeypatch.setattr(pipeline, "run", lambda *_, **__: landed)
        display = Display(Console(quiet=True), run.step_names(["github"]))
        return Run(Settings(home=tmp_path, world="sample"), display).execute()

    return execute


@pytest.mark.parametrize(
    "failure",
    [
        Failure("*", "*", "ConnectionError: refused"),
        Failure("*", "*", "LookupError: the search was cut short"),
        Failure("issues", "7", "TypeError: one repository's answer is no list"),
    ],
)
def test_what_fails_upstream_leaves_a_run_partial_and_published(landing, failure):
    report = landing(failure)
    assert report.exit_code == Exit.PARTIAL
    assert "publish" in report.outcomes
    assert report.failures == [f"github: {failure}"]


@pytest.mark.parametrize("error", ["TypeError: 'NoneType'", "KeyError: 'id'", "AttributeError: x"])
def test_a_crash_of_the_house_s_own_code_breaks_a_run(landing, error):
    report = landing(Failure("*", "*", error))
    assert report.exit_code == Exit.FAILED
    assert report.broken == [f"github: * *: {error}"]
    assert "publish" not in report.outcomes


def test_a_crash_before_the_connector_breaks_a_run_too(landing, monkeypatch):
    def crash(*_):
        raise KeyError("pool")

    monkeypatch.setattr(steps, "land", crash)
    assert landing().exit_code == Exit.FAILED
