"""Folders that the processes of a step can read and not write: bound read-only onto themselves, for that tree alone.

A wrapper in front of the program makes a mount namespace of its own; nothing outside sees the mounts, and they end
with the processes. Where the worker is not root it needs a namespace of users too, whose powers the program does not
get. Where neither is allowed there is no shield, and `shield_of` says why.
"""

import contextlib
import functools
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

_PROBE_TIMEOUT = 5.0
# The programs are written out, since PATH is the step's. $1 is how many folders follow; then the program. A mount that
# was made without devices or set-uid programs keeps these bounds, or the kernel refuses the change: so they are tried
# one after the other.
_BIND = """\
count=$1
shift
while [ "$count" -gt 0 ]; do
  %(mount)s --bind -- "$1" "$1" || exit 126
  %(mount)s -o remount,bind,ro -- "$1" 2>/dev/null ||
    %(mount)s -o remount,bind,ro,nosuid,nodev -- "$1" 2>/dev/null ||
    %(mount)s -o remount,bind,ro,nosuid,nodev,noexec -- "$1" || exit 126
  shift
  count=$((count - 1))
done
"""
_AS_ROOT = 'exec "$@"\n'
_AS_USER = 'exec %(setpriv)s --inh-caps=-all --ambient-caps=-all -- "$@"\n'

_folders: ContextVar[tuple[str, ...]] = ContextVar("read_only_folders", default=())


@dataclass(frozen=True, slots=True)
class Shield:
    """A way to make folders read-only, as probed on this machine; without a prefix there is none."""

    prefix: tuple[str, ...] = ()
    needs_user_namespace: bool = False
    """Inside, `sudo` and rootless containers do not work."""
    reason: str = ""
    """Why there is none."""


@contextlib.contextmanager
def read_only(folders: Sequence[str]) -> Generator[None]:
    """Let no process that is started inside the block write to these folders, as far as the machine allows it."""
    token = _folders.set(tuple(folders))
    try:
        yield
    finally:
        _folders.reset(token)


def shielded(argv: Sequence[str], *, may_have_users: bool = True) -> list[str]:
    """Return the argv that runs a program with the folders of the `read_only` around it made so."""
    folders = _folders.get()
    if not folders:
        return [*argv]
    shield = shield_of()
    if not shield.prefix or (shield.needs_user_namespace and not may_have_users):
        return [*argv]
    return [*shield.prefix, "perdure", str(len(folders)), *folders, *argv]


@functools.cache
def shield_of() -> Shield:
    """Return what works here; asked once a process, and it starts processes. Blocks."""
    programs = {name: shutil.which(name) for name in ("unshare", "mount", "setpriv")}
    if sys.platform != "linux" or None in programs.values():
        return Shield(reason="folders cannot be made read-only here: `unshare`, `mount` or `setpriv` is missing")
    reason = ""
    for candidate in _candidates({name: str(path) for name, path in programs.items()}):
        reason = _try(candidate)
        if not reason:
            return candidate
    return Shield(reason=reason)


def _candidates(programs: dict[str, str]) -> list[Shield]:
    unshare, quoted = programs["unshare"], {name: shlex.quote(path) for name, path in programs.items()}
    own = ("--mount", "--propagation", "private")
    user = ("--user", "--map-current-user", "--keep-caps")
    as_root = Shield((unshare, *own, "/bin/sh", "-c", (_BIND + _AS_ROOT) % quoted))
    as_user = Shield((unshare, *user, *own, "/bin/sh", "-c", (_BIND + _AS_USER) % quoted), needs_user_namespace=True)
    return [as_root, as_user] if os.geteuid() == 0 else [as_user]


def _try(candidate: Shield) -> str:
    """Return why a candidate does not work here; empty when it does."""
    with tempfile.TemporaryDirectory(prefix="perdure-shield-") as folder:
        program = ["/bin/sh", "-c", 'test -d "$1" && ! touch "$1/file" 2>/dev/null', "probe", folder]
        argv = [*candidate.prefix, "perdure", "1", folder, *program]
        try:
            done = subprocess.run(
                argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=_PROBE_TIMEOUT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"folders cannot be made read-only here: {error}"
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f"folders cannot be made read-only here: {said[-1] if said else 'no reason given'}"
