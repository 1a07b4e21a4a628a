"""Records keep upstream's bytes; the values read out of them are those of a whole decoder."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.records import Records
from ingestion.unreadable import Malformed

NAMES = st.sampled_from(["id", "name", "commit", "author", "date"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map(".".join), min_size=1, max_size=2)


def by_hand(record, path):
    for choice in path.split("|"):
        value = record
        for name in choice.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            return value if isinstance(value, str) else str(value)
    return None


@given(st.lists(VALUES, max_size=5), st.lists(PATHS, max_size=3), st.sampled_from([None, 2]))
def test_records_are_upstreams_bytes_and_values(values, wanted, indent):
    parts = [json.dumps(value, indent=indent, ensure_ascii=False).encode() for value in values]
    records = Records.of_array(b" [" + b" ,\n".join(parts) + b"]\n")
    assert [*map(bytes, records.texts)] == parts
    paths = tuple("|".join(each) for each in wanted)
    together = Records(parts)
    together.read(paths)
    for path in paths:
        expected = [by_hand(json.loads(part), path) for part in parts]
        assert records.texts_at(path) == expected
        assert together.texts_at(path) == expected


def test_a_number_too_big_for_a_float_keeps_its_digits():
    records = Records.of_array(b'[{"id":123456789012345678901234567890, "size": 1.10}]')
    assert [*map(bytes, records.texts)] == [b'{"id":123456789012345678901234567890, "size": 1.10}']


@pytest.mark.parametrize(
    "body",
    [b'[{"a":1}', b'{"a":1}', b"[1]x", b"", b"[1,]", b'["a]', b"[1]]", b"[1}]", b"][", b"x[1]"],
)
def test_what_is_no_json_array_is_malformed(body):
    with pytest.raises(Malformed):
        Records.of_array(body)


def test_an_answer_is_landed_byte_for_byte():
    from datetime import UTC, datetime

    from ingestion.replies import Reply

    def reply(body):
        return Reply(200, "http://upstream", {}, body, datetime(2026, 1, 1, tzinfo=UTC))

    for body in (b'[ {"b": 1,  "a": 2} ]', b'{"b": 1,  "a": 2}'):
        assert [*map(bytes, reply(body).records.texts)] == [b'{"b": 1,  "a": 2}']
    with pytest.raises(Malformed):
        _ = reply(b'{"b": 1').records
    assert orjson.loads(reply(b'{"b": 1}').records.texts[0]) == {"b": 1}
