"""The real Claude Code CLI for tests: installed by npm from the lock beside this file, once per machine.

The cache is `$PERDURE_TEST_CACHE/npm` or `~/.cache/perdure/npm`, outside of the repository, one folder a lock. The
package's install script is not run: the platform's own package already holds the program.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("PERDURE_TEST_CACHE") or Path.home() / ".cache" / "perdure") / "npm"
REMEDY = (
    "install Node.js 20 or newer with npm (tests marked `real_cli` run the CLI from npm), "
    "or leave these tests out: -m 'not real_cli'"
)


def claude_code() -> Path:
    """Return the path of the CLI, installed where it is not yet. Raises `RuntimeError` with the remedy."""
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(f"there is no `npm`; {REMEDY}")
    lock = (HERE / "package-lock.json").read_bytes()
    folder = CACHE / f"claude-code-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two test runs at once share one cache
        if not (folder / "done").exists():
            _install(npm, folder)
    return _program(folder)


def _install(npm: str, folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        raise RuntimeError(f"`npm ci` failed: {result.stderr[-1000:]}; {REMEDY}")
    _program(folder)
    (folder / "done").touch()


def _program(folder: Path) -> Path:
    found = sorted(folder.glob("node_modules/@anthropic-ai/claude-code-*/claude"))
    if not found:
        raise RuntimeError(f"npm brought no Claude Code for this platform into `{folder}`; {REMEDY}")
    return found[0]
