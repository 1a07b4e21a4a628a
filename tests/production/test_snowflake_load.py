"""The loader against the local Snowflake: each file once, late ones too, killed at any moment, and its SQL."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlglot
from sqlglot import exp

from tests.dbt.conftest import CleanLake, moment
from tests.production.rows import normalised
from warehouse.snowflake import load as loader
from warehouse.snowflake.account import Account, connect
from warehouse.snowflake.clean import CleanTable
from warehouse.snowflake.load import LoadIncomplete, Plan, load

pytestmark = pytest.mark.filterwarnings("ignore")
TOPICS = CleanTable("github", "topics", {"topic_name": "varchar", "seen_at": "timestamp_ntz"}, {})
TABLES = {"github.topics", "gharchive.events", "ledger.quarantine"}
databases = (f"load{number}" for number in count())


class Killed(BaseException):
    """What a process that is killed leaves: no further statement, not even a rollback."""


@pytest.fixture
def account(emulator) -> Account:
    return emulator.account(next(databases))


@pytest.fixture(autouse=True)
def few_tables(monkeypatch) -> None:
    """The loader's way with a table is the same for all of them; the parity test loads all."""
    every = loader.clean_tables
    monkeypatch.setattr(
        loader, "clean_tables", lambda lake: [t for t in every(lake) if t.relation in TABLES]
    )


@pytest.fixture
def clean(tmp_path) -> CleanLake:
    """Two repositories' topics, an event, and a line of the ledger."""
    clean = CleanLake(tmp_path / "it's a lake")
    clean.deduplicate(
        {
            "github.topics": [topic(1, "sql"), topic(2, "parquet's \\n ü")],
            "gharchive.events": [event("1", "2024-03-01 10:00")],
            "ledger.quarantine": [{"source_name": "github", "reason": "no key"}],
        }
    )
    return clean


def topic(repository: int, name: str) -> dict:
    return {"repository_id": repository, "topic_name": name}


def event(event_id: str, at: str) -> dict:
    return {"event_id": event_id, "created_at": moment(at), "observed_at": moment(at)}


def held(account: Account, query: str) -> list[tuple]:
    with connect(account, "test") as connection:
        return normalised(connection.cursor().execute(query).fetchall())


def topics(account: Account) -> list[tuple]:
    return held(account, "select repository_id, topic_name, clean_version from github.topics")


def history(account: Account) -> list[str]:
    return [name for (name,) in held(account, "select file_name from lake.loaded_files")]


def in_lake(clean: CleanLake, table: str = "topics") -> list[str]:
    folder = clean.lake.clean
    return [str(f.relative_to(folder)) for f in clean.lake.clean_files("github", table)]


def test_what_the_lake_holds_is_loaded_with_its_types_and_its_files(account, clean):
    done = load(clean.lake, account)
    assert topics(account) == normalised([(1, "sql", 1), (2, "parquet's \\n ü", 1)])
    assert held(account, "select created_at, actor_id from gharchive.events") == [
        (moment("2024-03-01 10:00"), None)
    ]
    assert held(account, "select source_name, reason from ledger.quarantine") == [
        ("github", "no key")
    ]
    assert held(account, "select distinct _file from github.topics") == [(in_lake(clean)[0],)]
    assert set(in_lake(clean)) < set(history(account))
    assert done.added == {"github.topics": 1, "gharchive.events": 1, "ledger.quarantine": 1}


def test_a_second_load_changes_nothing(account, clean):
    load(clean.lake, account)
    before = topics(account), history(account)
    done = load(clean.lake, account)
    assert (done.added, done.removed) == ({}, {})
    assert (topics(account), history(account)) == before


def test_a_changed_partition_replaces_its_rows_and_a_late_file_lands(account, clean):
    load(clean.lake, account)
    clean.deduplicate({"github.topics": [topic(1, "sql"), topic(3, "new")]})
    late = clean.lake.clean_table("gharchive", "events") / "2020-01-01" / "2-0.parquet"
    columns = {"event_id": "string", "created_at": "timestamp"}
    clean.write_file(
        late, columns, [{"event_id": "late", "created_at": moment("2020-01-01 05:00")}]
    )
    clean.commit("gharchive", "events", files=["all/1-0.parquet", "2020-01-01/2-0.parquet"])

    done = load(clean.lake, account)

    assert done.added == {"github.topics": 1, "gharchive.events": 1, "ledger.quarantine": 1}
    assert done.removed == {"github.topics": 1, "ledger.quarantine": 1}
    assert topics(account) == normalised([(1, "sql", 2), (2, "parquet's \\n ü", 1), (3, "new", 2)])
    # A column that an older or smaller file lacks is null.
    assert held(account, "select event_id, actor_login, clean_version from gharchive.events") == (
        normalised([("1", None, 1), ("late", None, None)])
    )
    assert set(in_lake(clean)) < set(history(account))


