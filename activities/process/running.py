"""Running one program: its output in bounded pieces, its time, and the end of its whole tree.

    run_process    starts, watches, ends; when it returns or raises, nothing of the tree is left
    find_program   the program that a name stands for

The order of an end before time (timeout, cancel, failing callback): `first_signal` to the process group, `grace`
for the program to end by itself, then destruction. After an end in time, output still held open by children
(`tee`, a server in the background) is read while it flows, then those are destroyed too.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from activities.process.isolation import Isolation, probe
from activities.process.shielding import shielded
from activities.process.tree import Output, ProcessExit, Tree
from definitions.errors import ErrorClass, StepFailure


async def run_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: bytes | None = None,
    on_stdout: Output | None = None,
    on_stderr: Output | None = None,
    timeout: timedelta | None = None,
    grace: timedelta = timedelta(seconds=5),
    first_signal: signal.Signals = signal.SIGTERM,
    isolation: Isolation | None = None,
) -> ProcessExit:
    """Run a program to its end; with CancelledError the whole tree is gone before it is raised again.

    Raises:
        StepFailure: the program cannot be found or started.
    """
    isolation = isolation or probe()
    command = shielded([find_program(argv[0], cwd, env), *argv[1:]], may_have_users=isolation.kind == "namespace")
    tree = Tree(isolation, on_stdout, on_stderr)
    try:
        await _uninterrupted(tree.start(command, cwd, env, stdin))
        clock = asyncio.timeout(timeout.total_seconds() if timeout else None)
        try:
            async with clock:
                await tree.ended()
                await tree.linger()
        except TimeoutError:
            if not clock.expired():
                raise
            await _uninterrupted(tree.end_politely(first_signal, grace.total_seconds()))
            return tree.exit(timed_out=True)
        await _uninterrupted(tree.destroy())
        return tree.exit()
    except BaseException:
        await _uninterrupted(tree.end_politely(first_signal, grace.total_seconds()))
        raise
    finally:
        tree.close()


def find_program(name: str, cwd: Path, env: Mapping[str, str]) -> str:
    """Return the absolute path of a program, by the PATH that it will have.

    Raises:
        StepFailure: there is none (class `not-found`), or `cwd` is no folder (class `workspace`).
    """
    if not cwd.is_dir():
        raise StepFailure(ErrorClass.WORKSPACE, f"`{cwd}` is not a folder, so nothing can be started in it")
    path = env.get("PATH", os.defpath)
    folders = path
    if not all(folder.startswith("/") for folder in path.split(os.pathsep)):
        folders = os.pathsep.join(os.path.join(cwd, folder) for folder in path.split(os.pathsep))
    found = shutil.which(str(cwd / name) if "/" in name else name, path=folders)
    if found is not None:
        return found  # links stay as they are: a venv's Python knows its place by its own path
    if "/" in name and (cwd / name).exists():
        raise StepFailure(ErrorClass.NOT_FOUND, f"`{name}` is not an executable file; `chmod +x` makes it one")
    where = "" if "/" in name else f" on the PATH `{path}`"
    raise StepFailure(ErrorClass.NOT_FOUND, f"there is no program `{name}`{where}; install it or give its path")


async def _uninterrupted(work: Coroutine[None, None, None]) -> None:
    """Await `work` to its end, whatever is cancelled meanwhile; the cancellation is raised afterwards."""
    task = asyncio.get_running_loop().create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: S110 # raised below, by `result`
            pass
    if cancelled is not None:
        raise cancelled
    task.result()
