"""Where the dev server's program comes from.

In order: `PERDURE_TEMPORAL_BIN`, `temporal` on PATH, our cache, the SDK's own download, `go install`. What was
fetched or built lands in the cache, under a lock, so two commands at once do it once.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from definitions.errors import EnvironmentUnfit
from worker import leases, tuning

GO_MODULE = "github.com/temporalio/cli/cmd/temporal@v1.5.1"
"""The last minor version that `go install` takes: later ones have a `replace` line in their go.mod."""
REMEDY = (
    "install the Temporal CLI (https://docs.temporal.io/cli), or set `PERDURE_TEMPORAL_BIN` to its path, "
    "or use a server of yours by `TEMPORAL_ADDRESS`"
)

_DOWNLOAD_HOST = "temporal.download"
_DOWNLOAD_LIMIT = timedelta(minutes=3)
_BUILD_LIMIT = timedelta(minutes=15)
_REPORT_INTERVAL = timedelta(seconds=15)
_DOWNLOAD_SCRIPT = """
import asyncio, sys
from temporalio.testing import WorkflowEnvironment

async def main():
    environment = await WorkflowEnvironment.start_local(download_dest_dir=sys.argv[1], dev_server_log_level="never")
    await environment.shutdown()

asyncio.run(main())
"""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ServerBinary:
    """The program, and what it says of itself."""

    path: Path
    version: tuple[int, int] | None
    """Of the server in it; None where a wrapper keeps it to itself."""
    text: str


def find_binary(environment: Mapping[str, str], report: Report) -> ServerBinary:
    """Return the program, bringing it to this machine if need be; `report` is told what takes long.

    Raises:
        EnvironmentUnfit: there is none and none can be had; says all that was tried.
    """
    if found := look_for_binary(environment):
        return found
    on_path = shutil.which("temporal", path=environment.get("PATH"))
    tried = [f"`{on_path}` has no dev server" if on_path else "no `temporal` is on PATH"]
    return _bring(cache_folder(environment) / "temporal", environment, report, tried)


def look_for_binary(environment: Mapping[str, str]) -> ServerBinary | None:
    """Return the program if it is on this machine already.

    Raises:
        EnvironmentUnfit: `PERDURE_TEMPORAL_BIN` names something else.
    """
    if given := environment.get("PERDURE_TEMPORAL_BIN"):
        return _given(Path(given).expanduser())
    on_path = shutil.which("temporal", path=environment.get("PATH"))
    return (_examine(Path(on_path)) if on_path else None) or _examine(cache_folder(environment) / "temporal")


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder for programs that we fetch or build."""
    cache = environment.get("XDG_CACHE_HOME") or ""
    home = Path(environment["HOME"]) if environment.get("HOME") else Path.home()
    base = Path(cache) if cache.startswith("/") else home / ".cache"
    return base / "perdure" / "bin"


def _given(path: Path) -> ServerBinary:
    if found := _examine(path):
        return found
    raise EnvironmentUnfit(
        f"`PERDURE_TEMPORAL_BIN` is `{path}`, which is not a Temporal CLI with a dev server",
        "set it to the path of `temporal`, or unset it",
    )


def _examine(path: Path) -> ServerBinary | None:
    if not os.access(path, os.X_OK) or path.is_dir():
        return None
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    if answer.returncode != 0 or "temporal" not in answer.stdout.lower():
        return None
    return ServerBinary(path, tuning.server_version(answer.stdout), answer.stdout.strip())


def _bring(cached: Path, environment: Mapping[str, str], report: Report, tried: list[str]) -> ServerBinary:
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with leases.exclusive(cached.with_name("temporal.lock"), _DOWNLOAD_LIMIT + _BUILD_LIMIT):
            # Another command may have brought it while we waited.
            if found := _examine(cached):
                return found
            for way in (_download, _build):
                tried.append(way(cached, environment, report))
                if found := _examine(cached):
                    return found
    except OSError as error:
        tried.append(f"the cache `{cached.parent}` cannot be written: {error.strerror}")
    raise EnvironmentUnfit(f"there is no Temporal server on this machine: {'; '.join(tried)}", REMEDY)


def _download(cached: Path, environment: Mapping[str, str], report: Report) -> str:
    """Let the SDK download the CLI; return what there is to say if it is not there afterwards."""
    if not _is_reachable(environment):
        return f"`{_DOWNLOAD_HOST}` cannot be reached"
    report("downloading the Temporal dev server, about 100 MB, once")
    landing = cached.parent / "download"
    landing.mkdir(exist_ok=True)
    argv = [sys.executable, "-P", "-c", _DOWNLOAD_SCRIPT, str(landing)]
    problem = _run(argv, environment, _DOWNLOAD_LIMIT, report)
    for candidate in landing.glob("temporal-sdk-python-*"):
        if _examine(candidate):
            candidate.replace(cached)
    shutil.rmtree(landing, ignore_errors=True)
    return f"the download failed ({problem})"


def _is_reachable(environment: Mapping[str, str]) -> bool:
    if any(environment.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True
    try:
        socket.create_connection((_DOWNLOAD_HOST, 443), timeout=3).close()
    except OSError:
        return False
    return True


def _build(cached: Path, environment: Mapping[str, str], report: Report) -> str:
    """Build the CLI with Go; return what there is to say if it is not there afterwards."""
    go = shutil.which("go", path=environment.get("PATH"))
    if not go:
        return "Go is not installed"
    report("building the Temporal dev server with Go: two or three minutes, once")
    landing = cached.parent / "build"
    landing.mkdir(exist_ok=True)
    problem = _run([go, "install", GO_MODULE], {**environment, "GOBIN": str(landing)}, _BUILD_LIMIT, report)
    if _examine(landing / "temporal"):
        (landing / "temporal").replace(cached)
    shutil.rmtree(landing, ignore_errors=True)
    return f"`go install {GO_MODULE}` failed ({problem})"


def _run(argv: list[str], environment: Mapping[str, str], limit: timedelta, report: Report) -> str:
    """Run a command, reporting now and then; return why it failed, in a line."""
    process = subprocess.Popen(
        argv, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    try:
        return _watch(process, limit, report)
    finally:
        # Also on Ctrl-C; a process that has ended is not killed again.
        process.kill()
        process.communicate()


def _watch(process: subprocess.Popen[str], limit: timedelta, report: Report) -> str:
    started = time.monotonic()
    while True:
        try:
            _, errors = process.communicate(timeout=_REPORT_INTERVAL.total_seconds())
        except subprocess.TimeoutExpired:
            elapsed = time.monotonic() - started
            if elapsed > limit.total_seconds():
                return f"gave up after {limit}"
            report(f"still at it after {elapsed:.0f} s")
        else:
            lines = [line for line in errors.splitlines() if line.strip()]
            return lines[-1][:300] if lines else f"exit code {process.returncode}"
