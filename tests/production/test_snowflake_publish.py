"""Publishing on the local Snowflake, what readers see, the way back, and what it has cost."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
import sqlglot
from sqlglot import exp
from typer.testing import CliRunner

from cli.main import app
from expectations.marts.opensource import SUITES
from orchestration import steps
from tests.house import COMPLETENESS
from trendhouse.settings import Place, load_settings
from trendhouse.verdicts import CLEAN, Verdicts, marts_path
from warehouse.publish import PublicationBlocked
from warehouse.published import NothingPublished, QueryFailed, current, query
from warehouse.published import connect as connect_published
from warehouse.rollback import RollbackFailed, roll_back
from warehouse.snowflake import load, state
from warehouse.snowflake.account import connect
from warehouse.snowflake.build import note_refreshed, prepare
from warehouse.snowflake.cost import IDLE, UNTAGGED, costs
from warehouse.snowflake.fetch import fetch
from warehouse.snowflake.publish import swapping

pytestmark = pytest.mark.filterwarnings("ignore")
databases = (f"publish{number}" for number in count())


class Marts:
    """Marts in a database of their own, made by hand, and the settings of the world they belong to."""

    def __init__(self, account, place: Place) -> None:
        self.account, self.place = account, place
        self.run(
            "create schema marts",
            COMPLETENESS,
            "create table marts.products (product_name varchar, latest_version varchar)",
        )

    def run(self, *statements: str) -> list[tuple]:
        with connect(self.account, "test") as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def checked(self) -> None:
        """The suites hold on the marts as they are."""
        about = state.as_state(self.run(state.STATE_OF_MARTS)[0])
        Verdicts(marts_path(self.place.warehouse, "opensource")).conclude(about)

    def product(self, version: str) -> None:
        self.run(f"insert into marts.products values ('sql', '{version}')")
        self.checked()


@pytest.fixture
def marts(emulator, tmp_path, monkeypatch) -> Marts:
    database = next(databases)
    for name, value in emulator.environment(database).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TRENDHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("TRENDHOUSE_WORLD", "live")
    return Marts(emulator.account(database), load_settings().place)


def seen(marts: Marts, capsys) -> list[str]:
    """What a reader sees: the versions, by the command for readers."""
    capsys.readouterr()
    query(marts.place, "select latest_version from products order by 1", "json")
    return [row["latest_version"] for row in json.loads(capsys.readouterr().out)]


def test_readers_see_what_was_published_until_it_is_swapped_and_swapped_back(marts, capsys):
    marts.product("1")
    assert steps.publish().detail.version == 1
    marts.product("2")
    assert seen(marts, capsys) == ["1"]
    assert steps.publish().detail.version == 2
    assert seen(marts, capsys) == ["1", "2"]
    assert roll_back(marts.place) == 1
    assert seen(marts, capsys) == ["1"]
    assert roll_back(marts.place) == 2
    assert seen(marts, capsys) == ["1", "2"]
    marts.product("3")
    assert steps.publish().detail.version == 3
    assert seen(marts, capsys) == ["1", "2", "3"]


def fetched(marts: Marts) -> list[str]:
    """The versions in the local files, once they were made equal to what Snowflake publishes."""
    fetch(marts.place)
    rows = connect_published(marts.place).execute("select latest_version from products order by 1")
    return [version for (version,) in rows.fetchall()]


def files(marts: Marts, mart: str) -> list[str]:
    parts = current(marts.place)["marts"][mart]["partitions"]
    return [part["file"] for part in parts.values()]


def test_local_files_follow_what_is_published_and_only_what_changed_is_read(marts):
    with pytest.raises(NothingPublished, match="trendhouse publish"):
        fetch(marts.place)
    marts.run(
        "create table marts.events_hourly (repository_id varchar, event_type varchar, "
        "event_count bigint, event_hour timestamp, clean_version bigint)",
        "insert into marts.events_hourly values ('1', 'PushEvent', 3, '2026-10-31 23:00:00', 1), "
        "('1', 'PushEvent', 4, '2026-11-01 00:00:00', 1)",
    )
    marts.product("1")
    steps.publish()
    assert fetched(marts) == ["1"]
    assert fetched(marts) == ["1"]
    october, november = files(marts, "events_hourly")
    marts.run("insert into marts.events_hourly values ('1', 'A', 5, '2026-11-01 01:00:00', 2)")
    marts.product("2")
    steps.publish()
    assert fetched(marts) == ["1", "2"]
    kept, replaced = files(marts, "events_hourly")
    assert kept == october and replaced != november
    events = connect_published(marts.place).execute(
        "select event_type, event_count, event_hour from events_hourly order by event_count"
    )
    assert events.fetchall() == [
        ("PushEvent", 3, datetime(2026, 10, 31, 23)),
        ("PushEvent", 4, datetime(2026, 11, 1)),
        ("A", 5, datetime(2026, 11, 1, 1)),
    ]
    roll_back(marts.place)
    assert fetched(marts) == ["1"]
    roll_back(marts.place)
    assert fetched(marts) == ["1", "2"]


def test_nothing_is_rolled_back_to_before_a_second_publication(marts):
    marts.product("1")
    steps.publish()
    with pytest.raises(RollbackFailed):
        roll_back(marts.place)


def test_marts_that_were_built_since_the_check_are_refused(marts):
    marts.product("1")
    marts.run("insert into marts.products values ('late', '9')")
    with pytest.raises(PublicationBlocked, match="have not been checked since"):
        steps.publish()


def test_of_a_mart_that_does_not_hold_readers_keep_the_last_version(marts, capsys):
    marts.run("create table marts.drift (path varchar)", "create table marts.topics (name varchar)")
    marts.product("1")
    steps.publish()
    marts.run("insert into marts.drift values ('new')")
    marts.product("2")
    verdicts = Verdicts(marts_path(marts.place.warehouse, "opensource"))
    verdicts.keep("products", SUITES["products"], -1, holds=False, broken=["odd", "odder"])
    outcome = steps.publish()
    assert outcome.failures == [
        "mart products is not published, readers keep its last version: "
        "2 of its promises do not hold, `trendhouse check marts` names them"
    ]
    assert seen(marts, capsys) == ["1"]
    query(marts.place, "select path from drift", "json")
    assert json.loads(capsys.readouterr().out) == [{"path": "new"}]


def test_clean_tables_that_were_loaded_must_have_been_checked(marts, monkeypatch):
    loaded = load.Load(versions={"github.issues": 3})
    monkeypatch.setattr("warehouse.snowflake.build.load", lambda *given, **named: loaded)
    prepare(marts.place, print)
    marts.product("1")
    with pytest.raises(PublicationBlocked, match=r"github\.issues.*trendhouse check clean"):
        steps.publish()
    from expectations.clean.github import SUITES as CLEAN_SUITES

    verdicts = Verdicts(marts.place.lake.clean / "github" / CLEAN)
    verdicts.keep("issues", CLEAN_SUITES["issues"], ["2026/3-0.parquet"], holds=True)
    assert steps.publish().failures == []


def test_a_partition_below_its_floor_is_named_and_all_else_is_published(marts, capsys):
    marts.run(
        "insert into marts.completeness values ('github', 'issues', '1', 10, 5, 5, 5, 0, 0, 5, "
        "0.5, 0.98, 'block', true, 1, date '2026-11-02')",
    )
    marts.product("2")
    (told,) = steps.publish().failures
    assert told.startswith("github.issues, partition 1, 2026-11-02: 10 expected, 5 captured")
    assert seen(marts, capsys) == ["2"]


def test_models_that_have_changed_are_built_anew_until_they_are_published(marts, monkeypatch):
    monkeypatch.setattr(load, "clean_tables", lambda lake: [])
    assert prepare(marts.place, print) is False
    with connect(marts.account, "test") as connection:
        state.write(connection.cursor(), models="other models")
    assert [prepare(marts.place, print) for _ in range(2)] == [True, True]
    marts.product("1")
    assert steps.publish().failures == []
    assert prepare(marts.place, print) is True
    note_refreshed(["model.t.products"], ["model.t.products"])
    steps.publish()
    assert prepare(marts.place, print) is False
    assert prepare(marts.place, print, afresh=True) is True


def test_what_readers_may_not_ask_is_told_without_a_traceback(marts):
    marts.product("1")
    steps.publish()
    with pytest.raises(QueryFailed):
        query(marts.place, "select * from nothing_of_the_kind")


def test_the_clone_is_granted_before_readers_see_it_and_the_swap_is_one_statement():
    statements = list(swapping("reader"))
    clone = sqlglot.parse_one(statements[0], dialect="snowflake")
    assert isinstance(clone, exp.Create) and clone.args["clone"].this.name == "marts"
    swap = next(place for place, sql in enumerate(statements) if "swap" in sql)
    grants = [place for place, sql in enumerate(statements) if sql.startswith("grant")]
    assert len(grants) == 2 and max(grants) < swap
    assert all("to role reader" in statements[place] for place in grants)
    assert not any(" on schema published " in sql for sql in statements if "grant" in sql)
    assert statements[swap] == "alter schema published swap with published_next"


def tag(model: str, run: str = "r", dag: str = "d") -> str:
    told = {"app": "trendhouse", "model": model, "run": run, "dag": dag}
    return json.dumps(told)


@pytest.fixture
def usage(marts):
    """Two hours of one warehouse and one of another, with known work and known credits."""
    hour = datetime.now(UTC).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    hour = hour.replace(hour=12) - timedelta(days=2)
    work = [
        (tag("issues", run="a"), "MARTS", hour + timedelta(minutes=5), 3000),
        (tag("issues", run="b"), "MARTS", hour + timedelta(minutes=50), 3000),
        (tag("commits"), "MARTS", hour + timedelta(minutes=7), 2000),
        ("a dashboard", "MARTS", hour + timedelta(minutes=9), 8000),
        (tag("commits"), "MARTS", hour + timedelta(hours=1), 500),
        (tag("commits"), "READ", hour + timedelta(minutes=1), 100),
        (tag("issues"), None, hour, 999),
        (tag("issues"), "MARTS", hour - timedelta(days=60), 999),
    ]
    metered = [
        ("MARTS", hour, 1.6),
        ("MARTS", hour + timedelta(hours=1), 0.2),
        ("READ", hour, 0.05),
        ("READ", hour + timedelta(hours=3), 0.01),
        ("MARTS", hour - timedelta(days=60), 9.0),
    ]
    with connect(marts.account, "test") as connection:
        cursor = connection.cursor()
        cursor.execute("create database if not exists snowflake")
        cursor.execute("create schema if not exists snowflake.account_usage")
        cursor.execute(
            "create or replace table snowflake.account_usage.query_history (query_tag varchar, "
            "warehouse_name varchar, start_time timestamp, execution_time bigint)"
        )
        cursor.execute(
            "create or replace table snowflake.account_usage.warehouse_metering_history "
            "(warehouse_name varchar, start_time timestamp, credits_used double)"
        )
        usage = "insert into snowflake.account_usage"
        cursor.executemany(f"{usage}.query_history values (%s, %s, %s, %s)", work)
        cursor.executemany(f"{usage}.warehouse_metering_history values (%s, %s, %s)", metered)
    return hour.date()


def test_credits_are_shared_out_by_time_at_work_and_add_up_to_the_bill(usage):
    found = {(each.day, each.model): each for each in costs(7)}
    # 1.6 credits over 16 s of work, by hand: issues 6 s, commits 2 s, others 8 s.
    expected = {"issues": 0.6, "commits": 0.2 + 0.2 + 0.05, UNTAGGED: 0.8, IDLE: 0.01}
    assert {model: round(each.credits, 9) for (_, model), each in found.items()} == expected
    assert {day for day, _ in found} == {usage}
    assert found[usage, "issues"].statements == 2
    assert found[usage, "issues"].seconds == 6.0
    assert round(sum(each.credits for each in found.values()), 9) == 1.86


def test_the_command_prints_model_day_and_sum(usage, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    said = CliRunner().invoke(app, ["cost", "--days", "3"])
    assert said.exit_code == 0, said.output
    assert f"{usage:%Y-%m-%d}" in said.output and "0.6000" in said.output
    assert said.output.strip().endswith("1.8600 credits")
    assert isinstance(usage, date)


def test_these_commands_say_so_where_the_warehouse_is_duckdb(monkeypatch):
    monkeypatch.setenv("DBT_TARGET", "duckdb")
    assert "DBT_TARGET=snowflake" in CliRunner().invoke(app, ["cost"]).output
