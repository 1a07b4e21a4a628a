"""The scan before every change finds a planted secret and a registry's address."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCAN = Path(__file__).parents[1] / ".ci" / "scan.py"

# Put together here, so that this file holds none of them.
PLANTED = {
    "GitHub token": "token = 'ghp_" + "a1B2c3" * 6 + "'",
    "fine-grained token": "github_" + "pat_" + "11ABCDEFG0" * 4,
    "Slack webhook": "https://hooks.slack" + ".com/services/T0AAAAAAA/B0AAAAAAA/" + "x" * 24,
    "AWS key": "AKIA" + "IOSFODNN7EXAMPLE",
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "password in a URL": "https://someone:" + "longpassword@example.com/x",
    "registry": "https://files.pythonhosted" + ".org/packages/x",
    "index": "--extra-index" + "-url https://example.com/simple",
}


def scan(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCAN, folder], capture_output=True, text=True)


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "innocent.py").write_text('"""Nothing to see."""\nurl = "https://example.com/a"\n')
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    return tmp_path


def test_a_clean_tree_passes(repository):
    assert scan(repository).returncode == 0


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_planted_is_found_and_not_repeated(repository, kind):
    (repository / "planted.txt").write_text(f"first line\n{PLANTED[kind]}\n")
    subprocess.run(["git", "add", "."], cwd=repository, check=True)
    done = scan(repository)
    assert done.returncode == 1, done.stdout
    assert "planted.txt:2: " in done.stdout
    assert PLANTED[kind] not in done.stdout


def test_what_git_does_not_track_is_not_looked_at(repository):
    (repository / "planted.txt").write_text(PLANTED["GitHub token"])
    assert scan(repository).returncode == 0


def test_this_repository_holds_neither():
    done = scan(SCAN.parents[1])
    assert done.returncode == 0, done.stdout
