"""Versions of tools, for cache keys: what `NAME --version` prints, asked once per program file.

A version is remembered by path, size and time of change. Not for shims (`…/shims/…`), which stand for a program
that other files choose.
"""

import os
from datetime import timedelta

from activities.executors.interface import Execution
from activities.executors.shell_outputs import Excerpt
from activities.process.running import find_program, run_process
from definitions.errors import ErrorClass, StepFailure

MISSING = "not installed"
"""The version of a tool that is not there: installing it changes the key."""

_TIMEOUT = timedelta(seconds=20)
_LIMIT = 2000

_known: dict[tuple[str, int, int], str] = {}


async def version(name: str, execution: Execution) -> str:
    """Return what a tool says of its version, with the PATH that the step will have."""
    try:
        program = find_program(name, execution.scratch, execution.environment)
    except StepFailure as failure:
        if failure.error_class is not ErrorClass.NOT_FOUND:
            raise
        return MISSING
    status = os.stat(program)  # found a moment ago: the kernel has it at hand
    mark = (program, status.st_size, status.st_mtime_ns)
    if mark in _known:
        return _known[mark]
    text = await _asked(program, execution) or f"unknown, {status.st_size} bytes"
    if "/shims/" not in program:
        _known[mark] = text
    return text


async def _asked(program: str, execution: Execution) -> str:
    printed = Excerpt(_LIMIT)
    ended = await run_process(
        [program, "--version"],
        cwd=execution.scratch,
        env=execution.environment,
        on_stdout=printed.add,
        on_stderr=printed.add,
        timeout=_TIMEOUT,
    )
    if ended.timed_out:
        raise StepFailure(
            ErrorClass.TIMEOUT, f"`{program} --version` did not answer in {_TIMEOUT.total_seconds():.0f} seconds"
        )
    # `sh` may have no such option: then the file itself must do (see `version`)
    return printed.text().strip() if ended.status == 0 else ""
