"""The end of a run on the screen: what is published, what this run met, what to type next."""

from __future__ import annotations

import io
import json
from datetime import date

import pytest
from rich.console import Console

from cli.summary import show
from orchestration.run import Report
from orchestration.steps import Outcome
from trendhouse.lake.lake import replace_text
from trendhouse.lake.ledger import Reconciliation, write_rows
from trendhouse.settings import Settings
from warehouse.publish import publish


@pytest.fixture
def ended(house):
    """What the screen says at the end of a run with this report."""

    def say(report: Report, world: str = "sample") -> str:
        out = io.StringIO()
        settings = Settings(home=house.place.root.parent, world=world)
        show(Console(file=out, width=200), settings, report)
        return out.getvalue()

    return say


@pytest.fixture
def dirty(house) -> Outcome:
    """A deduplication, number 2, that put a row into quarantine, as one before it did."""
    folder = house.place.lake.clean_table("gharchive", "events")
    blank = {
        "source_name": "gharchive",
        "table_name": "events",
        "partition_name": "p",
        "record": "x",
    }
    files = [
        write_rows(
            folder, "quarantine", [{**blank, "reason": reason, "clean_version": version}], version
        )
        for version, reason in ((1, "of an older run"), (2, "not JSON"))
    ]
    text = json.dumps({"ledger": {"quarantine": files}})
    replace_text(house.place.lake.manifest("gharchive", "events"), text)
    count = Reconciliation("gharchive", "events", "p", date(2026, 11, 2), 1, 0, 0, 0, 1, 0, 2)
    return Outcome("1 in, 1 quarantined", detail=[count])


def test_a_refused_run_shows_its_own_quarantine_and_what_was_published_before(house, ended, dirty):
    publish(house.place)
    report = Report({"deduplicate gharchive": dirty}, refused="issues 7: 3 of 10")
    said = ended(report)
    assert "Published marts before, version 1" in said
    assert "Quarantined by this run" in said and "not JSON" in said
    assert "of an older run" not in said
    assert "issues 7: 3 of 10" in said


def test_a_first_run_that_fails_shows_its_quarantine_too(ended, dirty):
    said = ended(Report({"deduplicate gharchive": dirty}, broken=["build: no"]))
    assert "Nothing is published yet." in said and "not JSON" in said


def test_a_run_that_published_shows_the_marts_alone(house, ended):
    house.reading("readings", "7", 10, 10)
    publish(house.place)
    said = ended(Report({"publish": Outcome("version 1")}))
    assert "Published marts" in said and "before" not in said
    assert "Quarantine: empty." in said and "by this run" not in said
    assert "readings" not in said


@pytest.mark.parametrize(
    ("world", "next_run"),
    [("sample", "run --advance 1"), ("live", "run --live"), ("recorded", "run --recorded")],
)
def test_the_next_run_stays_in_the_world_of_this_one(ended, world, next_run):
    said = ended(Report(), world)
    assert next_run in said
    assert ("--advance" in said) is (world == "sample")
