"""Processes of the operating system: who they are, started to live on, ended for good.

A process id alone names nobody: ids are used again. An identity is the id with the instant of its start, so a
recorded process is never mistaken for a later one with the same number, nor is a stranger ever ended.
"""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

_POLL = 0.02
_STARTED: list[subprocess.Popen[bytes]] = []
"""Kept so that our own dead children are reaped, and no destructor warns about the living."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, ever: its id, and an opaque text that tells when it started."""

    pid: int
    started: str


def identify(pid: int) -> ProcessIdentity | None:
    """Return who has the id now; None for nobody, and for a zombie."""
    if pid <= 0:
        return None
    started = _start_by_procfs(pid) if sys.platform == "linux" else _start_by_ps(pid)
    return ProcessIdentity(pid, started) if started else None


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether that very process still runs."""
    for child in _STARTED[:]:
        if child.poll() is not None:
            _STARTED.remove(child)
    return identify(identity.pid) == identity


def start_detached(
    argv: Sequence[str], *, log: Path, environment: Mapping[str, str], folder: Path, keep: Sequence[int] = ()
) -> ProcessIdentity:
    """Start a process in a session of its own, output appended to `log`; it outlives us and our terminal.

    Raises:
        OSError: the program or the log cannot be opened.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=dict(environment),
            pass_fds=tuple(keep),
            start_new_session=True,
        )
    _STARTED.append(child)
    # A child that is gone already has no identity; a text that matches nothing says so to whoever asks.
    return identify(child.pid) or ProcessIdentity(child.pid, "ended at once")


def descendants(pid: int) -> list[ProcessIdentity]:
    """Return all living processes below `pid`, parents first."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found: list[int] = []
    pending = list(children.get(pid, ()))
    while pending:
        child = pending.pop(0)
        found.append(child)
        pending += children.get(child, ())
    return [identity for identity in map(identify, found) if identity]


def end(identity: ProcessIdentity, grace: timedelta) -> bool:
    """End a process: politely, and after `grace` hard, with all below it. Return whether it went politely."""
    below = descendants(identity.pid) if is_alive(identity) else []
    _signal(identity, signal.SIGTERM)
    went_politely = wait_gone([identity], grace)
    if not went_politely:
        below += descendants(identity.pid)
        _signal(identity, signal.SIGKILL)
    kill([identity, *below])
    return went_politely


def kill(identities: Iterable[ProcessIdentity]) -> None:
    """End processes hard, and wait until they are gone."""
    victims = [identity for identity in identities if is_alive(identity)]
    for identity in victims:
        _signal(identity, signal.SIGKILL)
    wait_gone(victims, timedelta(seconds=5))


def wait_gone(identities: Sequence[ProcessIdentity], limit: timedelta) -> bool:
    """Wait until none of them runs; False if some still do after `limit`."""
    deadline = time.monotonic() + limit.total_seconds()
    while any(is_alive(identity) for identity in identities):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL)
    return True


def owns_listener(pid: int, port: int) -> bool | None:
    """Whether `pid` itself listens on 127.0.0.1:`port`; None where the system does not tell."""
    try:
        table = Path("/proc/net/tcp").read_text()
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return None
    sockets: set[str] = set()
    for descriptor in descriptors:
        with contextlib.suppress(OSError):  # closed since it was listed
            sockets.add(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    local = f"0100007F:{port:04X}"
    rows = (line.split() for line in table.splitlines()[1:])
    return any(row[1] == local and row[3] == "0A" and f"socket:[{row[9]}]" in sockets for row in rows)


def leave(code: int) -> NoReturn:
    """End this process now, output flushed: at an ordinary exit the SDK's native core can abort."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _signal(identity: ProcessIdentity, number: signal.Signals) -> None:
    if not is_alive(identity):
        return
    try:
        os.kill(identity.pid, number)
    except ProcessLookupError:
        return


def _start_by_procfs(pid: int) -> str | None:
    fields = _stat_fields(pid)
    # State is the first field, start in clock ticks since boot the twentieth (proc(5)).
    return None if not fields or fields[0] in "ZX" else f"{_boot()}-{fields[19]}"


def _stat_fields(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name, which may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


@functools.cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]


def _start_by_ps(pid: int) -> str | None:
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=10
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else " ".join(started.split())


def _parents() -> list[tuple[int, int]]:
    """Return (process, parent) of all processes."""
    if sys.platform == "linux":
        numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [(number, int(fields[1])) for number in numbers if (fields := _stat_fields(number))]
    answer = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False, timeout=10)
    return [(int(child), int(parent)) for child, parent in map(str.split, answer.stdout.splitlines())]