def killed_after(statements: int, monkeypatch) -> None:
    """Let the next load die before it sends one more statement than so many."""
    real = loader.connect

    class Dying:
        def __init__(self, cursor) -> None:
            self.cursor, self.left = cursor, statements

        def die(self) -> None:
            if self.left == 0:
                raise Killed
            self.left -= 1

        def execute(self, sql):
            self.die()
            return self.cursor.execute(sql)

        def executemany(self, sql, rows):
            self.die()
            return self.cursor.executemany(sql, rows)

        def fetchall(self):
            return self.cursor.fetchall()

    @contextmanager
    def dying(*arguments, **options):
        with real(*arguments, **options) as connection:
            cursor = Dying(connection.cursor())
            try:
                yield SimpleNamespace(cursor=lambda: cursor)
            finally:  # which Snowflake does itself when a session has ended; the emulator does not
                connection.cursor().execute("rollback")

    monkeypatch.setattr(loader, "connect", dying)


def test_killed_before_any_statement_the_next_load_repairs_it(account, clean, monkeypatch):
    load(clean.lake, account)
    first = topics(account)
    clean.deduplicate({"github.topics": [topic(1, "sql"), topic(3, "new")]})
    last = normalised([(1, "sql", 2), (2, "parquet's \\n ü", 1), (3, "new", 2)])
    seen = []
    for statements in count():
        with monkeypatch.context() as patch:
            killed_after(statements, patch)
            try:
                load(clean.lake, account)
                break
            except Killed:
                seen.append(topics(account))
    assert len(seen) > 8
    assert all(rows in (first, last) for rows in seen), "rows of half a load were seen"
    assert topics(account) == last
    assert load(clean.lake, account).added == {}
    assert len(history(account)) == len(set(history(account))) == 3


def test_a_full_refresh_loads_everything_again(account, clean):
    load(clean.lake, account)
    with connect(account, "test") as connection:
        connection.cursor().execute("update github.topics set topic_name = 'spoiled'")
    load(clean.lake, account, afresh=True)
    assert topics(account) == normalised([(1, "sql", 1), (2, "parquet's \\n ü", 1)])
    assert len(history(account)) == len(set(history(account))) == 3


def test_a_table_that_is_gone_is_loaded_again(account, clean):
    load(clean.lake, account)
    with connect(account, "test") as connection:
        connection.cursor().execute("drop table github.topics")
    load(clean.lake, account)
    assert len(topics(account)) == 2


def test_a_lake_that_was_made_anew_is_loaded_afresh(account, clean, tmp_path):
    clean.deduplicate({"github.topics": [topic(1, "sql")]})
    load(clean.lake, account)
    anew = CleanLake(tmp_path / "anew")
    anew.deduplicate({"github.topics": [topic(9, "other")]})
    load(anew.lake, account)
    assert topics(account) == [(9, "other", 1)]


def test_a_file_that_snowflake_passes_over_is_told_and_a_full_refresh_mends_it(account, clean):
    load(clean.lake, account)
    with connect(account, "test") as connection:
        connection.cursor().execute("delete from lake.loaded_files where table_name = 'topics'")
    with pytest.raises(LoadIncomplete, match=r"github\.topics: Snowflake loaded 0 of 1 files"):
        load(clean.lake, account)
    assert len(topics(account)) == 2
    load(clean.lake, account, afresh=True)
    assert len(topics(account)) == 2


def test_a_new_declared_column_is_added_to_a_loaded_table(account, clean, monkeypatch):
    load(clean.lake, account)
    every = loader.clean_tables
    wider = {"curated": "boolean"}
    monkeypatch.setattr(
        loader,
        "clean_tables",
        lambda lake: [
            CleanTable(t.source, t.name, {**t.columns, **wider}, t.files) for t in every(lake)
        ],
    )
    clean.deduplicate({"github.topics": [topic(4, "wide")]})
    load(clean.lake, account)
    assert held(account, "select distinct curated from github.topics") == [(None,)]


def parsed(sql: str) -> exp.Expression:
    return sqlglot.parse_one(sql, dialect="snowflake")


def options(copy: exp.Copy) -> dict[str, exp.CopyParameter]:
    return {each.name.lower(): each for each in copy.args["params"]}


