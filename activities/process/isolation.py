"""How a process tree is held together, so that ending it leaves nothing: namespace, subreaper or group.

`namespace`   The tree lives in a pid namespace made by `unshare`. Its first process is a small `sh` (`_FIRST`
              below) that starts the program and reports its status on a socket. When the first process ends, the
              kernel kills the rest, whatever sessions it has fled into. When the worker ends, however it dies, its
              end of the socket closes, and the kernel kills `unshare` (`end_with_socket`), and with it the tree.
`subreaper`   Without namespaces the worker adopts orphans (`PR_SET_CHILD_SUBREAPER`) and finds what belongs to a
              tree in /proc: by parent, session, and the variable `PERDURE_ATTEMPT`. What a killed worker leaves
              is ended by the next one (`strays`).
`group`       Neither: only the process group is signalled (systems without /proc).

Why not the program as first process itself: signals with their default action do not reach it, so SIGTERM would
do nothing, and `exec > >(tee log)` would lose its end. Why not `setpriv --pdeathsig` in front of `unshare`: it costs
an exec (0.8 ms), and is tied to the thread that made the process, not to the worker.
"""

import ctypes
import fcntl
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MARKER = "PERDURE_ATTEMPT"
"""The variable by which a tree's processes are known where there is no namespace."""

_PROBE_TIMEOUT = 5.0
_OWN_PROC = "--mount-proc"
_PR_SET_CHILD_SUBREAPER = 36

# $1 is the file that the program's standard input is read from; fd 0 is the socket to the worker; $2 says where
# the namespace's own processes can be seen. The first process waits until the worker has tied the tree to itself,
# survives polite signals to the group (handlers, not `''`: an ignored signal would be inherited), and holds no
# pipe while the program's children still write. The subshell keeps the shell's own words about the program's end
# (`Killed`) out of its output. Alone (it tells how many it sees) the first process ends at once; else the worker ends
# it when it sees fit.
_FIRST = """\
trap : HUP INT TERM
exec 3<&0 4>&2 0<"$1" 2>/dev/null
own=$2
shift 2
echo started >&3
read -r go <&3 || exit 125
( exec "$@" 2>&4 3<&- 4>&- )
status=$?
exec 1>&- 4>&-
set -- $own
echo "$status $#" >&3
[ $# -eq 1 ] || read -r end <&3
"""


@dataclass(frozen=True, slots=True)
class Isolation:
    """A way to hold a tree together, as probed on this machine."""

    kind: Literal["namespace", "subreaper", "group"]
    prefix: tuple[str, ...] = ()
    """What stands before a program's own argv (the namespace's `unshare …`)."""
    needs_user_namespace: bool = False
    """Whether a namespace of users is part of it: inside, `sudo` and rootless containers do not work."""
    reason: str = ""
    """Why it is not a namespace."""

    def wrap(self, argv: list[str], stdin_path: str) -> list[str]:
        """Return the argv to start for the program `argv`; only for `namespace`."""
        own = "/proc/[0-9]*" if _OWN_PROC in self.prefix else ""
        return [*self.prefix, "/bin/sh", "-c", _FIRST, "perdure", stdin_path, own, *argv]


@functools.cache
def probe() -> Isolation:
    """Return the strongest isolation that works here; asked once per process."""
    reason = "no `unshare` on PATH"
    for candidate in _candidates():
        reason = _try(candidate)
        if not reason:
            return candidate
    return without_namespace(reason)


def is_probed() -> bool:
    """Whether `probe` has its answer: the first time it starts processes, and blocks."""
    return probe.cache_info().currsize > 0


def without_namespace(reason: str) -> Isolation:
    """Return what is left where a namespace cannot be had or is not wanted."""
    if sys.platform == "linux" and Path("/proc/self/stat").exists():
        _become_subreaper()
        return Isolation("subreaper", reason=reason)
    return Isolation("group", reason=reason)


def end_with_socket(pid: int, worker_side: socket.socket, tree_side: socket.socket) -> None:
    """Let the tree of the namespace's `unshare` begin, and have the kernel kill it when the worker's side closes.

    Anything that happens on the tree's side of the socket from now on sends SIGKILL, so nothing more may be written.
    """
    with suppress(BrokenPipeError, ProcessLookupError):  # it has ended already
        fcntl.fcntl(tree_side, fcntl.F_SETOWN, pid)
        fcntl.fcntl(tree_side, fcntl.F_SETSIG, signal.SIGKILL)
        worker_side.send(b"go\n")
        fcntl.fcntl(tree_side, fcntl.F_SETFL, fcntl.fcntl(tree_side, fcntl.F_GETFL) | os.O_ASYNC)


def _candidates() -> list[Isolation]:
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or unshare is None:
        return []
    basis = ("--pid", "--fork", "--kill-child=SIGKILL")
    user = ("--user", "--map-current-user")
    options = [(), user] if os.geteuid() == 0 else [user]
    return [
        Isolation("namespace", (unshare, *users, *basis, *mounts, "--"), needs_user_namespace=bool(users))
        for users in options
        for mounts in ((_OWN_PROC,), ())
    ]


def _try(candidate: Isolation) -> str:
    """Return why `candidate` does not work here; empty when it does."""
    argv = [*candidate.prefix, "/bin/sh", "-c", 'test "$$" = 1 && test -d /proc/self/fd']
    try:
        result = subprocess.run(
            argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=_PROBE_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"`unshare` does not work here: {error}"
    if result.returncode == 0:
        return ""
    return f"`unshare` is refused here: {result.stderr.decode(errors='replace').strip() or 'no reason given'}"


def _become_subreaper() -> None:
    """Make orphans of our processes our children, so that they are found and can be reaped."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
