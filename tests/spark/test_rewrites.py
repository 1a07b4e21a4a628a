"""Compaction keeps the rows, retention only takes what is consumed, erasure reaches every floor."""

from datetime import timedelta
from pathlib import Path

import pytest

from spark.jobs.deduplicate import deduplicate
from tests.spark.conftest import T0, source
from trendhouse.lake import rawfiles
from trendhouse.lake.compact import compact
from trendhouse.lake.erase import erase
from trendhouse.lake.manifest import read_manifest
from trendhouse.lake.rawfiles import ContentChanged, content
from trendhouse.lake.retain import retain

ISSUE = {
    "key": ["id"],
    "cursor": "observed_at",
    "columns": {
        "id": {"type": "bigint", "nullable": False},
        "title": {"type": "string"},
        "user_id": {"type": "bigint", "path": "user.id"},
        "user_login": {"type": "string", "path": "user.login"},
    },
}


def spec():
    return source(
        issues=dict(ISSUE), issue_history={**ISSUE, "raw": "issues", "key": ["id", "observed_at"]}
    )


def issue(number: int, login: str = "ann", who: int = 7) -> dict:
    user = {"login": login, "id": who, "avatar_url": f"http://a/{who}"}
    return {"id": number, "title": f"by {login}", "user": user}


def landed(landing, spark, days: int = 4):
    for n in range(days):
        landing.land("issues", issue(n), issue(100, "bob", 8), at=T0 + timedelta(days=n))
    deduplicate(spark, landing.lake, spec())


def test_compaction_merges_files_and_nothing_is_read_twice(spark, landing):
    landed(landing, spark)
    waiting = landing.land("issues", issue(50), at=T0 + timedelta(days=9))
    before = content(landing.lake.raw_files("shop", "issues"))
    assert compact(landing.lake, spec(), "issues") == 3
    files = landing.lake.raw_files("shop", "issues")
    assert (len(files), content(files)) == (2, before)
    assert waiting in files
    rows = deduplicate(spark, landing.lake, spec())
    assert sum(row.landed_count for row in rows) == 2
    assert compact(landing.lake, spec(), "issues") == 1


@pytest.mark.parametrize("step", ["replace_text", "os.replace", "unlink"])
def test_a_compaction_killed_at_a_step_is_finished_by_the_next_run(
    spark, landing, monkeypatch, step
):
    landed(landing, spark)
    before = content(landing.lake.raw_files("shop", "issues"))

    def die(*_, **__):
        raise KeyboardInterrupt

    def die_after_journal(path, text, real=rawfiles.replace_text):
        real(path, text) if path.name == rawfiles.JOURNAL else die()

    with monkeypatch.context() as patched:
        if step == "replace_text":
            patched.setattr(rawfiles, "replace_text", die_after_journal)
        elif step == "os.replace":
            patched.setattr(
                rawfiles.os,
                "replace",
                lambda a, b, real=rawfiles.os.replace: (
                    die() if "raw" in str(b) and "_rewrite" not in str(b) else real(a, b)
                ),
            )
        else:
            patched.setattr(Path, "unlink", die)
        with pytest.raises(KeyboardInterrupt):
            compact(landing.lake, spec(), "issues")
    assert deduplicate(spark, landing.lake, spec()) == []
    assert content(landing.lake.raw_files("shop", "issues")) == before
    assert len(landing.lake.raw_files("shop", "issues")) == 1


def test_a_merge_that_loses_a_row_replaces_nothing(spark, landing, monkeypatch):
    landed(landing, spark)
    files = landing.lake.raw_files("shop", "issues")
    from trendhouse.lake import compact as module

    real = module.merge_files
    monkeypatch.setattr(module, "merge_files", lambda old, target: real(old[:-1], target))
    with pytest.raises(ContentChanged, match="hold 8 rows, their merged form 6"):
        compact(landing.lake, spec(), "issues")
    assert landing.lake.raw_files("shop", "issues") == files


