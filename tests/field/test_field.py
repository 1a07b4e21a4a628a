"""The field's faults, each as one test: what people run into with GitHub, its archive, rankings and release dates.

A small odd upstream (`github_days`, `file_days`) is run on two days by the real command with the real Spark, dbt,
expectations and publication, in a home whose name and locale are odd, too (`conftest`). Each test looks into what
was published; its expected values are worked out by hand from what upstream said.
"""

from __future__ import annotations

import pytest

from tests.field.github_days import Repo

LATEST = "select latest_version, latest_release_kind, latest_released_date::varchar from products"


def of(repo: Repo) -> str:
    return f"where repository_id = '{repo:d}'"


def quarantined(field, source, table):
    """The reasons of what is in quarantine of a table, one for each row."""
    return field.ask(
        f"select reason from quarantine where source_name = '{source}' and table_name = '{table}' "
        "group by reason, record order by reason"
    )


@pytest.mark.parametrize(
    ("repo", "status"), [(Repo.BLOCKED, 403), (Repo.CENSORED, 451)], ids=["terms", "law"]
)
def test_a_blocked_repository_is_away_with_its_last_values_and_fails_no_run(field, repo, status):
    asked = f"select is_deleted, deleted_evidence, star_count from repositories {of(repo)}"
    assert field.ask(asked, day=1) == [(False, None, 31)]
    assert field.ask(asked) == [
        (True, f"GET /repositories/{repo:d} answered {status} (blocked)", 31)
    ]
    assert f" {repo:d}: " not in field.said[2]


def test_an_issue_that_slipped_between_two_pages_is_there_on_the_next_day(field):
    asked = f"select count(*) from issues {of(Repo.DRIFTED)} and not is_deleted"
    assert (field.one(asked, day=1), field.one(asked)) == (109, 110)


def test_a_person_whose_mail_became_an_account_and_two_without_mail_are_three(field):
    asked = f"select count(*), sum(commit_count) from contributors {of(Repo.PEOPLE)}"
    assert field.ask(asked, day=1) == field.ask(asked) == [(3, 12)]


@pytest.mark.parametrize(("repo", "count"), [(Repo.REWRITTEN, 3), (Repo.REGROWN, 4)])
def test_a_rewritten_history_counts_its_new_commits_only(field, repo, count):
    asked = f"select sum(commit_count) from commits_daily {of(repo)} and calendar = 'UTC'"
    assert (field.one(asked, day=1), field.one(asked)) == (3, count)
    assert field.one(f"select count(*) from commits {of(repo)} and not is_deleted") == count


def test_a_version_whose_notes_are_deleted_is_told_by_its_tag(field):
    asked = f"{LATEST} where product_name = 'notes'"
    assert field.ask(asked, day=1) == [("1.1.0", "release", "2026-08-01")]
    assert field.ask(asked) == [("1.1.0", "tag", "2026-07-01")]


def test_a_draft_hides_no_tag_and_is_no_version(field):
    asked = f"{LATEST} where product_name = 'drafts'"
    assert field.ask(asked, day=1) == field.ask(asked) == [("3.0.0", "tag", "2026-07-01")]


def test_an_unlinked_project_is_deleted_and_the_other_is_not(field):
    asked = f"select node_id, is_deleted from projects {of(Repo.UNLINKED)} order by node_id"
    assert field.ask(asked, day=1) == [("PVT_leaves", False), ("PVT_stays", False)]
    assert field.ask(asked) == [("PVT_leaves", True), ("PVT_stays", False)]


def test_a_removed_license_is_shown_no_more(field):
    asked = (
        f"select license_key, license_spdx_id, license_name from repositories {of(Repo.UNLINKED)}"
    )
    assert field.ask(asked, day=1) == [("mit", "MIT", "MIT License")]
    assert field.ask(asked) == [(None, None, None)]


def test_a_node_that_fails_is_named_and_its_rest_counters_stand_in(field):
    asked = f"select star_count, issue_count from repositories {of(Repo.FAILING)}"
    assert field.ask(asked, day=1) == field.ask(asked) == [(77, None)]
    for day in (1, 2):
        assert f"repository_counters {Repo.FAILING:d}: GraphQL gives no node" in field.said[day]
    assert field.one(f"select count(*) from issues {of(Repo.FAILING)}") == 1


def test_a_counter_that_timed_out_is_null_and_its_list_is_landed(field):
    asked = f"select star_count, commit_count from repositories {of(Repo.HALF)}"
    assert field.ask(asked) == [(55, None)]
    assert field.one(f"select count(*) from commits {of(Repo.HALF)}") == 3


def test_leap_seconds_the_year_1_and_2099_are_kept_beside_a_record_without_a_date(field):
    asked = f"select authored_at::varchar from commits {of(Repo.DATES)} order by authored_at"
    assert field.ask(asked) == [
        ("0001-01-01 00:00:00",),
        ("2016-12-31 23:59:59",),
        ("2099-12-31 23:59:59",),
    ]
    assert quarantined(field, "github", "commits") == [
        ("`authored_at` must not be null: `yesterday` is no timestamp",)
    ]


