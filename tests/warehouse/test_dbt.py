"""What dbt says of its nodes: failures end a build, warnings are named in its outcome."""

from __future__ import annotations

from warehouse.dbt import Build, follow


def ended(name: str, status: str) -> dict:
    node = {"unique_id": f"test.trendhouse.{name}", "resource_type": "test", "node_name": name}
    return {
        "info": {"name": "LogTestResult", "msg": f"{status} 1 {name}"},
        "data": {"node_info": node, "status": status},
    }


def test_a_test_that_warns_is_named_and_fails_nothing():
    build = Build()
    for name, status in (("kept", "pass"), ("odd", "warn"), ("key", "fail")):
        follow(ended(name, status), build, lambda node: None)
    assert build.warnings == ["test.trendhouse.odd: warn 1 odd"]
    assert build.failures == ["test.trendhouse.key: fail 1 key"]
    assert build.counts == {"test": 3}
