"""What the documents give as examples does what they say, on a warehouse that was really run."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import statistics
import subprocess
import sys

import duckdb
import orjson
import pytest
import yaml

from ingestion.landing import Context, Rows
from tests.docs.blocks import PAGES, SHELL, Block, blocks, every
from tests.docs.typed import commands, typed_to
from trendhouse.declared.sources import load_spec
from trendhouse.settings import ROOT, Settings
from warehouse.published import connect


@pytest.fixture(scope="module")
def published(sample_home):
    with connect(sample_home.place) as connection:
        yield connection


def page(name: str) -> list[Block]:
    return list(blocks(ROOT / "docs" / name))


def of(language: str, found: list[Block]) -> list[Block]:
    return [block for block in found if block.language == language]


def referenced(sql: str) -> str:
    """A model's SQL over the published marts: a reference is the mart's own name."""
    return sql.replace("{{ ref('", "main.").replace("') }}", "")


def test_every_sql_block_answers_on_the_published_marts(published):
    asked = [block for block in every("sql") if block.reason is None]
    assert len(asked) >= 10
    for block in asked:
        published.execute(referenced(block.text)).fetchall()


def test_every_query_that_is_typed_answers_on_the_published_marts(published):
    asked = {words[1] for words in typed_to("trendhouse", PAGES) if words[0] == "query"}
    assert asked
    for sql in asked - {"select * from merge_times limit 5"}:  # the mart of the how-to is not built
        published.execute(sql).fetchall()


def test_most_queries_of_the_explanation_find_rows(published):
    """What shows nothing on the sample world explains nothing."""
    names = (
        "time-zones.md",
        "completeness.md",
        "why-numbers-change.md",
        "back-fill.md",
        "tutorial.md",
    )
    for name in names:
        for block in of("sql", page(name)):
            assert published.execute(block.text).fetchall(), block


def test_the_metric_of_the_how_to_is_what_its_contract_says(published):
    query, model = of("sql", page("add-a-metric.md"))
    (declared,) = yaml.safe_load(of("yaml", page("add-a-metric.md"))[0].text)["models"]
    rows = published.execute(f"describe {referenced(model.text)}").fetchall()
    made = {name: kind.lower() for name, kind, *_ in rows}
    assert made == {each["name"]: each["data_type"] for each in declared["columns"]}
    key = ", ".join(declared["data_tests"][0]["is_key"]["arguments"]["columns"])
    counted = f"select count(*), count(distinct ({key})) from ({referenced(model.text)})"
    row_count, key_count = published.execute(counted).fetchone()
    assert row_count == key_count > 0
    asked = published.execute(query.text).fetchall()
    by_hand = by_month(published)
    assert asked and all(by_hand[row[:2]] == pytest.approx(row[2:]) for row in asked)


def by_month(published) -> dict[tuple, tuple]:
    """Merged pull requests of people by repository and month, in plain Python: count and median hours."""
    hours: dict[tuple, list[float]] = {}
    rows = published.execute("""
        select repository_id, created_at, merged_at from pull_requests where is_merged and not is_bot
    """).fetchall()
    for repository, created, merged in rows:
        spent = (merged - created).total_seconds() / 3600
        hours.setdefault((repository, merged.date().replace(day=1)), []).append(spent)
    return {key: (len(spent), statistics.median(spent)) for key, spent in hours.items()}


def test_the_suite_of_the_how_to_is_one_that_can_be_asked():
    given: dict = {}
    exec(of("python", page("add-a-metric.md"))[0].text, given)
    suite = given["SUITES"]["merge_times"]
    (declared,) = yaml.safe_load(of("yaml", page("add-a-metric.md"))[0].text)["models"]
    named = {each.column for each in suite.expectations if hasattr(each, "column")}
    assert named <= {each["name"] for each in declared["columns"]}


@pytest.fixture
def mirrors(tmp_path, monkeypatch):
    """The source of the how-to, at home in a folder: its spec and its connector's functions."""
    found = page("add-a-source.md")
    (tmp_path / "mirrors.yml").write_text(of("yaml", found)[0].text)
    (tmp_path / "mirrors.py").write_text(of("python", found)[0].text)
    listed = [
        {"url": f"https://{name}.example.org", "location": {"country": name}, "delay": number}
        for number, name in enumerate(("kr", "de", "fr"))
    ]
    answer = tmp_path / "list.json"
    answer.write_bytes(orjson.dumps({"total": len(listed), "mirrors": listed}))
    monkeypatch.setenv("TRENDHOUSE_MIRRORS_URL", answer.as_uri())
    return load_spec("mirrors", tmp_path), runpy.run_path(str(tmp_path / "mirrors.py")), listed


def test_the_source_of_the_how_to_lands_what_its_list_holds(mirrors, tmp_path):
    spec, connector, listed = mirrors
    settings = Settings(home=tmp_path / "home", world="sample", now="2026-11-02T06:00:00Z")
    rows = list(connector["land"](Context(spec, settings)))
    assert [type(each) for each in rows] == [Rows, Rows]
    assert [json.loads(record) for record in rows[0].records] == listed
    assert json.loads(rows[1].records[0])["expected_count"] == len(listed)
    assert rows[0].table in spec.tables and rows[1].table in spec.tables
    assert connector["plan"](spec, {}, settings).requests == 1