def test_odd_texts_are_shown_and_odd_records_are_in_quarantine_with_a_reason(field):
    first, *plain = field.ask(f"select title from issues {of(Repo.TEXTS)} order by issue_number")
    assert first == ("nul \x00 escape \x1b\x08 override \u202e",)
    assert plain == [(f"Issue {Repo.TEXTS * 1000 + number}",) for number in range(2, 7)]
    assert quarantined(field, "github", "issues") == [
        ("the record holds half a character (a lone surrogate)",),
        ("the record holds half a character (a lone surrogate)",),
        ("the record is nested deeper than can be read",),
        ("the record says nothing that could be its key",),
        ("the record says nothing that could be its key",),
    ]


def test_an_issue_closed_before_it_was_opened_has_no_negative_age(field):
    asked = f"select is_open, open_hours from issues {of(Repo.AGENTS)}"
    assert field.ask(asked) == [(False, None)]


def test_coding_agents_are_no_people(field):
    asked = f"select author_login from commits {of(Repo.AGENTS)} and not is_bot"
    assert field.ask(asked) == [("ada",)]
    hour = "event_hour = timestamp '2026-11-02 16:00' and repository_id = '500'"
    counts = "sum(event_count), sum(event_without_bots_count)"
    assert field.ask(f"select {counts} from events_hourly where {hour}") == [(4, 3)]


def test_a_list_that_breaks_off_shows_what_it_was_and_is_named(field):
    asked = f"select count(*), min(title) from issues {of(Repo.CUT)} and not is_deleted"
    assert field.ask(asked, day=1) == field.ask(asked) == [(40, "Issue 115001")]
    shown = (
        "select expected_count, is_below_floor from completeness where stream_name = 'issues' "
        f"and partition_name = '{Repo.CUT:d}' order by observed_date"
    )
    assert field.ask(shown) == [(40, False), (60, True)]
    assert f"github.issues, partition {Repo.CUT:d}" in field.said[2]


def test_stars_below_zero_are_in_quarantine_and_no_figure(field):
    assert field.ask(f"select star_count from repositories {of(Repo.NEGATIVE)}") == [(None,)]
    reason = ("`stargazers_count` must be at least 0: `-5`",)
    assert reason in quarantined(field, "github", "repositories")
    assert reason in quarantined(field, "github", "repository_counters")


def test_odd_lines_of_a_ranking_are_in_quarantine_and_the_others_shown(field):
    ranked = "select repository_name, star_count from unresolved_rankings where ranking_date = '2026-11-01'"
    assert field.ask(f"{ranked} order by 1") == [("ranked/first", 90), ("ranked/second", 80)]
    assert quarantined(field, "github_ranking", "rankings") == [
        ("`repo_url` must match ^https://[^/]+/[^/\\s]+/[^/\\s]+$: `ask me`",),
        ("`stars` must be at least 0: `-5`",),
    ]


def test_an_end_of_life_is_a_day_or_true_or_false(field):
    asked = (
        "select cycle_name, is_ended, end_of_life_date::varchar from release_cycles "
        "where product_name = 'cycles' order by cycle_name"
    )
    assert field.ask(asked) == [("1", None, "2022-06-30"), ("2", True, None), ("3", False, None)]


def test_a_version_of_next_year_is_planned_and_not_the_latest(field):
    asked = "select latest_version, release_count from products where product_name = 'cycles'"
    assert field.ask(asked) == [("3.1.0", 1)]
    planned = "select version from releases where product_name = 'cycles' and is_planned"
    assert field.ask(planned) == [("4.0.0",)]


def test_files_of_a_wrong_shape_are_in_quarantine_and_stop_no_other(field):
    assert quarantined(field, "endoflife", "release_dates") == [
        ("the file is a list, not an object",),
        ("the file is a text, not an object",),
        ("the file is nested too deeply",),
        ("the file is not JSON: Expecting value: line 1 column 1 (char 0)",),
    ]


def test_a_product_whose_file_vanished_is_withdrawn(field):
    asked = "select is_withdrawn from products where product_name = 'leaving'"
    assert (field.one(asked, day=1), field.one(asked)) == (False, True)


def test_events_of_odd_lines_count_once_and_unreadable_lines_are_named(field):
    asked = (
        "select hour(event_hour), sum(event_count)::int from events_hourly group by all order by 1"
    )
    assert field.ask(asked, day=1) == [(16, 4), (17, 1)]
    assert field.ask(asked) == [(16, 4), (17, 1), (20, 1)]
    lines = "select left(record, 12) from quarantine where partition_name = '2026-11-02-16'"
    assert field.ask(f"{lines} order by 1", day=1) == [('{"id": "604"',), ('\ufeff{"id": "600',)]


def test_an_hour_without_an_event_is_held_back_and_its_neighbours_are_shown(field):
    asked = "select right(partition_name, 2)::int from completeness where stream_name = 'events'"
    for day in (1, 2):
        assert field.ask(f"{asked} and is_below_floor order by 1", day) == [(18,), (19,)]
        assert "gharchive.events, partition 2026-11-02-18" in field.said[day]
        assert "gharchive.events, partition 2026-11-02-19" in field.said[day]
    assert field.ask(f"{asked} and captured_count > 0 order by 1") == [(16,), (17,), (20,)]
