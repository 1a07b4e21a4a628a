"""The JVM gets its second compiler for much work only, by the raw files that wait when it starts."""

from spark.jobs.deduplicate import deduplicate, waiting_bytes
from spark.session import BOTH_COMPILERS, FIRST_COMPILER, MANY_BYTES, compilers, find_java, jvm_conf
from tests.spark.conftest import source

ITEMS = {"key": ["id"], "columns": {"id": {"type": "bigint"}}}


def test_much_raw_is_compiled_twice_and_little_once():
    assert compilers(0) == compilers(MANY_BYTES - 1) == FIRST_COMPILER
    assert compilers(MANY_BYTES) == BOTH_COMPILERS
    options = jvm_conf("1g", find_java(), BOTH_COMPILERS)["spark.driver.extraJavaOptions"]
    assert BOTH_COMPILERS in options and FIRST_COMPILER not in options


def test_only_what_was_not_read_waits_and_a_shared_file_once(spark, landing):
    again = {**ITEMS, "raw": "items"}
    spec = source(items=dict(ITEMS), again=again)
    assert waiting_bytes(landing.lake, spec) == 0
    file = landing.land("items", {"id": 1})
    assert waiting_bytes(landing.lake, spec) == file.stat().st_size
    deduplicate(spark, landing.lake, spec)
    assert waiting_bytes(landing.lake, spec) == 0
    later = landing.land("items", {"id": 2})
    assert waiting_bytes(landing.lake, spec, ["items"]) == later.stat().st_size
