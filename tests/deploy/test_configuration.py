"""What is shipped in `deploy/`, read by the programs' own checkers: rules, routes, services, mapping, boards."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy import make_secrets
from tests.deploy.metric_names import exported_by_airflow, names_in
from tests.deploy.stack import DEPLOY, shipped_environment
from trendhouse.settings import ROOT

PROMETHEUS = DEPLOY / "prometheus"
RULES = [
    rule
    for path in sorted((PROMETHEUS / "rules").glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SERVICES = COMPOSE["services"]
MONITORING = (ROOT / "docs" / "monitoring.md").read_text()


BIN = Path(sys.executable).parent


def check(program: str | Path, *arguments: str | Path, folder: Path = DEPLOY) -> str:
    """What a checker says; fails if it objects, skips where it is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (bin/programs installs it)")
    done = subprocess.run(
        [program, *map(str, arguments)], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_its_configuration():
    check("promtool", "check", "config", "prometheus.yml", folder=PROMETHEUS)


def test_the_rules_fire_when_they_should_and_only_then():
    tests = sorted((PROMETHEUS / "tests").glob("*.yml"))
    assert check("promtool", "test", "rules", *tests).count("SUCCESS") == len(tests)


def test_every_rule_has_a_test_that_it_fires_and_one_that_it_does_not():
    text = "".join(path.read_text() for path in (PROMETHEUS / "tests").glob("*.yml"))
    assert [name for name in ALERTS if name not in text] == []
    for path in (PROMETHEUS / "tests").glob("*.yml"):
        assert "exp_samples: []" in path.read_text()


def test_every_alert_says_what_is_wrong_what_to_do_and_where_to_look():
    boards = {board.uid for board in boards_of_grafana()}
    for name, rule in ALERTS.items():
        told = rule["annotations"]
        assert set(told) == {"summary", "what", "to_do", "dashboard"}, name
        assert re.match(r"[A-Za-z ]+: .+", told["summary"]), name
        assert told["dashboard"] in boards, name
        assert rule["labels"]["severity"] in ("warning", "critical"), name
        assert f"### {name}\n" in MONITORING, f"docs/monitoring.md does not tell of {name}"
    told = set(re.findall(r"^### (\w+)$", MONITORING, re.MULTILINE))
    assert told == set(ALERTS)


def test_alertmanager_takes_its_configuration_and_tells_slack():
    said = check("amtool", "check-config", "alertmanager/alertmanager.yml")
    assert "1 receivers" in said and "1 templates" in said
    route = ["config", "routes", "test", "--config.file=alertmanager/alertmanager.yml"]
    for severity in ("warning", "critical"):
        assert check("amtool", *route, f"severity={severity}").split()[0] == "slack"


def test_compose_takes_its_file():
    check(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yml")
    check("docker-compose", "-f", "compose.yml", "config", "-q")


def test_every_image_is_pinned_and_every_service_is_asked_for_its_health():
    for name, service in SERVICES.items():
        assert re.search(r":v?\d+\.\d+(\.\d+)?(-alpine)?$", service["image"]), name
        once = service.get("restart") == "no"
        assert once or "healthcheck" in service, name


def test_the_environment_of_emr_is_made_from_the_lock():
    check(BIN / "hadolint", "--failure-threshold", "style", "emr/Dockerfile")
    text = (DEPLOY / "emr" / "Dockerfile").read_text()
    assert "--require-hashes -r requirements/run.lock" in text
    assert "COPY deploy/emr/bootstrap.sh spark/jobs/deduplicate.py /" in text


def test_the_image_is_pinned_lean_and_runs_as_nobody_special():
    check(BIN / "hadolint", "--failure-threshold", "style", "Dockerfile")
    text = (DEPLOY / "Dockerfile").read_text()
    (base,) = re.findall(r"^ARG PYTHON=(\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base)
    *_, last = text.split("FROM ${PYTHON}")
    assert "apt-get" not in last
    assert re.search(r"^USER [1-9]\d*$", last, re.MULTILINE)
    # Every service has a copy of the image's files of its own: what a start makes is seen by no other.
    assert "RUN python -m orchestration.manifest" in last


def test_only_loopback_is_published():
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_is_written_in_the_file_and_each_that_is_used_is_made(tmp_path):
    environments = [service.get("environment", {}) for service in SERVICES.values()]
    for environment in (*environments, shipped_environment("airflow.env")):
        for name, value in environment.items():
            if re.search(r"PASSWORD|SECRET_KEY|FERNET|JWT|CONN|BROKER|RESULT", name):
                assert "/run/secrets/" in str(value) or name.endswith("CONNECTIONS")
    make_secrets.main(tmp_path / "secrets")
    made = {path.name for path in (tmp_path / "secrets").iterdir()}
    used = {name for service in SERVICES.values() for name in service.get("secrets", ())}
    assert made == used == set(COMPOSE["secrets"])
    assert {f"secrets/{name}" for name in made} == {
        each["file"] for each in COMPOSE["secrets"].values()
    }


def test_secrets_are_made_once_and_lie_in_a_closed_folder(tmp_path):
    folder = tmp_path / "secrets"
    make_secrets.main(folder)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    make_secrets.main(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert before["postgres_password"] in before["airflow_database_url"]
    assert before["redis_password"] in before["airflow_broker_url"]
    ignored = subprocess.run(["git", "check-ignore", "deploy/secrets/x", "deploy/.env"], cwd=ROOT)
    assert ignored.returncode == 0


def test_airflow_takes_secrets_and_connections_from_these_files(tmp_path):
    """Its own configuration, asked with the environment of compose.yml and the folder put elsewhere."""
    folder = tmp_path / "secrets"
    make_secrets.main(folder)
    (folder / "airflow_database_url").write_text(f"sqlite:///{tmp_path}/airflow.db")
    (folder / "airflow_connections.yml").write_text("slack_default: {conn_type: slackwebhook}\n")
    environment = {
        name: value.replace("/run/secrets", str(folder))
        for name, value in shipped_environment("airflow.env").items()
    }
    asked = """
import json
from airflow.configuration import conf, initialize_secrets_backends
backend = initialize_secrets_backends()[0]
print(json.dumps([
    conf.get("core", "fernet_key"), conf.get("api", "secret_key"), conf.get("api_auth", "jwt_secret"),
    conf.get("database", "sql_alchemy_conn"), backend.get_connection("slack_default").conn_type,
]))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", asked],
        env={**os.environ, **environment, "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *values, kind = json.loads(done.stdout.splitlines()[-1])
    names = ("airflow_fernet_key", "airflow_api_key", "airflow_jwt_key", "airflow_database_url")
    assert values == [(folder / name).read_text() for name in names]
    assert kind == "slackwebhook"


def test_every_variable_that_compose_asks_for_is_documented():
    text = (DEPLOY / "compose.yml").read_text()
    asked = set(re.findall(r"\$\{([A-Z_]+)", text.replace("$$", "")))
    assert asked and {name for name in asked if f"`{name}`" not in MONITORING} == set()


def test_what_compose_mounts_is_there():
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./") and source != "./grafana/generated":
                assert (DEPLOY / source).is_dir(), f"{name}: {source}"
            elif not source.startswith((".", "/")):
                assert source in COMPOSE["volumes"], f"{name}: {source}"
    targets = re.findall(r"targets: \[([a-z-]+):", (PROMETHEUS / "prometheus.yml").read_text())
    assert set(targets) - {"localhost"} <= set(SERVICES)


def test_the_lock_of_the_workers_agrees_with_the_others():
    pin = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
    workers = dict(pin.findall((DEPLOY / "requirements.lock").read_text()))
    airflow = dict(pin.findall((ROOT / "requirements" / "airflow.lock").read_text()))
    assert {
        "apache-airflow-providers-celery",
        "apache-airflow-providers-fab",
        "celery",
        "redis",
    } <= set(workers)
    assert {name for name in workers & airflow.keys() if workers[name] != airflow[name]} == set()
    assert "://" not in (DEPLOY / "requirements.lock").read_text()


def test_the_mapping_names_metrics_that_airflow_has():
    known = exported_by_airflow()
    rules = yaml.safe_load((DEPLOY / "statsd" / "mapping.yml").read_text())["mappings"]
    prefix = shipped_environment("metrics.env")["AIRFLOW__METRICS__STATSD_PREFIX"]
    kinds = {"observer": "timer"}
    for rule in rules[:-1]:
        match = re.escape(rule["match"].removeprefix(f"{prefix}.")).replace(r"\*", "[^.]+")
        found = {known[name] for name in known if re.fullmatch(match, name)}
        kind = rule["match_metric_type"]
        assert found == {kinds.get(kind, kind)}, rule["match"]
        assert (kind == "counter") == rule["name"].endswith("_total"), rule["name"]
        assert (kind == "observer") <= rule["name"].endswith("_seconds"), rule["name"]
    assert rules[-1]["action"] == "drop"


def boards_of_grafana():
    from deploy.grafana.__main__ import BOARDS

    return BOARDS


def test_the_boards_are_written_as_grafana_reads_them(tmp_path):
    from deploy.grafana.__main__ import main

    main(tmp_path)
    boards = {path.stem: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert set(boards) == {f"trendhouse-{name}" for name in ("pipeline", "data", "api", "host")}
    for board in boards_of_grafana():
        written = boards[board.uid]
        asked = [query["expr"] for panel in written["panels"] for query in panel.get("targets", ())]
        assert asked == board.expressions
        ids = [panel["id"] for panel in written["panels"]]
        assert len(set(ids)) == len(ids)
        sources = {
            panel["datasource"]["uid"] for panel in written["panels"] if panel["type"] != "row"
        }
        provided = DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml"
        assert sources == {yaml.safe_load(provided.read_text())["datasources"][0]["uid"]}


def test_names_are_found_in_expressions():
    found = names_in(
        'sum by (le, dag_id) (rate(a_bucket{le="0.5", x!~"b.*"}[5m])) / on (dag_id) c:d_total offset 1h'
        " unless (e > 3) and on () f * 0 or vector(0)"
    )
    assert found == {"a_bucket", "c:d_total", "e", "f"}
