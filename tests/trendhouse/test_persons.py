"""Keys of records lose an erased person in the same way on every floor."""

import orjson
import pytest

from tests.spark.conftest import source
from trendhouse.lake.erase import scrub_raw_row, scrub_row
from trendhouse.lake.persons import Erasures

TOMBSTONES = {
    "key": ["object_type", "object_key"],
    "cursor": "observed_at",
    "columns": {"object_type": {"type": "string"}, "object_key": {"type": "string"}},
}


def test_the_key_of_a_deleted_contributor_is_the_same_in_raw_and_clean():
    erasures = Erasures("salt", [])
    erasures.hashes |= {erasures.hash(each) for each in ("777", "carol@x.org", "Carol")}
    table = source(tombstones=TOMBSTONES).tables["tombstones"]
    for person in ("777", "carol@x.org", "Carol", "Carol#2"):
        key = f"3005/{person}"
        record = {"object_type": "contributors", "object_key": key, "evidence": "missing"}
        raw = dict.fromkeys(("context", "cursor_value", "partition_name", "source_url"))
        raw |= {"record": orjson.dumps(record).decode(), "record_key": f"contributors/{key}"}
        assert scrub_raw_row(raw, erasures)
        clean = {"object_type": "contributors", "object_key": key}
        assert scrub_row(clean, table, erasures, 1)
        said = orjson.loads(raw["record"])["object_key"]
        assert said == clean["object_key"] == raw["record_key"].removeprefix("contributors/")
        assert said.startswith("3005/") and person.split("#")[0] not in said


@pytest.mark.parametrize("person", ["Carol#2", "777"])
def test_the_key_that_a_landing_gives_to_a_contributor_is_scrubbed_too(person):
    erasures = Erasures("salt", [])
    erasures.hashes |= {erasures.hash(each) for each in ("Carol", "777")}
    raw = dict.fromkeys(("record", "cursor_value", "partition_name", "source_url"))
    raw |= {"context": f'{{"contributor_key":"{person}"}}', "record_key": f"3005/{person}"}
    assert scrub_raw_row(raw, erasures)
    key = orjson.loads(raw["context"])["contributor_key"]
    assert raw["record_key"] == f"3005/{key}" and key != person
