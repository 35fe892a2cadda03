"""A lease: a file lock that a process holds for its life, with its identity written in the file.

The kernel gives it back when the process is gone, however it went. Two servers on one database, or two workers
on one work folder, are thereby impossible, also when `dev.json` is lost or whoever wrote it died half-way.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import cast

from worker.processes import ProcessIdentity

_POLL = 0.05


def take(path: Path, wait: timedelta = timedelta(0)) -> int | None:
    """Take the lease and return its descriptor; None when another process holds it for longer than `wait`.

    The lease lasts as long as any process has the descriptor open: hand it to a child by `keep`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + wait.total_seconds()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(_POLL)
        except OSError:
            os.close(descriptor)
            raise
        else:
            return descriptor


def sign(descriptor: int, identity: ProcessIdentity) -> None:
    """Write into the lease who holds it."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({"pid": identity.pid, "started": identity.started}).encode(), 0)


def signed_by(path: Path) -> ProcessIdentity | None:
    """Return who signed the lease last; None where nobody did."""
    try:
        read = cast("object", json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None
    match read:
        case {"pid": int(pid), "started": str(started)}:
            return ProcessIdentity(pid, started)
        case _:
            return None


@contextlib.contextmanager
def exclusive(path: Path, wait: timedelta) -> Generator[bool]:
    """Hold the lease for a block; the block is told False when another process kept it for longer than `wait`."""
    descriptor = take(path, wait)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)
