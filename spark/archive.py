"""The classes that Spark loads at each start, kept in an archive of the JVM between starts."""

from __future__ import annotations

import hashlib
import os
import shlex
from contextlib import suppress
from pathlib import Path

from spark.java import CACHE, Java

# What the JVM says of an archive (which classes it leaves out, that it does not fit) helps nobody.
QUIET = "-Xlog:disable -Xlog:all=error:stderr"
# A session that only counted to three leaves less, and the next one should write its own.
LEAST_BYTES = 100 * 2**20


def archive_options(java: Java, jars: Path, options: str, folder: Path = CACHE) -> str:
    """Options to start from the archive; while there is none, to write one when the JVM ends.

    A start from it takes half the CPU time. The JVM itself ignores an archive that does not fit.
    """
    if not (java.home / "lib" / "server" / "classes.jsa").exists():
        return ""  # a trimmed runtime, which has no archive of its own to build on
    made_for = f"{java.home} {java.version} {jars} {jars.stat().st_mtime_ns} {options}"
    archive = folder / f"{hashlib.sha256(made_for.encode()).hexdigest()[:16]}.jsa"
    adopt(archive)
    if archive.exists():
        return f"-XX:SharedArchiveFile={shlex.quote(str(archive))} {QUIET}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ""
    written = archive.with_suffix(f".{os.getpid()}.new")
    return f"-XX:ArchiveClassesAtExit={shlex.quote(str(written))} {QUIET}"


def adopt(archive: Path) -> None:
    """Take for the archive a whole one of those that former JVMs wrote; remove the rest.

    The JVM writes the header last: a file that begins with zeros is still being written, or was never
    finished, and would crash who starts from it.
    """
    for written in archive.parent.glob(f"{archive.stem}.*.new"):
        with suppress(FileNotFoundError):  # another process has taken it
            with written.open("rb") as file:
                is_whole = any(file.read(4))
            if is_whole and not archive.exists() and written.stat().st_size >= LEAST_BYTES:
                os.replace(written, archive)
            elif is_whole or archive.exists():
                written.unlink()
    if archive.exists():
        for other in archive.parent.glob("*.jsa"):
            if other != archive:
                other.unlink(missing_ok=True)
