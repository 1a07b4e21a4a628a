"""A child that never outlives us: `python -m trendhouse.child COMMAND…` runs a command for as long as its standard
input is held open, which ends with whoever holds it, however that ends.

In a session of its own (`start_new_session`) all that the command has started ends with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def guarded_command(command: Sequence[Any]) -> list[str]:
    """The command as one that ends with us; its standard input must be a pipe that we keep open."""
    return [sys.executable, "-m", "trendhouse.child", *map(str, command)]


@contextmanager
def child(command: Sequence[Any], **options: Any) -> Iterator[subprocess.Popen]:
    """A command at work, by the options of Popen; whoever leaves the context early ends it at once."""
    process = subprocess.Popen(guarded_command(command), stdin=subprocess.PIPE, **options)
    try:
        yield process
        process.wait()
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        if process.stdout:
            process.stdout.close()
        process.wait()


def main() -> None:
    """Run the command; its exit code, or the signal that ended it, becomes ours."""
    # Ctrl-C reaches the command by itself, where it belongs to the same terminal.
    signal.signal(signal.SIGINT, lambda *_: None)
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    is_leader = os.getsid(0) == os.getpid()  # then whoever ends the session tells all of it
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: is_leader or process.send_signal(number))
    is_left = threading.Event()
    watch = threading.Thread(target=end_with_holder, args=(process, is_left), daemon=True)
    watch.start()
    code = process.wait()
    if is_left.is_set():
        watch.join()
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def end_with_holder(process: subprocess.Popen, is_left: threading.Event) -> None:
    """Wait until nobody holds our standard input any more; then end all of ours."""
    while os.read(0, 1024):
        pass
    is_left.set()
    process.kill()
    if os.getsid(0) == os.getpid():
        end_session()


def end_session() -> None:
    """End every other process of this session, also those that are only just being started."""
    import psutil

    while True:
        left = 0
        for pid in psutil.pids():
            with contextlib.suppress(OSError, psutil.Error):
                if pid != os.getpid() and os.getsid(pid) == os.getpid():
                    is_dead = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
                    left += not is_dead
                    os.kill(pid, signal.SIGKILL)
        if not left:
            return


if __name__ == "__main__":
    main()
