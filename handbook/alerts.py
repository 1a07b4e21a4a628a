"""The page of the alerts: Airflow's causes with their remedies, and Prometheus' rules."""

from __future__ import annotations

import re

import yaml

from handbook.markdown import cell, code, page, table
from orchestration.alerts.alert import Alert, Cause
from orchestration.alerts.remedies import remedy
from trendhouse.settings import ROOT

RULES = ROOT / "deploy" / "prometheus" / "rules"
WHERE = {"dag_id": "DAG", "run_id": "RUN", "source": "SOURCE"}
TEMPLATE = re.compile(r"\{\{.*?\}\}")
VARIABLE = re.compile(r"\$(?:labels\.)?(\w+)")


def write() -> str:
    return page(
        "Alerts",
        "What is told, and what is to be done. How they travel: [alerts](../alerts.md); what Prometheus "
        "watches: [monitoring](../monitoring.md); where to begin when one came: [on call](../on-call.md).",
        "## From Airflow",
        table(
            ("cause", "what to do"),
            [(cause.value, remedy(Alert(cause, "", **WHERE)) or "Nothing.") for cause in Cause],
        ),
        "## From Prometheus",
        *(group(path.stem) for path in sorted(RULES.glob("*.yml"))),
    )


def group(name: str) -> str:
    """The rules of one file."""
    declared = yaml.safe_load((RULES / f"{name}.yml").read_text(encoding="utf-8"))
    rows = [
        (
            code(rule["alert"]),
            rule["labels"]["severity"],
            rule.get("for", "at once"),
            plain(rule["annotations"]["what"]),
            plain(rule["annotations"]["to_do"]),
        )
        for each in declared["groups"]
        for rule in each["rules"]
        if "alert" in rule
    ]
    return f"### {name}\n\n" + table(
        ("alert", "severity", "after", "what it says", "what to do"), rows
    )


def plain(text: str) -> str:
    """A message without its template: what is filled in stands as a word in capitals."""
    return cell(TEMPLATE.sub(lambda found: VARIABLE.search(found[0])[1].upper(), text))
