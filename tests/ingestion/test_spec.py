"""A source's YAML is read strictly, and a mistake is told with file, line, key and remedy."""

from __future__ import annotations

import re

import pytest

from ingestion.connectors.github_watchlist import read_watchlist
from ingestion.spec import SpecError, landed_specs, load_spec, load_specs
from orchestration.settings import load_settings

GOOD = """domain: opensource
description: A source.
owner: somebody@example.org
connector: thing
tables:
  things:
    description: Things. One row per thing.
    key: [id]
    cursor: null
    columns:
      id: {type: bigint, nullable: false, description: "Its id."}
"""


def complaint(tmp_path, text: str) -> str:
    (tmp_path / "thing.yml").write_text(text)
    load_spec.cache_clear()
    with pytest.raises(SpecError) as error:
        load_spec("thing", tmp_path)
    return str(error.value)


def test_a_good_file_gives_its_tables_and_the_readings(tmp_path):
    (tmp_path / "thing.yml").write_text(GOOD)
    assert set(load_spec("thing", tmp_path).tables) == {"things", "readings"}


def test_a_misspelt_key_is_named_with_its_line_and_the_likely_word(tmp_path):
    said = complaint(tmp_path, GOOD.replace("    cursor:", "    cursr:"))
    assert re.search(r"thing\.yml:9: tables\.things\.cursr: .*did you mean `cursor`\?", said)


def test_a_missing_key_says_what_to_add(tmp_path):
    said = complaint(tmp_path, GOOD.replace("owner: somebody@example.org\n", ""))
    assert "owner" in said and "add `owner:`" in said


def test_an_unknown_type_lists_those_there_are(tmp_path):
    said = complaint(tmp_path, GOOD.replace("bigint", "integer"))
    assert "thing.yml:11" in said and "'bigint'" in said


def test_a_key_that_is_no_column_is_refused(tmp_path):
    said = complaint(tmp_path, GOOD.replace("[id]", "[number]"))
    assert "`number` is not one of the table's columns" in said


def test_what_is_no_yaml_is_told_with_its_line(tmp_path):
    assert "thing.yml:4: not YAML" in complaint(
        tmp_path, GOOD.replace("connector: thing", "a: b: c")
    )


def test_an_unknown_source_names_the_known_ones():
    with pytest.raises(SpecError, match=r"Known: .*github"):
        load_spec("githbu")


def test_every_source_of_the_house_can_be_read():
    assert {"github", "gharchive", "github_ranking", "endoflife"} <= {s.name for s in load_specs()}
    assert "ledger" not in {spec.name for spec in landed_specs()}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("flask,git,pallets/flask,true", r":2: kind `git` is unknown; use one of github"),
        ("flask,github,flask,true", r":2: `flask` is no repository; write `owner/name`"),
        ("flask,github,pallets/flask,maybe", r":2: enabled is `maybe`; write `true` or `false`"),
        (",github,pallets/flask,true", r":2: product_name and target must not be empty"),
    ],
)
def test_a_wrong_line_of_the_watchlist_is_told_with_its_remedy(tmp_path, line, said):
    path = tmp_path / "watchlist.csv"
    path.write_text(f"product_name,kind,target,enabled\n{line}\n")
    with pytest.raises(SpecError, match=said):
        read_watchlist(load_settings(watchlist=path))


def test_the_default_watchlist_can_be_read(monkeypatch):
    monkeypatch.delenv("TRENDHOUSE_WATCHLIST", raising=False)
    entries = read_watchlist(load_settings())
    assert {entry.kind for entry in entries} == {"github", "search", "owner", "endoflife"}
    assert "vuejs/vue" in {entry.target for entry in entries}
