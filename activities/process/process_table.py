"""Processes as /proc shows them: who is alive, whose child, since when, with which marker.

A pid alone proves nothing, because numbers are used again; pid and start time together name one process.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One line of /proc/PID/stat, as far as needed."""

    pid: int
    parent: int
    session: int
    start_time: int
    """In clock ticks since boot."""
    is_zombie: bool


def read(pid: int) -> Process | None:
    """Return what is known of `pid`, or None where there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # the name, in brackets, may hold anything, brackets and blanks too
    fields = text[text.rindex(b")") + 2 :].split()
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]), fields[0] in (b"Z", b"X"))


def all_processes() -> Iterator[Process]:
    """Yield every process that can be seen."""
    for name in os.listdir(_PROC):
        if name.isdigit() and (process := read(int(name))) is not None:
            yield process


def has_variable(pid: int, assignment: bytes) -> bool:
    """Whether the environment that `pid` was started with holds `NAME=VALUE`; False where it cannot be read."""
    try:
        content = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return assignment in content.split(b"\0")


def members(roots: set[int], assignment: bytes) -> list[Process]:
    """Return the processes of a tree: its roots, their sessions and descendants, and all that bear its marker."""
    ourselves = os.getpid()
    everyone = {process.pid: process for process in all_processes() if process.pid != ourselves}
    found = {
        pid
        for pid, process in everyone.items()
        if pid in roots or process.session in roots or has_variable(pid, assignment)
    }
    is_growing = True
    while is_growing:
        children = {pid for pid, process in everyone.items() if process.parent in found} - found
        found |= children
        is_growing = bool(children)
    return [everyone[pid] for pid in sorted(found)]


def kill(process: Process) -> None:
    """End a process at once, if it is still the same one."""
    now = read(process.pid)
    if now is None or now.start_time != process.start_time:
        return
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process.pid, signal.SIGKILL)


def reap(process: Process) -> None:
    """Take the status of an adopted process that has ended, so that it does not stay as a zombie."""
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def children(pid: int) -> list[int]:
    """Return the children of `pid`, oldest first."""
    try:
        text = (_PROC / str(pid) / "task" / str(pid) / "children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]
