"""A Superset on this machine over the published marts: provisioned, started, watched and ended."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from dashboards.bundle import Connection, Purpose, Warehouse, bundle
from dashboards.engine import MEMORY
from trendhouse.child import guarded_command
from trendhouse.errors import TrendhouseError
from trendhouse.running import Locked, holder_of
from trendhouse.sessions import Session, end_sessions
from trendhouse.settings import ROOT

START_SECONDS = 300
# Threads, not processes: one in-memory database per query is enough for one machine's readers.
THREADS = 4
LOG_TAIL = 15
# Of our own environment; its tokens are no business of Superset's.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


class DashboardsFailed(TrendhouseError):
    """Superset is not installed, or does not come up; the message says what to do or what it said."""


@dataclass(frozen=True)
class SupersetHome:
    """The folder of one Superset, beside the `published` folder that it shows: database, secrets, log."""

    root: Path

    @property
    def log(self) -> Path:
        return self.root / "superset.log"

    @property
    def state(self) -> Path:
        """Who holds the lock and where it is reached."""
        return self.root / "server.json"

    def prepare(self) -> None:
        """Secrets that stay, and the assets as the code has them now."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        self.secret("secret_key", 48)
        self.secret("password", 12)
        local = Connection(Warehouse.duckdb, f"duckdb:///{MEMORY}")
        (self.root / "assets.zip").write_bytes(bundle(local, Purpose.assets))

    def secret(self, name: str, size: int) -> str:
        """A text made by chance at the first call, readable by its owner alone."""
        path = self.root / name
        if not path.exists():
            beside = path.with_suffix(".part")
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(size))
            os.replace(beside, path)
        return path.read_text()

    @property
    def password(self) -> str:
        return (self.root / "password").read_text()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One Superset per home; what a killed one left is ended first. Raises Locked."""
        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.state.with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise Locked(
                f"Superset runs here already, at {holder_of(self.state).get('url', '?')}. "
                "End it with Ctrl-C where it was started."
            ) from None
        try:
            end_sessions(holder_of(self.state).get("sessions", []), grace=2)
            yield
        finally:
            lock.release()


@dataclass
class Server:
    """One running Superset."""

    home: SupersetHome
    port: int
    process: subprocess.Popen[bytes] | None = None
    sessions: list[Session] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Provision and start it, and wait until it answers. Raises DashboardsFailed."""
        import psutil

        program = executable()
        self.home.prepare()
        with self.home.log.open("wb") as log:
            self.process = subprocess.Popen(
                guarded_command(
                    [
                        program,
                        *("--workers", "1", "--worker-class", "gthread", "--threads", str(THREADS)),
                        *("--bind", f"127.0.0.1:{self.port}", "--timeout", str(START_SECONDS)),
                        "dashboards.superset_app:create()",
                    ]
                ),
                cwd=self.home.root,
                env=environment(self.home),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        began = psutil.Process(self.process.pid).create_time()
        self.sessions = [Session(self.process.pid, began)]
        self.home.state.write_text(
            json.dumps({"pid": os.getpid(), "url": self.url, "sessions": self.sessions})
        )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_well():
            self.check()
            if time.monotonic() > deadline:
                raise DashboardsFailed(f"Superset is not well after {START_SECONDS} s{self.said()}")
            time.sleep(0.5)

    def is_well(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        return False

    def check(self) -> None:
        """Raises DashboardsFailed if it has ended."""
        code = self.process.poll() if self.process else None
        if code is not None:
            raise DashboardsFailed(f"Superset ended with {code}{self.said()}")

    def said(self) -> str:
        lines = self.home.log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
        return "; the end of {}:\n{}".format(self.home.log, "\n".join(lines))

    def end(self) -> None:
        """End every process that belongs to it."""
        end_sessions(self.sessions)
        if self.process:
            self.process.stdin.close()
            self.process.wait()
        self.home.state.unlink(missing_ok=True)


def environment(home: SupersetHome) -> dict[str, str]:
    """What Superset is started with: its home and settings, and the house's own modules."""
    ours = {
        "SUPERSET_HOME": str(home.root),
        "SUPERSET_CONFIG_PATH": str(ROOT / "dashboards" / "superset_config.py"),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    given = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**given, **ours}


def executable() -> str:
    """gunicorn of Superset's environment. Raises DashboardsFailed where it is not installed."""
    path = ROOT / f"{os.environ.get('TRENDHOUSE_VENV') or '.venv'}-superset" / "bin" / "gunicorn"
    if not path.exists():
        raise DashboardsFailed("Superset is not installed: `make dashboards` does that.")
    return str(path)
