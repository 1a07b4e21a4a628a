"""Who reads the marts: each exposure names marts alone, and those that can be visited have an address."""

from __future__ import annotations

import re

import yaml

from orchestration.marts import DBT_PROJECT, contracts

DECLARED = [
    exposure
    for path in sorted((DBT_PROJECT / "models" / "marts").glob("*/_*__exposures.yml"))
    for exposure in yaml.safe_load(path.read_text(encoding="utf-8"))["exposures"]
]
READ = {
    exposure["name"]: {re.fullmatch(r"ref\('(\w+)'\)", each)[1] for each in exposure["depends_on"]}
    for exposure in DECLARED
}
# What stands wherever a person has put it, or on a terminal.
NOWHERE = {"static_site", "completeness_status"}


def test_exposures_read_marts_and_nothing_before_them():
    assert {
        name: read - set(contracts()) for name, read in READ.items() if read - set(contracts())
    } == {}


def test_the_api_serves_every_mart():
    assert READ["api"] == set(contracts())


def test_what_can_be_visited_has_its_address():
    addressed = {each["name"] for each in DECLARED if each.get("url", "").startswith("http://127.")}
    assert addressed == set(READ) - NOWHERE


def test_the_overview_of_the_models_is_the_project_s_own():
    text = (DBT_PROJECT / "models" / "overview.md").read_text(encoding="utf-8")
    assert "{% docs __overview__ %}" in text
    named = set(re.findall(r"`exposure:(\w+)`|\+exposure:(\w+)", text))
    assert {name for pair in named for name in pair if name} <= set(READ)
