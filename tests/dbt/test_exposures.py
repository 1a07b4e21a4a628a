"""Who reads the marts: each exposure names marts alone, and those that can be visited have an address."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from trendhouse.declared.marts import DBT_PROJECT, contracts
from trendhouse.settings import ROOT

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


@pytest.mark.parametrize(
    ("file", "exposure"),
    [
        ("trends", "open_source_trends"),
        ("repository", "repository_detail"),
        ("completeness", "is_it_all_there"),
    ],
)
def test_a_dashboard_reads_what_its_exposure_says(file, exposure):
    declared = (ROOT / "dashboards" / "opensource" / f"{file}.yml").read_text(encoding="utf-8")
    charts = yaml.safe_load(declared)
    assert set(named_in(charts)) == READ[exposure]
    (label,) = [each["label"] for each in DECLARED if each["name"] == exposure]
    assert charts["title"] == label


def named_in(declared: object) -> Iterator[str]:
    """Every mart that a dashboard's YAML names, at any depth."""
    for each in declared.values() if isinstance(declared, dict) else declared:
        if isinstance(each, dict | list):
            yield from named_in(each)
    if isinstance(declared, dict) and "mart" in declared:
        yield declared["mart"]


def test_the_overview_of_the_models_is_the_project_s_own():
    text = (DBT_PROJECT / "models" / "overview.md").read_text(encoding="utf-8")
    assert "{% docs __overview__ %}" in text
    named = set(re.findall(r"`exposure:(\w+)`|\+exposure:(\w+)", text))
    assert {name for pair in named for name in pair if name} <= set(READ)
