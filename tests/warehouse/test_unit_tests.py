"""dbt's unit tests run again when, and only when, something has changed that they prove."""

from __future__ import annotations

import pytest

from warehouse.unit_tests import UnitTests


@pytest.fixture
def project(tmp_path):
    for name in ("dbt_project.yml", "macros/days.sql", "models/marts/issues.sql"):
        path = tmp_path / "dbt_project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "dbt_project"


@pytest.fixture
def passed(project):
    """A project whose unit tests have passed."""
    UnitTests(project).note_passed()
    return project


def test_a_project_that_was_never_tested_is(project):
    assert not UnitTests(project).have_passed


def test_what_has_passed_is_known_to_the_next_command(passed):
    assert UnitTests(passed).have_passed


def test_what_dbt_makes_of_the_project_is_no_change(passed):
    (passed / "target" / "run").mkdir()
    (passed / "target" / "run" / "issues.sql").write_text("select 1")
    (passed / "logs").mkdir()
    (passed / "logs" / "dbt.log").write_text("done")
    assert UnitTests(passed).have_passed


@pytest.mark.parametrize("name", ["dbt_project.yml", "macros/days.sql", "models/marts/new.yml"])
def test_a_changed_or_new_file_is_tested_again(passed, name):
    (passed / name).write_text("changed")
    assert not UnitTests(passed).have_passed


def test_a_file_that_moved_or_went_is_a_change(passed):
    path = passed / "macros" / "days.sql"
    path.rename(path.with_name("weeks.sql"))
    assert not UnitTests(passed).have_passed
    path.with_name("weeks.sql").unlink()
    assert not UnitTests(passed).have_passed


def test_the_other_kind_of_warehouse_is_tested_for_itself(passed, monkeypatch):
    monkeypatch.setenv("DBT_TARGET", "snowflake")
    there = UnitTests(passed)
    assert not there.have_passed
    there.note_passed()
    assert UnitTests(passed).have_passed
    monkeypatch.delenv("DBT_TARGET")
    assert UnitTests(passed).have_passed


def test_half_a_record_means_that_they_run_again(passed):
    tests = UnitTests(passed)
    tests.record.write_text('{"duck')
    assert not tests.have_passed
    tests.note_passed()
    assert tests.have_passed


def test_a_project_that_cannot_be_written_to_is_tested_each_time(project):
    (project / "target").write_text("no folder")
    tests = UnitTests(project)
    tests.note_passed()
    assert not tests.have_passed
