"""Programs from npm for tests: installed from a lock, once per machine.

The cache is `$PERDURE_TEST_CACHE/npm` or `~/.cache/perdure/npm`, outside of the repository, one folder a lock.
Install scripts are not run.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("PERDURE_TEST_CACHE") or Path.home() / ".cache" / "perdure") / "npm"


def installed(here: Path, name: str, remedy: str) -> Path:
    """Return the folder with what the lock in `here` names. Raises `RuntimeError` with the remedy."""
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(f"there is no `npm`; {remedy}")
    lock = (here / "package-lock.json").read_bytes()
    folder = CACHE / f"{name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two test runs at once share one cache
        if not (folder / "done").exists():
            _install(npm, here, folder, remedy)
    return folder


def _install(npm: str, here: Path, folder: Path, remedy: str) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(here / name, folder / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        raise RuntimeError(f"`npm ci` failed: {result.stderr[-1000:]}; {remedy}")
    (folder / "done").touch()
