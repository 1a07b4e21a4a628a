"""The two documentation sites: dbt's models and Great Expectations' results."""

from __future__ import annotations

import functools
import shutil
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from orchestration.local_page import serve
from orchestration.settings import Place
from orchestration.warehouse import DBT_PROJECT, dbt


def write_docs(place: Place) -> dict[str, Path]:
    """Write dbt's site as one file beside the Data Docs; the pages by title."""
    dbt("docs", "generate", "--static", place=place)
    folder = place.root / "docs" / "dbt"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DBT_PROJECT / "target" / "static_index.html", folder / "index.html")
    pages = {"models": folder / "index.html"}
    if place.data_docs.exists():
        pages["expectations"] = place.data_docs / "index.html"
    return pages


def serve_docs(place: Place, port: int) -> None:
    """Serve both sites on 127.0.0.1 until Ctrl-C."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=place.root / "docs")
    serve(handler, port, "/dbt/")
