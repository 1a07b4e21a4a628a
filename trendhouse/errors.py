"""Errors that people can mend: each says so in a line, and ends a command with a code that scripts rely on."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class Exit(IntEnum):
    """The exit codes of every command, as docs/operations.md lists them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    REFUSED = 4
    LOCKED = 5


class TrendhouseError(Exception):
    """An expected error; the message says what is wrong, where, and the remedy. All else is a bug."""

    exit_code: ClassVar[Exit] = Exit.FAILED


class UsageError(TrendhouseError):
    """What was asked for, or how it is set up, does not fit."""

    exit_code = Exit.USAGE


class RefusedError(TrendhouseError):
    """Checks keep back what was asked for."""

    exit_code = Exit.REFUSED