def test_retention_takes_old_files_that_have_been_consumed(spark, landing):
    landed(landing, spark)
    unread = landing.land("issues", issue(60), at=T0 - timedelta(days=50))
    gone = retain(landing.lake, spec(), days=2, now=T0 + timedelta(days=4))
    assert len(gone) == 2
    assert unread in landing.lake.raw_files("shop", "issues")
    assert read_manifest(landing.lake, "shop", "issues").retained == 2
    deduplicate(spark, landing.lake, spec())
    assert len(landing.clean("issues", "id")) == 6


def test_rows_whose_raw_is_gone_survive_a_new_declaration(spark, landing):
    landed(landing, spark)
    retain(landing.lake, spec(), days=2, now=T0 + timedelta(days=4))
    wider = source(
        issues={
            **ISSUE,
            "columns": {
                **ISSUE["columns"],
                "avatar": {"type": "string", "path": "user.avatar_url"},
            },
        }
    )
    deduplicate(spark, landing.lake, wider)
    assert landing.clean("issues", "id, avatar") == [
        (0, None),
        (1, None),
        (2, "http://a/7"),
        (3, "http://a/7"),
        (100, "http://a/8"),
    ]


def test_erasure_reaches_raw_clean_and_what_is_landed_later(spark, landing):
    landed(landing, spark)
    landing.land("issues", (issue(70), {"reason": "set aside"}), at=T0 + timedelta(days=5))
    deduplicate(spark, landing.lake, spec())
    counts = landing.clean("issue_history", "count(*), count(distinct user_login)")
    assert erase(landing.lake, [spec()], ["Ann", "7"]).clean_rows > 0
    landing.land("issues", issue(71), issue(100, "bob", 8), at=T0 + timedelta(days=6))
    deduplicate(spark, landing.lake, spec())
    everything = b"".join(
        b"".join(str(row).encode() for row in _rows(path))
        for path in landing.lake.root.rglob("*.parquet")
    )
    assert b"ann" not in everything and b"http://a/7" not in everything and b"by bob" in everything
    mine = landing.clean("issues", "distinct title, user_id < 0, user_login like 'erased-%'", "all")
    assert (None, True, True) in mine and ("by bob", False, False) in mine
    after = landing.clean("issue_history", "count(*), count(distinct user_login)")
    assert (after[0][0] - 2, after[0][1]) == counts[0]


def test_landing_an_erased_record_again_changes_nothing(spark, landing):
    landed(landing, spark, days=1)
    erase(landing.lake, [spec()], ["ann"])
    before = landing.clean("issues")
    landing.land("issues", issue(0), at=T0 + timedelta(days=1))
    deduplicate(spark, landing.lake, spec())
    assert landing.clean("issues") == before


def test_an_erased_contributor_keeps_one_row_under_a_number(spark, landing):
    columns = {
        "who": {"type": "string", "path": "id|email|name", "nullable": False},
        "id": {"type": "bigint"},
        "login": {"type": "string"},
        "email": {"type": "string"},
        "contributions": {"type": "bigint"},
    }
    table = {"key": ["who"], "cursor": "observed_at", "columns": columns, "ignore": ["*"]}
    people = source(contributors=table)
    ann = {"login": "ann", "id": 7, "email": "a@x", "contributions": 3}
    landing.land("contributors", ann, {"login": "bob", "id": 8, "contributions": 4})
    deduplicate(spark, landing.lake, people)
    erase(landing.lake, [people], ["a@x", "7"])
    landing.land("contributors", {**ann, "contributions": 5}, at=T0 + timedelta(days=1))
    deduplicate(spark, landing.lake, people)
    assert landing.clean(
        "contributors", "contributions, id < 0, who = id::varchar, email like 'erased-%'"
    ) == [
        (4, False, True, None),
        (5, True, True, True),
    ]


def _rows(path: Path) -> list:
    import pyarrow.parquet as pq

    return pq.read_table(path).to_pylist()
