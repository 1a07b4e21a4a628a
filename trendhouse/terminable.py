"""What is told to end, ends: Ctrl-C, SIGTERM and a closed terminal, once for a command's own way out, twice at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_asked: list[signal.Signals] = []
_enders: list[Callable[[], None]] = []


class Interrupted(KeyboardInterrupt):
    """This process was told to end; libraries may wrap it, `asked` remembers it."""


def asked() -> signal.Signals | None:
    """The signal that has told this command to end; None if none has."""
    return _asked[0] if _asked else None


def exit_code() -> int:
    """How a shell counts the end by that signal: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + _asked[0]


def at_ending(act: Callable[[], None]) -> None:
    """Have this done at the first signal, so that nobody waits for work that is given up."""
    if act not in _enders:
        _enders.append(act)


@contextmanager
def interruptible(tell: Callable[[], None]) -> Iterator[None]:
    """For the length of a command a signal calls `tell` and raises Interrupted; the next one ends the
    process on the spot.

    What the operating system was told to ignore (`nohup`) stays ignored. All that a command started ends
    with it (trendhouse/child.py), and the state is whole at any moment.
    """

    def interrupt(number: int, _: Any) -> None:
        if _asked:
            os._exit(128 + number)
        _asked.append(signal.Signals(number))
        for end in (tell, *_enders):
            end()
        raise Interrupted(signal.Signals(number).name)

    _asked.clear()
    with handled(interrupt, *(each for each in ENDINGS if not is_put_aside(each))):
        yield


@contextmanager
def terminable() -> Iterator[None]:
    """For servers, whose proper end this is: each signal ends them as Ctrl-C does, also one that a shell
    put aside."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with handled(interrupt, *ENDINGS):
        yield


def is_put_aside(number: signal.Signals) -> bool:
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN


@contextmanager
def handled(handler: Any, *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known)
