"""Setting up: what is missing is named, the lock alone decides, a second start costs nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = (
    "sh",
    "git",
    "make",
    "uname",
    "dirname",
    "cat",
    "cksum",
    "tr",
    "sed",
    "grep",
    "awk",
    "date",
    "ls",
    "rm",
    "mv",
)

# Stands in for an interpreter where only the decision is tested, not the installation.
VENVLESS = """#!/bin/sh
case "$2" in
  *ensurepip*) exit 1 ;;
  *) echo 3.11 ;;
esac
"""
BROKEN_SHIM = "#!/bin/sh\necho 'shim: python3.11: command not found' >&2\nexit 127\n"
TOO_NEW = "#!/bin/sh\nexit 1\n"


def files_into(folder: Path) -> Path:
    """The files that setting up reads, in a folder of their own."""
    shutil.copytree(ROOT / "bin", folder / "bin")
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    for name in ("pyproject.toml", "Makefile"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def checkout(tmp_path):
    return files_into(tmp_path / "checkout")


@pytest.fixture
def bare(tmp_path):
    """A PATH with the tools of a bare machine and no Python."""
    folder = tmp_path / "bare"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool))
    return folder


def set_up(
    checkout: Path, path: Path | str, *arguments: str, **variables: str
) -> subprocess.CompletedProcess:
    environment = {"PATH": str(path), "HOME": str(checkout), **variables}
    return subprocess.run(
        [checkout / "bin" / "environment", *arguments],
        env=environment,
        capture_output=True,
        text=True,
    )


def put(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def without_system_python(checkout):
    """The script also looks at fixed places, for those whom version managers hide from PATH."""
    script = checkout / "bin" / "environment"
    script.write_text(script.read_text().replace("/usr/bin/python3.1", "/nowhere/python3.1"))


def test_a_missing_python_is_named_with_the_command_that_installs_it(
    checkout, bare, without_system_python
):
    done = set_up(checkout, bare)
    assert done.returncode == 1
    assert "Python 3.11 or 3.12 is missing" in done.stderr
    assert any(
        word in done.stderr
        for word in ("apt-get install -y python3.1", "brew install", "pyenv install")
    )


def test_a_python_that_is_too_new_or_a_broken_shim_does_not_count(
    checkout, bare, without_system_python
):
    put(bare, "python3", TOO_NEW)
    put(bare, "python3.11", BROKEN_SHIM)
    done = set_up(checkout, bare)
    assert done.returncode == 1
    assert "Python 3.11 or 3.12 is missing" in done.stderr


def test_a_python_without_venv_is_told_apart(checkout, bare, without_system_python):
    put(bare, "python3.11", VENVLESS)
    done = set_up(checkout, bare)
    assert done.returncode == 1
    assert "without its venv module" in done.stderr
    assert "python3.11-venv" in done.stderr


@pytest.mark.parametrize("tool", ["git", "make"])
def test_a_missing_tool_is_named(checkout, bare, tool):
    (bare / tool).unlink()
    done = set_up(checkout, bare)
    assert done.returncode == 1
    assert f"{tool} is missing" in done.stderr
    assert "install" in done.stderr


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("ID=debian\nVERSION_ID=12", "apt-get install -y python3.11 python3.11-venv"),
        ("ID=ubuntu\nVERSION_ID=24.04", "apt-get install -y python3.12 python3.12-venv"),
        ("ID=debian\nVERSION_ID=13", "pyenv install 3.12"),
    ],
)
def test_the_remedy_fits_the_system(
    checkout, bare, without_system_python, tmp_path, release, expected
):
    (tmp_path / "os-release").write_text(release)
    script = checkout / "bin" / "environment"
    script.write_text(script.read_text().replace("/etc/os-release", str(tmp_path / "os-release")))
    put(bare, "uname", "#!/bin/sh\necho Linux\n")
    assert expected in set_up(checkout, bare).stderr


def test_on_a_mac_the_remedy_is_homebrews(checkout, bare, without_system_python):
    (bare / "uname").unlink()
    put(bare, "uname", "#!/bin/sh\necho Darwin\n")
    assert "brew install python@3.12" in set_up(checkout, bare).stderr


def test_an_environment_without_a_lock_is_refused(checkout, bare):
    done = set_up(checkout, bare, "airflux")
    assert done.returncode == 1
    assert "no requirements/airflux.lock" in done.stderr


def small(checkout: Path, hashed: str) -> None:
    """Locks of two packages, so that a real installation takes a moment."""
    locked = blocks(ROOT / "requirements" / "run.lock")
    setuptools, rich = locked["setuptools"], locked["tenacity"]
    (checkout / "requirements" / "run.lock").write_text(setuptools + (hashed or rich))
    (checkout / "requirements" / "test.lock").write_text(setuptools + rich + locked["packaging"])
    (checkout / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "small"\nversion = "1"\n[tool.setuptools]\npackages = []\n'
    )


def blocks(lock: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in lock.read_text().splitlines():
        if line and line[0] not in " #":
            name = line.split("==")[0]
        if name and "#" not in line:
            found[name] = found.get(name, "") + line + "\n"
    return found


def installed(checkout: Path) -> set[str]:
    packages = checkout / ".venv" / "lib"
    return {
        path.name.split("-")[0] for path in packages.glob("python3.*/site-packages/*.dist-info")
    }


@pytest.fixture(scope="module")
def small_checkout(tmp_path_factory):
    """A checkout with an installed environment of a few packages."""
    checkout = files_into(tmp_path_factory.mktemp("small") / "checkout")
    small(checkout, "")
    done = set_up(checkout, os.environ["PATH"], "run", **mirrors())
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


def mirrors() -> dict[str, str]:
    """What pip and uv are told on this machine about where packages come from."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("PIP_", "UV_", "SSL_", "HTTP"))
    }
    return {**kept, "HOME": os.environ.get("HOME", "/")}


