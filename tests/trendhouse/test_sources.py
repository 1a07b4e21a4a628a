"""A source's YAML is read strictly, and a mistake is told with file, line, key and remedy."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest

from trendhouse.declared.sources import SpecError, landed_specs, load_spec, load_specs

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


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("[id]", "[idd]", r"thing\.yml:8: tables\.things\.key\.0: .*did you mean `id`\?"),
        ("[id]", "[who]", r":8: .*declare it or use one of collected_at, id, observed_at\."),
        ("cursor: null", "cursor: ids", r":9: tables\.things\.cursor: `ids` .*mean `id`\?"),
        (
            "cursor: null",
            "partition: {column: day, by: day}",
            r":9: tables\.things\.partition\.column: `day` is not one of the table's columns",
        ),
        (
            "cursor: null",
            "endpoint: {path: x, stop_at: day}",
            r":9: tables\.things\.endpoint\.stop_at: `day` is not one of the table's columns",
        ),
        ("cursor: null", "raw: thing", r":9: tables\.things\.raw: .*did you mean `things`\?"),
    ],
)
def test_a_name_that_nothing_bears_is_told_with_its_own_line(tmp_path, before, after, said):
    assert re.search(said, complaint(tmp_path, GOOD.replace(before, after)))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "somebody@example.org",
            "[a]",
            r":3: owner: .*give a value of the right type, not \['a'\]",
        ),
        ("nullable: false", "nullable: maybe", r":11: .*nullable: .*right type, not 'maybe'"),
        ("      id:", "      Id:", r":11: .*Id.*write it in lower case"),
        ("opensource", "opensauce", r":1: domain: .*use one of 'opensource', 'movies'"),
        (
            "tables:",
            "schedule: {cron: daily}\ntables:",
            r":5: schedule\.cron: `daily` is no cron expression; write it as in `0 4 \* \* 2`\.",
        ),
        (
            "tables:",
            "schedule: {cron: 0 4 * * 2, timezone: Asia/Soul}\ntables:",
            r":5: schedule\.timezone: `Asia/Soul` is no time zone; write it as in `Asia/Seoul`\.",
        ),
    ],
)
def test_a_wrong_value_is_told_with_what_would_be_right(tmp_path, before, after, said):
    assert re.search(said, complaint(tmp_path, GOOD.replace(before, after)))


def test_every_mistake_of_a_file_is_told_at_once(tmp_path):
    said = complaint(tmp_path, GOOD.replace("bigint", "integer") + "ownr: x\n")
    assert [line.split(": ")[0].rpartition(":")[2] for line in said.splitlines()] == ["11", "12"]


def test_a_key_that_is_said_twice_is_refused(tmp_path):
    said = complaint(tmp_path, GOOD.replace("cursor: null", "cursor: null\n    cursor: id"))
    assert "thing.yml:10: cursor: it is said twice; remove one." in said


@pytest.mark.parametrize("text", ["- a\n- b\n", "hello\n"])
def test_a_file_that_holds_no_keys_says_what_to_write(tmp_path, text):
    assert "thing.yml:1: file: it holds no keys; write" in complaint(tmp_path, text)


def test_an_empty_file_says_everything_that_it_lacks(tmp_path):
    said = complaint(tmp_path, "")
    assert all(
        f"add `{key}:`" in said for key in ("domain", "description", "owner", "connector", "tables")
    )


def test_a_sign_that_yaml_does_not_know_is_told_with_its_line(tmp_path):
    assert "thing.yml:12: not YAML" in complaint(tmp_path, GOOD + "retries: \x00\n")


def test_a_name_in_the_file_is_refused_for_the_stem_is_the_name(tmp_path):
    said = complaint(tmp_path, GOOD + "name: thing\n")
    assert "thing.yml:12: name: it is the file's stem; remove `name`." in said


def test_a_landed_source_may_not_declare_the_readings_it_is_given(tmp_path):
    said = complaint(tmp_path, GOOD.replace("  things:", "  readings:"))
    assert "thing.yml:6: tables.readings: every landed source has it; remove it." in said


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


def test_readings_are_built_in_where_something_is_landed_and_nowhere_else():
    given = {spec.name for spec in load_specs() if "readings" in spec.tables}
    assert given == {spec.name for spec in landed_specs()}


PROMISES = """domain: opensource
description: A source.
owner: somebody@example.org
connector: thing
tables:
  things:
    description: Things. One row per thing.
    key: [id]
    rules: [total >= id]
    columns:
      id: {type: bigint, min: 0, max: 9, description: "Its id."}
      total: {type: bigint, description: "All."}
      name: {type: string, pattern: '^\\S+$', one_of: [a, b], description: "Its name."}
      day: {type: date, min: 2018-01-01, description: "Its day."}
      made_at: {type: timestamp, min: 2011-02-01 00:00:00, description: "When it was made."}
      share: {type: double, max: 1, description: "Its share."}
      is_new: {type: boolean, description: "Whether it is new."}
"""


def test_promises_of_rows_stand_beside_their_columns(tmp_path):
    (tmp_path / "thing.yml").write_text(PROMISES)
    load_spec.cache_clear()
    table = load_spec("thing", tmp_path).tables["things"]
    assert {name: each.promise for name, each in table.columns.items() if each.promise} == {
        "id": {"min": 0, "max": 9},
        "name": {"pattern": r"^\S+$", "one_of": ["a", "b"]},
        "day": {"min": date(2018, 1, 1)},
        "made_at": {"min": datetime(2011, 2, 1)},
        "share": {"max": 1},
    }
    assert table.comparisons == [("total", "id")]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "min: 0,",
            "min: some,",
            r":11: .*id\.min: `min` of a bigint is a whole number; not 'some'",
        ),
        ("min: 0,", "min: 0.5,", r":11: .*id\.min: `min` of a bigint is a whole number"),
        ("min: 0,", "min: true,", r":11: .*id\.min: `min` of a bigint is a whole number"),
        ("min: 0,", "min: 10,", r":11: .*id\.min: `min` is above `max`; exchange them"),
        ("min: 0,", "pattern: x,", r":11: .*id\.pattern: a bigint has no `pattern`; use `min`"),
        (r"'^\S+$'", "'(x'", r":13: .*name\.pattern: `\(x` is no regular expression: .*mend it"),
        ("[a, b]", "[]", r":13: .*name\.one_of: `one_of` is empty; list the values"),
        ("2018-01-01", "2018", r":14: .*day\.min: `min` of a date is a day, as 2018-01-01"),
        (
            "2011-02-01 00:00:00",
            "2011-02-01",
            r":15: .*made_at\.min: `min` of a timestamp is a time",
        ),
        ("boolean,", "boolean, min: 0,", r":17: .*is_new\.min: a boolean has no `min`; remove it"),
        ("total >= id", "total > id", r":9: .*rules\.0: `total > id` is no rule of a row; write"),
        ("total >= id", "totl >= id", r":9: .*rules\.0: `totl` is not one of .*mean `total`\?"),
        ("total >= id", "total >= day", r":9: .*rules\.0: `total >= day` compares two types"),
    ],
)
def test_a_promise_that_a_column_cannot_be_held_to_is_told(tmp_path, before, after, said):
    assert before in PROMISES
    assert re.search(said, complaint(tmp_path, PROMISES.replace(before, after)))