@pytest.mark.parametrize("purge", [True, False])
def test_copy_names_its_files_and_takes_each_once_or_none(purge):
    names = ["github/topics/a b/1-0.parquet", "github/topics/it's/1-0.parquet"]
    copy = parsed(loader.copying(TOPICS, names, purge=purge))
    assert isinstance(copy, exp.Copy)
    assert copy.this.this.sql() == "github.topics"
    assert [each.name for each in copy.this.expressions] == ["topic_name", "seen_at", "_file"]
    given = options(copy)
    assert [each.name for each in given["files"].find_all(exp.Literal)] == names
    formats = {each.name.lower(): each.args["value"] for each in given["file_format"].expressions}
    assert formats["type"].name == "parquet"
    assert formats["use_logical_type"].this is True
    assert given["on_error"].expression.name == "abort_statement"
    assert "force" not in given and "pattern" not in given
    assert ("purge" in given) is purge
    select = copy.args["files"][0].this
    casts = [each for each in select.expressions if isinstance(each, exp.Cast)]
    assert [each.to.sql("snowflake").lower() for each in casts] == ["varchar", "timestampntz"]
    assert select.expressions[-1].name == "metadata$filename"


class Recording:
    """A cursor that keeps what it is told, and says that COPY loaded every file."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def execute(self, sql: str) -> None:
        self.told.append(sql)

    def executemany(self, sql: str, rows: list[tuple]) -> None:
        self.told.append(sql)

    def fetchall(self) -> list[tuple]:
        files = options(parsed(self.told[-1]))["files"].find_all(exp.Literal)
        return [(each.name, "LOADED") for each in files]


def told(clean: CleanLake, account: Account) -> list[str]:
    cursor = Recording()
    table = CleanTable("github", "topics", TOPICS.columns, {f"github/topics/{n}": 2 for n in "ab"})
    plan = Plan(table, sorted(table.files), ["github/topics/dead.parquet"])
    loader.apply(cursor, clean.lake, account, plan)
    return cursor.told


def test_columns_are_declared_only_where_they_differ(account, clean):
    load(clean.lake, account)
    with connect(account, "test") as connection:
        present = loader.columns_present(connection.cursor())
    for table in loader.clean_tables(clean.lake):
        assert [*loader.declaring(table, present)] == []
        assert len([*loader.declaring(table, {})]) == 2


def test_rows_and_history_change_in_one_transaction_after_files_are_staged(clean, account):
    sent = told(clean, account)
    kinds = [sql.split()[0] for sql in sent]
    assert kinds == ["put", "put", "begin", "delete", "delete", "copy", "insert", "commit"]  # fmt: skip
    within = [parsed(sql.replace("%s", "?")) for sql in sent[kinds.index("begin") + 1 : -1]]
    targets = [next(each.find_all(exp.Table)).sql() for each in within]
    assert targets == ["github.topics", "lake.loaded_files", "github.topics", "lake.loaded_files"]
    assert not any(each.find(exp.Create, exp.Drop, exp.Alter) for each in within), "DDL commits"


def test_an_external_stage_is_read_where_it_lies(clean):
    account = Account(stage_url="s3://bucket/lake/clean/")
    sent = told(clean, account)
    assert not any(sql.startswith("put") for sql in sent)
    copy = next(parsed(sql) for sql in sent if sql.startswith("copy"))
    assert "purge" not in options(copy)
    rows_gone = next(parsed(sql) for sql in sent if sql.startswith("delete"))
    # METADATA$FILENAME begins with the path of the stage's URL.
    assert [each.name for each in rows_gone.find_all(exp.Literal)] == [
        "lake/clean/github/topics/dead.parquet"
    ]


def test_put_keeps_bytes_and_name(clean):
    put = parsed(loader.putting(clean.lake, "github/topics/a b/1-0.parquet"))
    assert isinstance(put, exp.Put)
    assert put.name == f"file://{(clean.lake.clean / 'github/topics/a b/1-0.parquet').resolve()}"
    assert put.args["target"].name.strip("'") == "@lake.clean/github/topics/a b"
    given = {each.name: each.args["value"].this for each in put.args["properties"].expressions}
    assert given == {"auto_compress": False, "overwrite": True}


def test_a_plan_is_what_is_live_and_not_loaded_and_the_reverse():
    table = CleanTable("s", "t", {}, {"s/t/b": 3, "s/t/c": 3})
    plan = loader.planned(table, {"s/t/a": 2, "s/t/b": 2})
    assert (plan.new, plan.dead, plan.afresh) == (["s/t/c"], ["s/t/a"], False)
    assert loader.planned(table, dict(table.files)).is_idle
    assert loader.planned(table, {"s/t/b": 4}).afresh
    assert [len(each) for each in loader.batches(["x"] * 2500)] == [1000, 1000, 500]


def test_the_declared_columns_are_those_of_dbts_sources(clean):
    found = {table.relation: table for table in loader.clean_tables(clean.lake)}
    assert found["gharchive.events"].columns["created_at"] == "timestamp_ntz"
    assert found["github.topics"].columns["repository_id"] == "bigint"
    assert found["ledger.quarantine"].files == {"github/topics/_ledger/quarantine-1.parquet": 1}
    assert Path(in_lake(clean)[0]).name in "".join(found["github.topics"].files)
