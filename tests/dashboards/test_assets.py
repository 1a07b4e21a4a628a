"""The assets as text: every name resolves against dbt's contracts, and the bundle is the same each time."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
import sqlglot
import yaml

from dashboards.bundle import Connection, Purpose, Warehouse, assets, bundle
from dashboards.contracts import marts
from dashboards.specs import FOLDER, AssetError, columns_in, domains, load
from trendhouse.declared.marts import DBT_PROJECT
from trendhouse.settings import ROOT

MARTS = DBT_PROJECT / "models" / "marts"
LOCAL = Connection(Warehouse.duckdb, "duckdb:////data/marts.duckdb")
SNOWFLAKE = Connection(Warehouse.snowflake, "snowflake://reader@account/trendhouse")


@pytest.fixture(scope="module")
def opensource():
    return load("opensource")


@pytest.fixture(scope="module")
def built():
    return assets(LOCAL)


def of(built, kind):
    return {name: asset for name, asset in built.items() if name.startswith(f"{kind}/")}


@pytest.mark.parametrize("domain", domains())
def test_every_name_resolves_against_the_contracts_of_dbt(domain):
    loaded = load(domain)
    assert loaded.dashboards
    for page in loaded.dashboards:
        for chart in page.charts:
            assert set(chart.named_columns) <= set(loaded.marts[chart.mart].columns), chart.name


def used_columns(domain):
    """Every column that some chart, filter or metric of a domain names."""
    found = set()
    for page in domain.dashboards:
        found |= {(chart.mart, name) for chart in page.charts for name in chart.named_columns}
        found |= {(each.mart, each.column) for each in page.filters if each.column}
    for mart, metrics in domain.metrics.items():
        for each in metrics.values():
            found |= {(mart, name) for name in columns_in(each.expression, domain.marts[mart])}
    return found


def test_a_renamed_column_fails_whichever_it_is(opensource):
    used = used_columns(opensource)
    assert len(used) > 60
    for mart, column in sorted(used):
        known = dict(opensource.marts)
        left = {name: each for name, each in known[mart].columns.items() if name != column}
        known[mart] = dataclasses.replace(known[mart], columns=left)
        with pytest.raises(AssetError, match=f"{column}, which {mart} does not have"):
            load("opensource", known)


def test_a_mart_or_metric_that_is_gone_is_named(opensource, tmp_path):
    known = {name: mart for name, mart in opensource.marts.items() if name != "topics"}
    with pytest.raises(AssetError, match="no mart topics"):
        load("opensource", known)
    folder = tmp_path / "opensource"
    folder.mkdir()
    for path in (FOLDER / "opensource").glob("*.yml"):
        text = path.read_text().replace("  quarantined: sum(quarantined_count)\n", "")
        (folder / path.name).write_text(text)
    with pytest.raises(AssetError, match="quarantined, which is no metric of completeness"):
        load("opensource", folder=tmp_path)


def test_a_word_that_no_chart_knows_is_refused(tmp_path):
    folder = tmp_path / "opensource"
    folder.mkdir()
    (folder / "metrics.yml").write_text("repositories: {stars: sum(star_count)}")
    (folder / "one.yml").write_text(
        "{title: One, about: '', filters: [], rows: [{charts: [{name: A, mart: repositories, "
        "kind: number, metrik: [stars]}]}]}"
    )
    with pytest.raises(AssetError, match=r"one\.yml.*metrik"):
        load("opensource", folder=tmp_path)


def test_the_chart_that_the_document_adds_is_one(opensource, tmp_path):
    text = (ROOT / "docs" / "dashboards.md").read_text()
    (block,) = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    folder = tmp_path / "opensource"
    folder.mkdir()
    shutil.copy(FOLDER / "opensource" / "metrics.yml", folder)
    page = {"title": "A", "about": "", "filters": [], "rows": [{"charts": yaml.safe_load(block)}]}
    (folder / "page.yml").write_text(yaml.safe_dump(page))
    (added,) = load("opensource", folder=tmp_path).dashboards[0].charts
    assert added in [chart for page in opensource.dashboards for chart in page.charts]


def test_the_contracts_read_here_are_those_of_the_marts_that_dbt_has():
    for domain in domains():
        models = {path.stem for path in (MARTS / domain).glob("*.sql")}
        assert set(marts(domain)) == models


def test_every_column_and_metric_is_described_in_the_words_of_dbt(built):
    for name, asset in of(built, "datasets").items():
        for each in (*asset["columns"], *asset["metrics"]):
            assert each["description"], (name, each)
    stars = next(
        each
        for each in built["datasets/trendhouse/repositories_daily"]["metrics"]
        if each["metric_name"] == "stars_in_7_days"
    )
    assert stars["description"].startswith("Stars minus those of 7 days before")


def test_no_dataset_has_sql_and_none_shows_a_person(built):
    raw = yaml.safe_load((MARTS / "opensource" / "_opensource__models.yml").read_text())["models"]
    personal = {
        (model["name"], column["name"])
        for model in raw
        for column in model["columns"]
        if column.get("config", {}).get("meta", {}).get("personal")
    }
    assert personal
    for asset in of(built, "datasets").values():
        assert asset["sql"] is None
        shown = {(asset["table_name"], each["column_name"]) for each in asset["columns"]}
        assert not shown & personal


@pytest.mark.parametrize("dialect", ["duckdb", "snowflake"])
def test_every_metric_is_one_aggregate_in_both_dialects(opensource, dialect):
    for mart, metrics in opensource.metrics.items():
        for each in metrics.values():
            tree = sqlglot.parse_one(f"select {each.expression} from {mart}", dialect=dialect)
            expression = tree.expressions[0]
            assert isinstance(expression, sqlglot.exp.AggFunc), (mart, each.name)
            named = {column.name for column in expression.find_all(sqlglot.exp.Column)}
            assert named <= set(opensource.marts[mart].columns), (mart, each.name)


def test_uuids_are_unique_and_never_change(built):
    uuids = [asset["uuid"] for name, asset in built.items() if name != "metadata"]
    assert len(uuids) == len(set(uuids)) > 50
    # Readers' bookmarks, favourites and own dashboards hang on these.
    assert built["dashboards/opensource_trends"]["uuid"] == "0a29b659-557c-55e0-8cc2-805b2a591af8"
    assert (
        built["charts/opensource_trends_most_stars"]["uuid"]
        == "b1d7c584-d9b4-5235-827d-15d709e37b0c"
    )
    assert (
        built["datasets/trendhouse/repositories"]["uuid"] == "fe63f12a-8d6c-5ef8-9da3-d375adc84b3d"
    )


def test_the_bundle_is_the_same_bytes_whenever_it_is_made():
    program = (
        "import hashlib; from dashboards.bundle import *; "
        f"print(hashlib.sha256(bundle(Connection(Warehouse.duckdb, {LOCAL.uri!r}))).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert said == {hashlib.sha256(bundle(LOCAL)).hexdigest()}
    assert bundle(LOCAL) != bundle(SNOWFLAKE)


def test_the_bundle_has_one_root_and_every_reference_in_it_leads_somewhere():
    with zipfile.ZipFile(io.BytesIO(bundle(SNOWFLAKE))) as archive:
        files = {name: yaml.safe_load(archive.read(name)) for name in archive.namelist()}
    assert {name.split("/")[0] for name in files} == {"trendhouse"}
    assert files["trendhouse/metadata.yaml"]["type"] == Purpose.dashboards
    parts = {name.removeprefix("trendhouse/"): content for name, content in files.items()}
    databases = {each["uuid"] for each in of(parts, "databases").values()}
    datasets = {each["uuid"] for each in of(parts, "datasets").values()}
    charts = {each["uuid"] for each in of(parts, "charts").values()}
    assert {each["database_uuid"] for each in of(parts, "datasets").values()} == databases
    assert {each["dataset_uuid"] for each in of(parts, "charts").values()} <= datasets
    placed = set()
    for page in of(parts, "dashboards").values():
        placed |= {
            box["meta"]["uuid"]
            for box in page["position"].values()
            if isinstance(box, dict) and box["type"] == "CHART"
        }
        for each in page["metadata"]["native_filter_configuration"]:
            assert {target["datasetUuid"] for target in each["targets"] if target} <= datasets
    assert placed == charts


def test_every_row_fits_the_page(opensource):
    for page in opensource.dashboards:
        for row in page.rows:
            assert row.heading or sum(chart.width for chart in row.charts) == 12, page.slug


def test_a_filter_applies_to_the_charts_whose_mart_has_its_column(built, opensource):
    page = built["dashboards/opensource_trends"]
    trends = next(each for each in opensource.dashboards if each.slug == "trends")
    language = next(
        each
        for each in page["metadata"]["native_filter_configuration"]
        if each["name"] == "Language"
    )
    left_out = {trends.charts[number - 1].name for number in language["scope"]["excluded"]}
    assert {"Stars gained", "Topics", "License list"} <= left_out
    assert not left_out & {"Most stars", "Most forks", "Code by language"}


def test_the_exposures_of_dbt_name_the_marts_that_each_dashboard_reads(opensource):
    """As far as any of them is declared, all are, each under its address and with its title."""
    declared = {}
    for path in sorted(MARTS.glob("*/_*__exposures.yml")):
        for each in yaml.safe_load(path.read_text())["exposures"]:
            if slug := re.search(r"/superset/dashboard/([\w-]+)/", each.get("url", "")):
                marts = {re.fullmatch(r"ref\('(\w+)'\)", ref)[1] for ref in each["depends_on"]}
                declared[slug[1]] = (each["label"], marts)
    expected = {
        f"opensource-{page.slug}": (page.title, opensource.used_marts(page))
        for page in opensource.dashboards
    }
    assert declared == expected


def test_the_query_kept_with_a_chart_asks_what_its_form_asks(built):
    for name, asset in of(built, "charts").items():
        query = json.loads(asset["query_context"])["queries"][0]
        form = asset["params"]
        metrics = form.get("metrics") or [form["metric"]] if "all_columns" not in form else []
        assert query["metrics"] == metrics, name
        assert len(query["filters"]) == len(form["adhoc_filters"]), name
