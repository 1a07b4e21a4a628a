"""Locks that hold between machines: objects in the lake, renewed while their holder lives."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from trendhouse.lake.lake import replace_text
from trendhouse.lake.store import Conflict, LakeUnreachable, Store
from trendhouse.running import Locked, all_locks
from trendhouse.settings import Settings

log = logging.getLogger(__name__)

FOLDER = "locks"
POLL_SECONDS = 2.0
# Of the locks of a world these concern what machines share; its warehouse is a machine's own.
OF_THE_LAKE = ("source-", "clean")
# By our own clock, which may be wrong: only of a lease that has been dead for long it is believed.
LONG_DEAD = 10


@dataclass
class Lease:
    """One lease that we hold: the object's name, and the tag under which we wrote it last."""

    name: str
    tag: str


class Leases:
    """The leases of one holder. A lease is over when its object has not changed for `seconds`.

    They keep machines out of each other's way; that nothing is lost rests on conditional writes alone
    (trendhouse/lake/mirror.py), so that a holder who wakes up too late is refused, not obeyed. `owner` is this
    machine's name for its home: whoever holds the home's own locks may take over what a killed process
    of the same home has left.
    """

    def __init__(self, store: Store, who: Mapping[str, Any], seconds: float) -> None:
        self.store, self.who, self.seconds = store, dict(who), seconds
        self.mine: list[Lease] = []
        self.ended = threading.Event()

    @contextmanager
    def holding(self, names: Iterable[str], *, wait: bool | float) -> Iterator[None]:
        """Hold leases, in the order given. Raises Locked after `wait` (True: never), LakeUnreachable."""
        self.store.require_conditions()
        renewing = threading.Thread(target=self.renew, name="leases", daemon=True)
        try:
            for name in names:
                self.take(f"{FOLDER}/{name}.json", wait)
                if not renewing.is_alive():
                    renewing.start()
            yield
        finally:
            self.ended.set()
            if renewing.is_alive():
                renewing.join()
            self.release()

    def take(self, name: str, wait: bool | float) -> None:
        """Create the object, or replace that of a holder who is over."""
        began = time.monotonic()
        seen, since = None, began
        while True:
            entry = self.store.info(name)
            now = time.monotonic()
            if entry is None or entry.tag != seen:
                seen, since = entry and entry.tag, now
            holder = {} if entry is None else self.holder(name)
            if entry is None or self.is_over(entry.modified, now - since, holder):
                try:
                    tag = self.store.swap(name, self.content(), entry and entry.tag)
                    self.mine.append(Lease(name, tag))
                    return
                except Conflict:
                    continue
            if wait is not True and now - began >= wait:
                raise Locked(self.described(name, holder))
            time.sleep(min(POLL_SECONDS, self.seconds / 4))

    def is_over(self, modified: int, unchanged: float, holder: Mapping[str, Any]) -> bool:
        return (
            holder.get("owner") == self.who["owner"]
            or unchanged >= self.seconds
            or time.time() - modified > LONG_DEAD * self.seconds
        )

    def holder(self, name: str) -> dict[str, Any]:
        """What the holder wrote; empty if it has just gone."""
        try:
            return json.loads(self.store.read(name))
        except LakeUnreachable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return {}
            raise

    def content(self) -> bytes:
        """Another text each time, so that the object's tag changes."""
        return json.dumps({**self.who, "renewed": time.time_ns()}, indent=1).encode()

    def renew(self) -> None:
        """Write each lease anew, three times in its life; one that was taken over is given up."""
        while not self.ended.wait(self.seconds / 3):
            for lease in list(self.mine):
                try:
                    lease.tag = self.store.swap(lease.name, self.content(), lease.tag)
                except Conflict:
                    log.warning("%s was taken over: this machine was away too long", lease.name)
                    self.mine.remove(lease)
                except LakeUnreachable as error:
                    log.warning("%s could not be renewed: %s", lease.name, error)

    def release(self) -> None:
        """Delete what is still ours; what cannot be deleted is over by itself soon."""
        for lease in self.mine:
            try:
                entry = self.store.info(lease.name)
                if entry is not None and entry.tag == lease.tag:
                    self.store.delete([lease.name])
            except LakeUnreachable as error:
                log.warning("%s could not be given back: %s", lease.name, error)

    def described(self, name: str, holder: Mapping[str, Any]) -> str:
        return (
            f"Another run works in the lake {self.store.url}: `{holder.get('command', '?')}`, process "
            f"{holder.get('pid', '?')} on {holder.get('host', '?')}, since {holder.get('since', '?')} "
            f"({name}). If it was killed, its lease is over {self.seconds:g} s after it was last renewed."
        )


def leased(
    settings: Settings, command: str, locks: Iterable[str] | None, *, wait: bool | float
) -> AbstractContextManager[None]:
    """Hold `locks` (None: all) between machines, too; the caller holds them on this one. A lake that is
    a folder needs no more than those."""
    store = settings.place.lake.store
    if store is None:
        return nullcontext()
    wanted = all_locks() if locks is None else tuple(locks)
    who = {
        "owner": owner_of(settings.place.locks),
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "command": command,
    }
    names = [name for name in all_locks() if name in wanted and name.startswith(OF_THE_LAKE)]
    if not names:
        return nullcontext()
    return Leases(store, who, settings.lake_lease_seconds).holding(names, wait=wait)


def owner_of(locks: Path) -> str:
    """The name of this home, made up when it is first asked for."""
    path = locks / "owner"
    if not path.exists():
        replace_text(path, uuid4().hex)
    return path.read_text()
