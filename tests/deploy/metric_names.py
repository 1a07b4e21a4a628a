"""Which metrics an expression asks for, and which there are."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import yaml

from tests.deploy.stack import DEPLOY

QUOTED = re.compile(r'"[^"]*"')
# Parts of an expression whose words are labels or durations, not metrics.
ASIDE = re.compile(
    r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)|\boffset\s+\w+"
)
WORD = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])")
OPERATORS = {"and", "or", "unless", "bool"}
# What Prometheus makes by itself.
MADE = {"ALERTS", "up"}


def names_in(expression: str) -> set[str]:
    """The metrics of a PromQL expression."""
    rest = ASIDE.sub(" ", QUOTED.sub("", expression))
    return set(WORD.findall(rest)) - OPERATORS


def exported_by_airflow() -> dict[str, str]:
    """Airflow's own registry of metrics: name -> counter, gauge or timer."""
    place = Path(find_spec("airflow").origin).parent
    registry = place / "_shared" / "observability" / "metrics" / "metrics_template.yaml"
    metrics = yaml.safe_load(registry.read_text())["metrics"]
    return {each["name"]: each["type"] for each in metrics}


def mapped() -> set[str]:
    """What the statsd-exporter gives out, histograms by their parts."""
    rules = yaml.safe_load((DEPLOY / "statsd" / "mapping.yml").read_text())["mappings"]
    found = set()
    for rule in rules[:-1]:
        is_histogram = rule["match_metric_type"] == "observer"
        parts = ("_bucket", "_sum", "_count") if is_histogram else ("",)
        found |= {f"{rule['name']}{part}" for part in parts}
    return found


def recorded() -> set[str]:
    """What the rules themselves record."""
    return {
        rule["record"]
        for path in (DEPLOY / "prometheus" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
