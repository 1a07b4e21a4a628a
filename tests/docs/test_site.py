"""The documentation site: whole, strict, and made of nothing that lies elsewhere."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from markdown import Markdown
from markdown_it import MarkdownIt

from handbook import hooks
from handbook.site import SiteBroken, build_site
from trendhouse.declared.marts import contracts
from trendhouse.declared.sources import load_specs
from trendhouse.settings import ROOT

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site as `trendhouse docs` writes it, with another site below it."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "dbt").mkdir()
    (folder / "dbt" / "index.html").write_text("the models")
    (folder / "reference").mkdir()
    (folder / "reference" / "gone.html").write_text("a page of an older site")
    build_site(folder, {"Models and their lineage": "dbt/index.html"})
    return folder


class Loads(HTMLParser):
    """Collects what a page makes a browser load, and its links."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in LOADED and given.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.add(given.get(LOADED[tag]) or "")
        if tag == "a":
            self.links.add(given.get("href") or "")


def read(page: Path) -> Loads:
    found = Loads()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def test_no_page_loads_anything_from_elsewhere(site):
    pages = [*site.glob("*.html"), *site.glob("reference/*.html")]
    assert len(pages) > 25
    outside = {
        f"{page.name}: {address}"
        for page in pages
        for address in read(page).loaded
        if re.match(r"(https?:)?//", address)
    }
    assert outside == set()


def test_no_style_sheet_loads_anything_from_elsewhere(site):
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        assert re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//[^)'\"]+", text) == [], sheet


def test_the_start_page_leads_to_the_sites_beside_it_and_keeps_them(site):
    assert "dbt/index.html" in read(site / "index.html").links
    assert "../dbt/index.html" in read(site / "reference" / "marts.html").links
    assert (site / "dbt" / "index.html").read_text() == "the models"
    assert not (site / "reference" / "gone.html").exists()
    assert [path.name for path in site.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (
            "marts",
            [f"{mart} {name}" for mart, each in contracts().items() for name in each.columns],
        ),
        (
            "sources",
            [
                f"{spec.name}.{table} {column}"
                for spec in load_specs()
                for table, each in spec.tables.items()
                for column in each.columns
            ],
        ),
    ],
)
def test_the_reference_names_every_column_under_its_table(page, names):
    at, told = "", set()
    for line in hooks.REFERENCE[page]().splitlines():
        if line.startswith("##"):
            at = line.lstrip("# ")
        elif column := re.match(r"\| `(\w+)` \|", line):
            told.add(f"{at} {column[1]}")
    assert set(names) <= told


def test_the_reference_of_the_commands_names_every_verb_and_option():
    import typer.main

    from cli.main import app

    text = hooks.REFERENCE["commands"]()
    for name, verb in typer.main.get_command(app).commands.items():
        part = text.split(f"\n## {name}\n", 1)[1].split("\n## ")[0]
        assert [opt for each in verb.params for opt in each.opts if f"`{opt}`" not in part] == [], (
            name
        )


def test_the_reference_of_expectations_tells_every_promise():
    from expectations.marts.opensource import SUITES

    part = hooks.REFERENCE["expectations"]().split("\n## Marts\n", 1)[1]
    for name, suite in SUITES.items():
        promises = [
            each for each in suite.expectations if "not_be_null" not in each.expectation_type
        ]
        lines = [line for line in part.splitlines() if line.startswith(f"| `{name}` |")]
        nulls = len(promises) < len(suite.expectations)
        assert len(lines) == len(promises) + nulls, name
    assert "{" not in part


def test_the_reference_of_alerts_has_every_rule_and_cause():
    from orchestration.alerts.alert import Cause

    text = hooks.REFERENCE["alerts"]()
    assert [each.value for each in Cause if f"| {each.value} |" not in text] == []
    for path in (ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            assert [
                r["alert"] for r in group["rules"] if "alert" in r and f"`{r['alert']}`" not in text
            ] == []
    assert "{{" not in text


def test_the_reference_of_the_api_has_every_operation_and_schema_of_its_document():
    from serving.api import described

    text, document = hooks.REFERENCE["api"](), described()
    assert len(document["paths"]) > 5
    for path, methods in document["paths"].items():
        assert [m for m in methods if f"\n### {m.upper()} {path}\n" not in text] == []
    for name, schema in document["components"]["schemas"].items():
        part = text.split(f"\n### {name} {{: #schema-", 1)[1].split("\n### ")[0]
        assert [key for key in schema.get("properties", ()) if f"| `{key}` |" not in part] == []


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A copy of the documents, to be broken."""
    for name in ("mkdocs.yml", "CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("docs", "handbook"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.setattr("handbook.site.ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("page", "text", "said"),
    [
        ("identity.md", "[nothing](nothing.md)", "nothing.md"),
        ("identity.md", "[nothing](operations.md#nothing)", "nothing"),
        ("lost.md", "# In no menu", "lost.md"),
    ],
)
def test_what_leads_nowhere_breaks_the_build(project, tmp_path, page, text, said):
    path = project / "docs" / page
    path.write_text((path.read_text() if path.exists() else "") + f"\n\n{text}\n")
    with pytest.raises(SiteBroken, match=re.escape(said)):
        build_site(tmp_path / "site", {})


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_the_site_shows_what_github_shows(page):
    """Two readers of Markdown, one of them GitHub's kind, see the same lists, tables, blocks, headings."""
    text = page.read_text(encoding="utf-8")
    ours = Markdown(
        extensions=["attr_list", "sane_lists", "tables", "pymdownx.superfences"]
    ).convert(text)
    theirs = MarkdownIt().enable("table").render(text)
    for tag in ("li", "ol", "ul", "tr", "td", "pre", "h2", "h3", "p", "img"):
        count = [len(re.findall(rf"<{tag}[ >]", html)) for html in (ours, theirs)]
        assert count[0] == count[1], f"{tag}: {count}"
