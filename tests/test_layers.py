"""The layers that the linter holds are all packages that there are, and all of them are installed."""

from __future__ import annotations

import tomllib

from trendhouse.settings import ROOT


def test_every_package_is_installed_and_has_its_layer():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    linter, found = project["importlinter"], project["setuptools"]["packages"]["find"]
    (contract,) = linter["contracts"]
    layers = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
    assert layers == {*linter["root_packages"]} == packages - {"benchmarks"}
    assert {name.rstrip("*") for name in found["include"]} == packages
