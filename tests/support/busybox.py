"""busybox for tests: the one on the PATH, else Debian's static one, brought by apt once per machine and not installed.

The cache is `$PERDURE_TEST_CACHE/busybox` or `~/.cache/perdure/busybox`, outside of the repository.
"""

import fcntl
import functools
import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("PERDURE_TEST_CACHE") or Path.home() / ".cache" / "perdure") / "busybox"
REMEDY = "install `busybox`, or leave these tests out: -k 'not busybox'"


@functools.cache
def busybox() -> str:
    """Return the path of busybox. Raises `RuntimeError` with the remedy."""
    if found := shutil.which("busybox"):
        return found
    CACHE.mkdir(parents=True, exist_ok=True)
    program = CACHE / "unpacked" / "bin" / "busybox"
    with (CACHE / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two test runs at once share one cache
        if not program.exists():
            _bring()
    if not program.exists():
        raise RuntimeError(f"Debian's `busybox-static` holds no `bin/busybox`; {REMEDY}")
    return str(program)


def _bring() -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise RuntimeError(f"there is no `busybox`, and no apt to bring it; {REMEDY}")
    try:
        _apt("download", "busybox-static")
    except RuntimeError:  # a machine whose lists were removed, as in most images: fetched to a place of our own
        lists = CACHE / "lists"
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        own = ["-o", f"Dir::State::lists={lists}", "-o", "APT::Sandbox::User="]
        _apt(*own, "update")
        _apt(*own, "download", "busybox-static")
        shutil.rmtree(lists)
    package = next(CACHE.glob("busybox-static_*.deb"))
    _run("dpkg-deb", "-x", str(package), str(CACHE / "unpacking"))
    (CACHE / "unpacking").rename(CACHE / "unpacked")
    package.unlink()


def _apt(*arguments: str) -> None:
    _run("apt-get", "-q", *arguments)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, cwd=CACHE, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"`{' '.join(argv)}` failed: {done.stderr[-500:]}; {REMEDY}")
