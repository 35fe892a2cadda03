"""Logs of bounded size for processes that write to a file by themselves.

The writers append (`O_APPEND`), so a file can be cut while they write: what comes next lands at the new end.
"""

import os
from pathlib import Path

LIMIT = 8 * 1024 * 1024
"""Bytes of a log; as many again are kept of what came before, in a file with `.1` added."""


def bound(log: Path, limit: int = LIMIT) -> bool:
    """Set a log that has outgrown `limit` aside as `NAME.1`, in place of the one before. Return whether it was."""
    try:
        if log.stat().st_size <= limit:
            return False
        with log.open("rb") as reader:
            reader.seek(-limit, os.SEEK_END)
            recent = reader.read(limit)
        log.with_name(log.name + ".1").write_bytes(recent)
        os.truncate(log, 0)
    except OSError:
        # A log that cannot be kept small now is tried again later; it must stop nobody.
        return False
    return True


def tail(log: Path, lines: int = 5) -> str:
    """Return the last lines of a log, for a message; empty where there are none."""
    try:
        with log.open("rb") as reader:
            reader.seek(max(0, log.stat().st_size - 4096))
            text = reader.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])
