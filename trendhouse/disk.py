"""What a disk refuses, with its remedy: full, read-only, not ours, no folder."""

from __future__ import annotations

import errno

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR)


def disk_trouble(error: BaseException | None) -> str | None:
    """The line for people, if a disk that is full or not to be written to lies behind an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return (
                f"The disk is full, or a limit of this process is reached{where(error)}. Free some "
                "(`trendhouse doctor` shows what lies there) or put the data elsewhere (TRENDHOUSE_HOME), "
                "and start it again: what was finished stays."
            )
        if isinstance(error, OSError) and error.errno in REFUSED:
            return (
                f"It may not be written or read{where(error)}: {error.strerror}. Mend its permissions, or "
                "put the data elsewhere (TRENDHOUSE_HOME)."
            )
        error = error.__cause__ or error.__context__
    return None


def where(error: OSError) -> str:
    return f" ({error.filename})" if error.filename else ""
