"""Keep the dbt manifest that Airflow draws the warehouse from: built ahead, and known to be fresh."""

from __future__ import annotations

import json
import shutil
import tempfile
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trendhouse.declared.marts import DBT_PROJECT
from trendhouse.lake.lake import replace_text
from trendhouse.settings import ROOT

MANIFEST = DBT_PROJECT / "target" / "airflow" / "manifest.json"
COMMAND = "python -m orchestration.manifest"
# What dbt writes, and what it does not read to parse.
ASIDE = {"target", "logs", "dbt_packages", "lint"}


class StaleManifest(Exception):
    """The manifest is missing or older than the project; the message names the command that mends it."""


def fingerprint(project: Path = DBT_PROJECT, profiles: Path = ROOT / "profiles.yml") -> str:
    """A hash of all that a manifest is made from: the project's files, the profiles, dbt itself."""
    digest = sha256(f"{version('dbt-core')} {version('dbt-duckdb')}\n".encode())
    # This file, too, decides what a manifest holds.
    files = {path.name: path for path in (Path(__file__), profiles)}
    for path in project.rglob("*"):
        name = path.relative_to(project)
        if path.is_file() and name.parts[0] not in ASIDE:
            files[f"{project.name}/{name.as_posix()}"] = path
    for name, path in sorted(files.items()):
        digest.update(f"{name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def is_fresh(manifest: Path = MANIFEST, project: Path = DBT_PROJECT) -> bool:
    """Whether the manifest is there and was made from the project as it is."""
    made_from = manifest.with_name("fingerprint")
    return (
        manifest.exists() and made_from.exists() and made_from.read_text() == fingerprint(project)
    )


def require_fresh(manifest: Path = MANIFEST, project: Path = DBT_PROJECT) -> Path:
    """The manifest's path. Raises StaleManifest; starts no dbt, so that parsing a DAG stays cheap."""
    if not is_fresh(manifest, project):
        state = "is older than the dbt project" if manifest.exists() else "is missing"
        raise StaleManifest(
            f"The dbt manifest {state} ({manifest}). Make it: `{COMMAND}`; the DAG follows by itself."
        )
    return manifest


def refresh(manifest: Path = MANIFEST) -> bool:
    """Make the manifest anew if it is not fresh; whether it was made. Raises BuildFailed."""
    from trendhouse.settings import load_settings
    from warehouse.dbt import dbt

    made_from = fingerprint()
    if is_fresh(manifest):
        return False
    manifest.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=manifest.parent.parent, prefix=".manifest-"))
    try:
        dbt("parse", "--target-path", str(beside), place=load_settings().place)
        replace_text(manifest, json.dumps(drawn(read(beside / "manifest.json"))))
    finally:
        shutil.rmtree(beside)
    replace_text(manifest.with_name("fingerprint"), made_from)
    return True


def drawn(manifest: dict[str, Any]) -> dict[str, Any]:
    """What tasks are drawn from: without the code of macros, and without what no task stands for."""
    nodes = {
        name: node
        for name, node in manifest["nodes"].items()
        if node["resource_type"] != "operation"
    }
    return {**manifest, "nodes": nodes, "macros": {}, "exposures": {}}


@cache
def read(manifest: Path = MANIFEST) -> dict[str, Any]:
    return json.loads(manifest.read_text(encoding="utf-8"))


if __name__ == "__main__":
    print(f"{MANIFEST}: {'made' if refresh() else 'fresh'}")