def test_the_source_of_the_how_to_says_what_it_could_not_land(mirrors, tmp_path, monkeypatch):
    spec, connector, _ = mirrors
    monkeypatch.setenv("TRENDHOUSE_MIRRORS_URL", (tmp_path / "nothing.json").as_uri())
    settings = Settings(home=tmp_path / "home", world="sample")
    (failure,) = connector["land"](Context(spec, settings))
    assert "nothing.json" in str(failure)


def test_the_table_of_the_past_says_what_the_sources_declare():
    text = (ROOT / "docs" / "back-fill.md").read_text()
    for source in ("gharchive", "github_ranking", "github", "endoflife"):
        line = next(line for line in text.splitlines() if line.startswith(f"| `{source}` |"))
        assert line.endswith("| a back-fill |") is (load_spec(source).history is not None), source


def test_the_records_behind_a_figure_are_found_as_the_page_says(sample_home):
    (block,) = of("python", page("why-numbers-change.md"))
    said = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=ROOT,
        env=sample_home.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    record = json.loads(said.stdout.splitlines()[-1].split(" ", 3)[3])
    with connect(sample_home.place) as connection:
        found = connection.execute(
            "select star_count from repositories where repository_id = ?",
            [str(record["databaseId"])],
        ).fetchone()
    assert found == (record["stargazerCount"],)


def test_the_snapshots_are_asked_as_the_page_says(sample_home):
    (typed,) = typed_to("dbt", [ROOT / "docs" / "why-numbers-change.md"])
    sql = typed[typed.index("--inline") + 1]
    asked = sql.replace("{{ ref('", "snapshots.").replace("') }}", "")
    with duckdb.connect(str(sample_home.place.warehouse), read_only=True) as connection:
        rows = connection.execute(asked).fetchall()
    assert rows and rows[0][-1] is None


def test_the_tutorial_runs_as_it_is_written(sample_home, tmp_path):
    """From the state after its first command, which the fixture has run."""
    home, said = sample_home.copy(tmp_path / "home"), []
    typed = [
        command.words
        for block in page("tutorial.md")
        if block.language in SHELL and block.reason is None
        for command in commands_of(block)
    ]
    assert typed[0] == ("make", "run")
    for words in typed[1:]:
        if words[0] == "make":
            arguments = shlex.split(" ".join(words[2:]).removeprefix("ARGS="))
            said.append(home.trendhouse(words[1], *arguments))
        elif words[0] == "trendhouse":
            said.append(home.trendhouse(*words[1:]))
        else:
            assert words == (".", ".venv/bin/activate")
    assert len(said) == 4
    assert "Completeness" in said[0]
    assert said[1].count("\n") >= 7 and "star_count" in said[1]
    assert said[3].count("2026-11-") == 2, said[3]  # one day more than after the first run


def commands_of(block: Block) -> list:
    return [typed for typed in commands(block.text) if typed.words]


def test_the_docs_of_a_home_are_one_site(sample_home, tmp_path):
    """The project's pages, dbt's models with their overview and readers, and the results of the checks."""
    home = sample_home.copy(tmp_path / "home")
    said = home.trendhouse("docs")
    folder = home.place.data_docs.parent
    assert [line.split(": ")[0] for line in said.splitlines()] == [
        "documentation",
        "models",
        "expectations",
    ]
    models = (folder / "dbt" / "index.html").read_text()
    assert "Trendhouse: the models" in models and "exposure.trendhouse.repository_page" in models
    checked = (folder / "checks.html").read_text()
    assert "0 broken promises" in checked and "marts.opensource.completeness" in checked
    assert {"dbt/index.html", "expectations/index.html", "checks.html"} <= {
        link.removeprefix("./")
        for link in re.findall(r'href="([^"]+)"', (folder / "index.html").read_text())
    }


def test_the_addresses_of_the_tutorial_answer(sample_home, published, tmp_path):
    """The release page, the repository's page, its chart and the API, for the repository that was queried."""
    from fastapi.testclient import TestClient

    from serving.app import create_app

    (name,) = published.execute(
        "select repository_name from repositories order by star_count desc limit 1"
    ).fetchone()
    text = (ROOT / "docs" / "tutorial.md").read_text()
    named = re.findall(r"`(/[a-z]+/[^`]*)`", text)
    assert len(named) == 3
    home = sample_home.copy(tmp_path / "home")
    with TestClient(create_app(Settings(home=home.folder, world="sample"))) as client:
        for path in ("/", *named):
            path = path.replace("<owner>/<name>", name).replace("/api/v1/", "/api/v1/repositories")
            assert client.get(path).status_code == 200, path
        chart = client.get(f"/charts/stars/{name}.svg")
        assert chart.headers["content-type"].startswith("image/svg+xml")
