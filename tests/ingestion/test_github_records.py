"""Whatever a record holds, it lands (with its reason where it cannot be read) and the rest of the list goes on."""

import json

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.connectors.github_answers import contexts_of, keys_of
from ingestion.connectors.github_state import Repository
from ingestion.records import Records
from ingestion.unreadable import Malformed
from tests.ingestion.github_world import DAY_1, DAY_2, GitHubWorld
from tests.ingestion.odd_github import OddGitHub, OddRepository, issue, serving
from trendhouse.declared.sources import load_spec

DEEP = b"[" * 1100 + b"]" * 1100
ODD = {
    b'{"id": 11, "title": %b}' % DEEP: "nested deeper",
    b'{"id": 12, "title": "\\ud83d"}': "half a character",
    b'{"id": 13, "title": NaN}': "number that JSON does not know",
    b'{"id": 14, "title": "\xff"}': "not UTF-8",
    b'{"id": 15, "title": "a\nb"}': "not JSON",
    b'{"id": 16, "title":}': "not JSON",
    b'{"id": "\\udc00"}': "half a character",
    b"null": "could be its key",
    b'"a text"': "could be its key",
    b'[{"id": 17}]': "could be its key",
    b'{"id": null}': "could be its key",
    b'{"id": ""}': "could be its key",
    b"7": "could be its key",
}
READABLE = (
    b'{"id": 18, "title": "\\u0000"}',
    b'{"id": 19, "size": 1e999}',
    b'{"id": %b}' % (b"9" * 40),
)


@pytest.fixture
def odd(tmp_path, monkeypatch):
    pair = OddRepository(1), OddRepository(2, {"issues": [issue(n) for n in range(100, 350)]})
    with serving(OddGitHub(*pair)) as github:
        world = GitHubWorld(tmp_path, github, monkeypatch.setenv)
        world.watch(*(each.name for each in pair))
        world.repository = pair[0]
        yield world


def test_odd_items_of_a_list_land_with_their_reason_and_the_rest_goes_on(odd):
    plain = [issue(1), issue(2)]
    odd.repository.lists["issues"] = [plain[0], *ODD, *READABLE, plain[1]]
    assert odd.land(DAY_1).failures == []
    rows = raw_rows(odd, "issues")
    reasons = {record: json.loads(context).get("reason") for record, _, context in rows}
    for record, reason in ODD.items():
        assert reason in reasons[record.decode("utf-8", "backslashreplace")]
    for record in (*READABLE, *(json.dumps(each).encode() for each in plain)):
        assert reasons[record.decode()] is None
    keys = {record: key for record, key, _ in rows}
    assert [keys[record.decode("utf-8", "backslashreplace")] for record in [*ODD][:3]] == [
        "11", "12", "13",
    ]  # fmt: skip
    pages = [path for path in odd.upstream.asked if "case2/issues" in path or "2/issues" in path]
    assert all("per_page=100" in path for path in pages)
    assert len(raw_rows(odd, "issues", "2")) == 250
    assert odd.land(DAY_2).failures == []


def raw_rows(world, table, partition="1") -> list[tuple[str, str, str]]:
    """(record, key, context) of a repository, as they lie in raw."""
    files = world.settings(DAY_1).place.lake.raw_files("github", table)
    return duckdb.sql(
        f"select record, record_key, context from read_parquet({[str(file) for file in files]})"
        f" where partition_name = '{partition}'"
    ).fetchall()


def test_a_page_that_is_no_list_lands_as_one_row_with_its_reason(odd):
    odd.repository.answers["releases"] = (200, b'{"message": "an object"}')
    odd.repository.answers["contributors"] = (200, b'"a text"')
    assert odd.land(DAY_1).failures == []
    for table in ("releases", "contributors"):
        ((_, _, context),) = raw_rows(odd, table)
        assert "no list" in json.loads(context)["reason"]


def test_odd_answers_below_a_repository_land_and_harm_nobody(odd):
    odd.repository.answers |= {
        "": (200, json.dumps(odd.repository.record)[:-1].encode() + b', "x": %b}' % DEEP),
        "languages": (200, b'{"C\\ud800": 1}'),
        "topics": (200, b"[3]"),
        "license": (200, b'{"license": %b}' % DEEP),
        "stats/contributors": (200, b"[null, 5]"),
    }
    assert odd.land(DAY_1).failures == []
    for table in ("repositories", "languages", "repository_licenses"):
        ((_, _, context),) = raw_rows(odd, table)
        assert json.loads(context)["reason"]


def test_odd_items_of_a_search_are_kept_and_the_others_are_watched(odd):
    odd.watch(search=("stars:>1",))
    found = [
        None,
        {"id": None},
        {"id": 2**70, "full_name": "a/b"},
        {"id": 3, "full_name": "\ud800"},
    ]
    items = [*found, *(each.record for each in odd.upstream.repositories), "a text"]
    answer = odd.upstream.answer
    odd.upstream.answer = lambda path, query: (
        (200, json.dumps({"items": items}).encode(), {})
        if path == "/search/repositories"
        else answer(path, query)
    )
    assert odd.land(DAY_1).failures == []
    assert {row["context"]["repository_id"] for row in odd.rows("watchlist")} == {1, 2}
    odds = [row for row in odd.rows("repositories") if row["partition_name"] == "all"]
    assert len(odds) == 5 and all(row["context"]["reason"] for row in odds)


NAMES = st.sampled_from(["id", "sha", "name", "email", "commit", "date", "author", "week"])
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.text(st.characters(categories=("Cs",)), max_size=2)
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)
DEPTHS = st.integers(0, 3000).map(
    lambda depth: b'{"id": 5, "a": %b1%b}' % (b"[" * depth, b"]" * depth)
)
TEXTS = st.one_of(VALUES.map(lambda value: json.dumps(value).encode()), DEPTHS)
TABLES = [name for name, table in load_spec("github").tables.items() if table.endpoint]


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=6), st.sampled_from(TABLES))
def test_every_item_of_an_array_becomes_one_row_with_a_key_or_a_reason(texts, name):
    table, repository = load_spec("github").tables[name], Repository("1", "a/b", "R_1")
    records = Records.of_array(b"[" + b", ".join(texts) + b"]")
    keys = keys_of(table, repository, records)
    contexts = contexts_of(table, repository, records, keys)
    shown = [contexts] * len(texts) if isinstance(contexts, str) else contexts
    assert len(records) == len(keys) == len(shown) == len(texts)
    for place, key in enumerate(keys):
        bytes(records.texts[place]).decode()
        context = json.loads(shown[place])
        assert context["repository_id"] == 1
        if key is None:
            assert context["reason"]
        else:
            key.encode()


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_are_an_array_or_malformed(begin, end):
    for body in (begin, b"[" + begin + b"," + end + b"]", b'[{"id": 1},"' + begin + b'"]'):
        try:
            records = Records.of_array(body)
        except Malformed:
            continue
        assert len(records.texts_at("id")) == len(records.texts_at("a.b")) == len(records)
        for text in records.texts:
            bytes(text).decode()
