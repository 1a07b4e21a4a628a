"""The documentation of the project, dbt's models and Great Expectations' results, as one site."""

from __future__ import annotations

import functools
import shutil
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from trendhouse.local_page import serve
from trendhouse.settings import Place
from warehouse.dbt import dbt, target_folder

TITLES = {
    "models": "Models and lineage (dbt)",
    "expectations": "Results (Great Expectations)",
}


def write_docs(place: Place) -> dict[str, Path]:
    """Write the project's site with dbt's as one file and the Data Docs below it; the pages by title.

    Raises BuildFailed or SiteBroken.
    """
    from handbook.site import build_site
    from trendhouse.verdicts import results_of

    dbt("docs", "generate", "--static", place=place)
    folder = place.data_docs.parent
    models = folder / "dbt" / "index.html"
    models.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(target_folder(place) / "static_index.html", models)
    pages, results = {"models": models}, None
    if place.data_docs.exists():
        pages["expectations"] = place.data_docs / "index.html"
        results = results_of(place.data_docs)
    sites = {TITLES[name]: str(page.relative_to(folder)) for name, page in pages.items()}
    return {"documentation": build_site(folder, sites, results), **pages}


def serve_docs(place: Place, port: int) -> None:
    """Serve the site on 127.0.0.1 until Ctrl-C."""
    serve(functools.partial(SimpleHTTPRequestHandler, directory=place.data_docs.parent), port)
