"""The workflows: valid by GitHub's own schema, safe by zizmor, and the same as `.ci/run` and the Makefile."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from trendhouse.settings import ROOT, Place

BIN = Path(sys.executable).parent
WORKFLOWS = ROOT / ".github" / "workflows"
CI = yaml.safe_load((WORKFLOWS / "ci.yml").read_text())
JOBS = CI["jobs"]


def commands(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def check(program: str, *arguments: str | Path) -> None:
    done = subprocess.run([BIN / program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_github_takes_them():
    check("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS.iterdir())


def test_they_leak_nothing_and_run_only_pinned_actions():
    check("zizmor", "--offline", "--no-progress", WORKFLOWS)


def test_a_change_is_asked_what_ci_asks():
    assert commands("whole") == [".ci/run"]
    assert "if" not in JOBS["whole"]


def test_every_target_of_make_that_is_called_is_there():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {
        name
        for job in JOBS
        for command in commands(job)
        for name in re.findall(r"\bmake ([a-z]+)", command)
    }
    assert {"run", "docs", "build"} <= called <= targets


def test_a_pull_request_builds_the_change_over_the_state_that_main_left():
    kept = next(
        step["with"]["name"]
        for step in JOBS["state"]["steps"]
        if "upload-artifact" in step.get("uses", "")
    )
    taken = next(
        step["with"]["name"]
        for step in JOBS["slim"]["steps"]
        if "download-artifact" in step.get("uses", "")
    )
    assert kept == taken
    assert "tar -caf state.tar.zst .trendhouse" in commands("state")
    manifest = Place(Path(".trendhouse") / "sample").dbt_target / "manifest.json"
    assert f"cp {manifest} state" in " ".join(commands("slim"))
    assert commands("slim")[-1] == 'make build ARGS="--state state"'
    assert JOBS["slim"]["if"] == "github.event_name == 'pull_request'"
