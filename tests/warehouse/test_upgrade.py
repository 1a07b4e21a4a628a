"""Upgrades: other models mean a backup and a full refresh, and a backup can be brought back."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime

import duckdb
import pytest

from serving.posted import Posted, Update
from warehouse import upgrade
from warehouse.publish import publish
from warehouse.published import connect
from warehouse.refreshes import Refreshes
from warehouse.upgrade import (
    RestoreFailed,
    back_up,
    backups,
    keep,
    note_refreshed,
    prepare,
    restore,
    schema_version,
)

EVENTS = "model.t.events_hourly"


@pytest.fixture
def version(monkeypatch):
    """Lets a test say which models the project has."""

    def set_version(name: str) -> None:
        monkeypatch.setattr(upgrade, "schema_version", lambda: name)

    set_version("v1")
    return set_version


def latest(place) -> list[tuple]:
    with duckdb.connect(str(place.warehouse), read_only=True) as connection:
        return connection.execute("select * from marts.products").fetchall()


def test_a_new_warehouse_needs_no_refresh(tmp_path, version):
    from trendhouse.settings import Place

    place = Place(tmp_path)
    assert not prepare(place)
    assert backups(place) == []


def test_the_same_models_need_no_refresh(house, version):
    keep(house.place, Refreshes("v1"))
    assert not prepare(house.place)


def test_other_models_back_up_once_and_refresh_until_published(house, version):
    keep(house.place, Refreshes("v1"))
    version("v2")
    assert prepare(house.place) and prepare(house.place)
    assert [backup.name[17:] for backup in backups(house.place)] == ["v2"]
    note_refreshed(house.place, ["a", "b"], ["a", "b"])
    assert prepare(house.place)
    publish(house.place)
    assert not prepare(house.place)


def test_a_part_that_is_built_alone_leaves_the_rest_to_be_refreshed(house, version):
    """Whoever builds and publishes one mart under a changed formula has not settled the others."""
    keep(house.place, Refreshes("v1"))
    version("v2")
    prepare(house.place)
    note_refreshed(house.place, ["model.t.a"], ["model.t.a", "model.t.b"])
    told = publish(house.place).flagged
    assert told == ["still as the former code built them: b; `trendhouse build` does the rest"]
    assert prepare(house.place)
    note_refreshed(house.place, ["model.t.b"], ["model.t.a", "model.t.b"])
    assert publish(house.place).flagged == []
    assert not prepare(house.place)


def test_what_is_built_anew_later_is_published_anew_although_no_row_came(
    house, version, monkeypatch
):
    """By their counts and versions the rows are the same; only the code that made them is another."""
    monkeypatch.setattr("warehouse.publish.COMPARED_ROWS", 0)
    keep(house.place, Refreshes("v1"))
    house.sql("insert into marts.events_hourly values ('1', 'push', 5, '2026-11-01 10:00', 1)")
    publish(house.place)
    version("v2")
    prepare(house.place)
    note_refreshed(house.place, ["model.t.products"], ["model.t.products", EVENTS])
    assert publish(house.place).written == []
    house.sql("update marts.events_hourly set event_count = 10")
    note_refreshed(house.place, [EVENTS], ["model.t.products", EVENTS])
    publish(house.place)
    shown = connect(house.place).execute("select event_count from events_hourly").fetchall()
    assert shown == [(10,)]
    assert publish(house.place).written == []


def test_code_that_is_taken_back_half_way_is_published_anew(house, version, monkeypatch):
    monkeypatch.setattr("warehouse.publish.COMPARED_ROWS", 0)
    keep(house.place, Refreshes("v1"))
    house.sql("insert into marts.events_hourly values ('1', 'push', 5, '2026-11-01 10:00', 1)")
    version("v2")
    prepare(house.place)
    house.sql("update marts.events_hourly set event_count = 10")
    note_refreshed(house.place, [EVENTS], ["model.t.products", EVENTS])
    publish(house.place)
    version("v1")
    assert prepare(house.place)
    publish(house.place)
    house.sql("update marts.events_hourly set event_count = 5")
    note_refreshed(house.place, ["model.t.products", EVENTS], ["model.t.products", EVENTS])
    publish(house.place)
    shown = connect(house.place).execute("select event_count from events_hourly").fetchall()
    assert shown == [(5,)]
    assert not prepare(house.place)


def test_publishing_without_a_build_settles_nothing(house, version):
    keep(house.place, Refreshes("v1"))
    version("v2")
    publish(house.place)
    assert prepare(house.place)


def test_code_that_changes_again_begins_a_new_upgrade(house, version):
    keep(house.place, Refreshes("v1"))
    version("v2")
    prepare(house.place)
    note_refreshed(house.place, ["a"], ["a", "b"])
    version("v3")
    assert prepare(house.place)
    note_refreshed(house.place, ["b"], ["a", "b"])
    publish(house.place)
    assert prepare(house.place)


def test_a_warehouse_of_unknown_models_is_refreshed(house, version):
    assert prepare(house.place)


def test_a_backup_brings_back_warehouse_and_published_state(house, version):
    house.sql("insert into marts.products values ('python', '3.13.0')")
    keep(house.place, Refreshes("v1"))
    publish(house.place)
    version("v2")
    prepare(house.place)
    house.sql("update marts.products set latest_version = '3.14.0'")
    publish(house.place)
    for _ in range(3):
        house.sql("insert into marts.products values ('more', '1')")
        publish(house.place)

    (backup,) = backups(house.place)
    assert backup.published_version == 1 and backup.size > 0
    restore(house.place, backup.name)

    assert latest(house.place) == [("python", "3.13.0")]
    assert connect(house.place).execute("select * from products").fetchall() == [
        ("python", "3.13.0")
    ]
    version("v1")
    assert not prepare(house.place)


def test_a_backup_brings_back_what_others_posted(house):
    posted, day = Posted(house.place), date(2026, 11, 1)
    one, other = (Update(name, "1", "https://example.org", day) for name in ("hive", "spark"))
    posted.take([one], datetime(2026, 11, 2, tzinfo=UTC))
    name = back_up(house.place, "by-hand")
    posted.take([other], datetime(2026, 11, 3, tzinfo=UTC))
    assert posted.count() == 2
    restore(house.place, name)
    assert [each.key for each in posted.newest()] == [one.key]


def test_publishing_after_a_restore_uses_no_number_twice(house, version):
    publish(house.place)
    version("v2")
    prepare(house.place)
    for name in ("a", "b"):
        house.sql(f"insert into marts.products values ('{name}', '1')")
        publish(house.place)
    restore(house.place, backups(house.place)[0].name)
    house.sql("insert into marts.products values ('c', '1')")
    assert publish(house.place).version == 4
    assert connect(house.place).execute("select * from products").fetchall() == [("c", "1")]


def test_what_stood_before_a_restore_is_kept_as_well(house, version):
    prepare(house.place)
    house.sql("insert into marts.products values ('python', '3.14.0')")
    restore(house.place, backups(house.place)[0].name)
    assert latest(house.place) == []
    (before,) = [
        backup.name for backup in backups(house.place) if backup.name.endswith("before-restore")
    ]
    restore(house.place, before)
    assert latest(house.place) == [("python", "3.14.0")]


def test_a_restored_warehouse_has_to_be_checked_before_it_is_published(house, version):
    from warehouse.publish import PublicationBlocked

    prepare(house.place)
    restore(house.place, backups(house.place)[0].name)
    with pytest.raises(PublicationBlocked, match="have not been checked"):
        publish(house.place)


def test_an_unknown_backup_names_those_there_are(house, version):
    prepare(house.place)
    with pytest.raises(RestoreFailed, match=r"no backup `yesterday`\. Backups: 2"):
        restore(house.place, "yesterday")


def test_the_version_follows_sql_and_not_layout(tmp_path):
    project = tmp_path / "one"
    (project / "models").mkdir(parents=True)
    (project / "models" / "a.sql").write_text("select 1\n")
    same, other = tmp_path / "same", tmp_path / "other"
    for copy in (same, other):
        shutil.copytree(project, copy)
    (same / "models" / "a.sql").write_text("select\n    1\n\n")
    (other / "models" / "a.sql").write_text("select 2\n")
    assert schema_version(project) == schema_version(same) != schema_version(other)


DECLARED = {
    "dbt_project.yml": "models: {a: {+materialized: incremental, +unique_key: [id]}}",
    "snapshots/snap_a.yml": "snapshots: [{name: snap_a, description: A., config: {check_cols: [x]}}]",
    "models/_models.yml": "models: [{name: a, columns: [{name: id, data_type: bigint, description: B.}]}]",
}


@pytest.mark.parametrize(
    ("file", "before", "after", "differs"),
    [
        ("dbt_project.yml", "[id]", "[id, day]", True),
        ("dbt_project.yml", "incremental", "table", True),
        ("dbt_project.yml", "models:", "# said better\nmodels:", False),
        ("snapshots/snap_a.yml", "[x]", "[x, is_deleted]", True),
        ("snapshots/snap_a.yml", "A.", "Another word.", False),
        ("models/_models.yml", "bigint", "varchar", True),
        ("models/_models.yml", "B.", "Another word.", False),
        ("models/_models.yml", "B.", "B., data_tests: [not_null]", False),
    ],
)
def test_the_version_follows_declarations_and_not_prose(tmp_path, file, before, after, differs):
    projects = [tmp_path / "one", tmp_path / "other"]
    for project in projects:
        for name, text in DECLARED.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(text)
    (projects[1] / file).write_text(DECLARED[file].replace(before, after))
    one, other = (schema_version(project) for project in projects)
    assert (one != other) is differs
