"""What `kubectl apply -k deploy` would send: rendered by kubectl, held to Kubernetes' own schemas and to policy."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from deploy import make_secrets
from tests.deploy.stack import DEPLOY, shipped_environment

VERSIONS = ("1.31.0", "1.37.0")
OURS = "trendhouse:0.1.0"
PREPARE = yaml.safe_load((DEPLOY / "compose.yml").read_text())["services"]["prepare"]


@pytest.fixture(scope="module")
def objects(tmp_path_factory) -> list[dict]:
    """Every object of the kustomization, as kubectl renders it."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed (bin/programs installs it)")
    folder = tmp_path_factory.mktemp("kustomize") / "deploy"
    shutil.copytree(DEPLOY, folder, ignore=shutil.ignore_patterns("secrets", "generated"))
    done = render(folder)
    if 'unknown field "envs"' in done.stderr:
        # Debian's kubectl 1.20 knows the field by its former name only.
        path = folder / "kustomization.yaml"
        path.write_text(re.sub(r"envs: \[(\S+)\]", r"env: \1", path.read_text()))
        done = render(folder)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def render(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True)


@pytest.fixture(scope="module")
def workloads(objects) -> dict[str, dict]:
    """Pod specifications by the name of what makes the pods."""
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in objects
        if each["kind"] in ("Deployment", "Job")
    }


def containers(workloads: dict[str, dict]) -> list[dict]:
    return [
        container
        for spec in workloads.values()
        for container in (*spec.get("initContainers", ()), *spec["containers"])
    ]


def named(objects: list[dict], kind: str) -> set[str]:
    return {each["metadata"]["name"] for each in objects if each["kind"] == kind}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_one_of_kubernetes(objects, version):
    assert len(objects) > 15
    for each in objects:
        kubernetes_validate.validate(each, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_refused(objects):
    deployment = next(each for each in objects if each["kind"] == "Deployment")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(
            {**deployment, "spec": {"replica": 1}}, VERSIONS[0], strict=True
        )


def test_the_services_are_those_of_compose(workloads):
    assert set(workloads) == {
        *("prepare", "api-server", "scheduler", "dag-processor", "triggerer", "worker"),
        *("metrics", "statsd-exporter", "serving"),
    }
    (prepare,) = workloads["prepare"]["containers"]
    assert prepare["command"][-1].split() == PREPARE["command"][-1].replace("$$", "$").split()


def test_nothing_runs_as_root_or_gains_rights(workloads):
    for name, spec in workloads.items():
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["automountServiceAccountToken"] is False, name
    for each in containers(workloads):
        assert each["securityContext"]["allowPrivilegeEscalation"] is False, each["name"]
        assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}, each["name"]


def test_every_container_is_pinned_limited_and_asked_for_its_health(workloads):
    for each in containers(workloads):
        assert each["image"] == OURS or re.search(r":v\d+\.\d+\.\d+$", each["image"]), each["name"]
        assert {"cpu", "memory"} <= set(each["resources"]["requests"]), each["name"]
        assert "memory" in each["resources"]["limits"], each["name"]
        assert each["name"] in ("prepare", "wait") or "livenessProbe" in each, each["name"]


def test_what_is_referred_to_is_there(objects, workloads):
    maps, claims = named(objects, "ConfigMap"), named(objects, "PersistentVolumeClaim")
    for spec in workloads.values():
        for volume in spec["volumes"]:
            if claim := volume.get("persistentVolumeClaim"):
                assert claim["claimName"] in claims
            elif configuration := volume.get("configMap"):
                assert configuration["name"] in maps
            else:
                assert volume["secret"]["secretName"] == "airflow"
        mounted = {volume["name"] for volume in spec["volumes"]}
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            assert {mount["name"] for mount in container["volumeMounts"]} <= mounted
    for each in containers(workloads):
        for source in each.get("envFrom", ()):
            if "configMapRef" in source:
                assert source["configMapRef"]["name"] in maps
            else:
                assert source["secretRef"] == {"name": "environment", "optional": True}


def test_a_service_and_a_policy_choose_pods_that_there_are(objects, workloads):
    for each in objects:
        spec = each.get("spec", {})
        selector = (
            spec.get("selector", {}) if each["kind"] == "Service" else spec.get("podSelector")
        )
        if each["kind"] in ("Service", "NetworkPolicy"):
            chosen = selector.get("matchLabels", selector).get("app.kubernetes.io/name")
            assert chosen in {*workloads, "worker", None}, each["metadata"]["name"]
    assert "nobody" in named(objects, "NetworkPolicy")


def test_airflow_has_the_settings_that_compose_gives_it(objects):
    held = {}
    for each in objects:
        if each["kind"] == "ConfigMap":
            held |= each["data"]
    for file in ("airflow.env", "metrics.env"):
        assert shipped_environment(file).items() <= held.items()


def test_no_secret_is_in_what_is_sent_and_those_that_are_read_can_be_made(objects, tmp_path):
    assert named(objects, "Secret") == set()
    make_secrets.main(tmp_path / "secrets")
    made = {path.name for path in (tmp_path / "secrets").iterdir()}
    read = set(re.findall(r"/run/secrets/([\w.]+)", yaml.safe_dump_all(objects)))
    assert read and read <= made


def test_every_file_of_the_folder_is_sent():
    kustomization = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())
    files = {str(path.relative_to(DEPLOY)) for path in Path(DEPLOY / "kubernetes").iterdir()}
    assert files == set(kustomization["resources"])
