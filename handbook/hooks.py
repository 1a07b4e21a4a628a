"""What mkdocs calls while it builds: pages from code, links into the repository, the sites beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from handbook import alerts, api, checks, commands, marts, sources, suites
from trendhouse.settings import ROOT

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page

REFERENCE: dict[str, Callable[[], str]] = {
    "commands": commands.write,
    "api": api.write,
    "marts": marts.write,
    "sources": sources.write,
    "expectations": suites.write,
    "alerts": alerts.write,
}
# Pages of the repository that lie beside docs/, by their address in the site.
BESIDE = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
INWARD = re.compile(r"\]\(docs/")
REFERENCE_LIST = "<!-- the pages of the reference -->"
SITE_LIST = "<!-- the sites beside this one -->"
CHECKS = "checks.md"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give the page of the last checks its place, where there are results."""
    if config.extra.get("results"):
        reference = next(each["Reference"] for each in config.nav if "Reference" in each)
        reference.append({"Results of the last checks": CHECKS})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are written from code and YAML, and those that lie beside docs/."""
    from mkdocs.structure.files import File

    for name, write in REFERENCE.items():
        files.append(File.generated(config, f"reference/{name}.md", content=write()))
    if results := config.extra.get("results"):
        files.append(File.generated(config, CHECKS, content=checks.write(results)))
    for uri, name in BESIDE.items():
        content = INWARD.sub("](", (ROOT / name).read_text(encoding="utf-8"))
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links out of docs/ to the pages that stand for their targets, and fill the lists."""
    for uri, name in BESIDE.items():
        markdown = markdown.replace(f"](../{name}", f"]({uri}")
    entries = [f"- [{titled(name)}](reference/{name}.md)" for name in REFERENCE]
    markdown = markdown.replace(REFERENCE_LIST, "\n".join(entries))
    sites = [f'- <a href="{url}">{title}</a>' for title, url in sites_beside(config).items()]
    return markdown.replace(SITE_LIST, "\n".join(sites))


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    """Put the sites beside this one at the end of the reference."""
    from mkdocs.structure.nav import Link, Section

    reference = next(
        each for each in nav.items if isinstance(each, Section) and each.title == "Reference"
    )
    for title, url in sites_beside(config).items():
        link = Link(title, url)
        link.parent = reference
        reference.children.append(link)
    return nav


def sites_beside(config: MkDocsConfig) -> dict[str, str]:
    """Title and address of each site that lies below this one; mkdocs alone knows of none."""
    return config.extra.get("sites_beside", {})


def titled(name: str) -> str:
    return name.capitalize() if name != "api" else "API"