def test_the_lock_is_installed_and_a_second_start_costs_nothing(small_checkout):
    assert {"setuptools", "tenacity", "small", "uv"} <= installed(small_checkout)
    assert "packaging" not in installed(small_checkout)
    began = time.monotonic()
    again = set_up(small_checkout, os.environ["PATH"], "run", **mirrors())
    assert time.monotonic() - began < 1
    assert (again.returncode, again.stdout) == (0, "")


def test_the_activated_environment_knows_the_dbt_project(small_checkout):
    said = subprocess.run(
        [
            "sh",
            "-c",
            '. .venv/bin/activate && cd / && echo "$DBT_PROJECT_DIR $DBT_PROFILES_DIR $TRENDHOUSE_ROOT"',
        ],
        cwd=small_checkout,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.split() == [
        f"{small_checkout}/dbt_project",
        str(small_checkout),
        str(small_checkout),
    ]


def test_what_pip_is_told_about_packages_holds_for_uv_too(small_checkout, tmp_path):
    nothing = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    done = set_up(small_checkout, os.environ["PATH"], "test", **{**mirrors(), **nothing})
    assert done.returncode != 0
    assert "packaging" in done.stderr


def test_the_larger_environment_serves_the_smaller_one_until_a_lock_changes(small_checkout):
    path, variables = os.environ["PATH"], mirrors()
    assert set_up(small_checkout, path, "test", **variables).returncode == 0
    assert "packaging" in installed(small_checkout)
    assert set_up(small_checkout, path, "run", **variables).stdout == ""

    lock = small_checkout / "requirements" / "run.lock"
    lock.write_text(lock.read_text() + "# changed\n")
    assert (
        "Installing requirements/run.lock"
        in set_up(small_checkout, path, "run", **variables).stdout
    )
    assert "packaging" not in installed(small_checkout)


def test_a_package_whose_hash_differs_is_refused(checkout):
    version = next(iter(blocks(ROOT / "requirements" / "run.lock")["tenacity"].split()))
    small(checkout, f"{version} \\\n    --hash=sha256:{'0' * 64}\n")
    done = set_up(checkout, os.environ["PATH"], "run", **mirrors())
    assert done.returncode != 0
    assert "hash" in (done.stdout + done.stderr).lower()
    assert not (checkout / ".venv" / ".environment").exists()


def test_an_interrupted_installation_is_taken_up_again(small_checkout):
    (small_checkout / ".venv" / ".environment").unlink()
    (small_checkout / ".venv" / "bin" / "python").unlink()
    done = set_up(small_checkout, os.environ["PATH"], "run", **mirrors())
    assert done.returncode == 0, done.stderr
    assert {"setuptools", "tenacity", "small"} <= installed(small_checkout)


@pytest.mark.parametrize("name", ["emulator", "superset"])
def test_an_environment_that_stands_apart_holds_its_lock_alone(small_checkout, name):
    path, variables = os.environ["PATH"], mirrors()
    lock = small_checkout / "requirements" / f"{name}.lock"
    lock.write_text(blocks(ROOT / "requirements" / "run.lock")["tenacity"])
    done = set_up(small_checkout, path, name, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    packages = (small_checkout / f".venv-{name}" / "lib").glob(
        "python3.*/site-packages/*.dist-info"
    )
    assert {"tenacity", "uv"} == {each.name.split("-")[0] for each in packages} - {
        "pip",
        "setuptools",
    }
    assert set_up(small_checkout, path, name, **variables).stdout == ""
