"""The JVM starts from an archive of classes if a whole one is there, and writes one if not."""

import shlex
import subprocess
from pathlib import Path

import pytest

from spark import archive
from spark.java import Java, find_java


@pytest.fixture
def java(tmp_path: Path) -> Java:
    """A Java that has an archive of its own."""
    home = tmp_path / "java"
    (home / "lib" / "server").mkdir(parents=True)
    (home / "lib" / "server" / "classes.jsa").touch()
    return Java(home, 17, "")


def write(path: Path, first: bytes = b"head", size: int = archive.LEAST_BYTES) -> None:
    with path.open("wb") as file:
        file.write(first)
        file.truncate(size)


def asked(java: Java, folder: Path, options: str = "-X") -> tuple[str, Path]:
    """The option's name and the file it names."""
    first, *_ = shlex.split(archive.archive_options(java, java.home, options, folder))
    name, _, path = first.partition("=")
    return name, Path(path)


def test_what_a_jvm_has_written_is_what_the_next_starts_from(java, tmp_path):
    folder = tmp_path / "with space"
    name, written = asked(java, folder)
    assert name == "-XX:ArchiveClassesAtExit"
    write(written)
    name, path = asked(java, folder)
    assert name == "-XX:SharedArchiveFile"
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize(
    ("first", "size", "is_left"), [(b"\0\0\0\0", archive.LEAST_BYTES, True), (b"head", 10, False)]
)
def test_a_torn_or_small_archive_is_not_taken(java, tmp_path, first, size, is_left):
    folder = tmp_path / "cache"
    _, written = asked(java, folder)
    write(written, first, size)
    assert asked(java, folder)[0] == "-XX:ArchiveClassesAtExit"
    assert written.exists() is is_left


def test_only_the_archive_in_use_is_kept(java, tmp_path):
    folder = tmp_path / "cache"
    for options in ("-X", "-Y"):
        write(asked(java, folder, options)[1])
    _, of_x = asked(java, folder, "-X")
    _, of_y = asked(java, folder, "-Y")
    assert not of_x.exists()
    assert of_y.exists()


def test_a_runtime_without_an_archive_of_its_own_is_left_alone(tmp_path):
    assert archive.archive_options(Java(tmp_path, 17, ""), tmp_path, "-X", tmp_path) == ""


def test_a_real_java_starts_from_what_it_wrote(tmp_path, monkeypatch):
    java = find_java()
    if not (java.home / "lib" / "server" / "classes.jsa").exists():
        pytest.skip(f"{java.home} has no archive of its own")
    monkeypatch.setattr(archive, "LEAST_BYTES", 0)
    program = str(java.home / "bin" / "java")
    for expected in ("ArchiveClassesAtExit", "SharedArchiveFile"):
        options = archive.archive_options(java, java.home, "", tmp_path)
        assert expected in options
        command = [program, *shlex.split(options), "-Xshare:auto", "-version"]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "sharing" in said.stderr
        assert not said.stdout
