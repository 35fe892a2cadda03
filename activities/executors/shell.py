"""`shell`: a script in a file, run by an interpreter in the workspace; values travel as environment variables.

    bash --noprofile --norc -eo pipefail FILE      sh -e FILE      python3 -u FILE      node FILE

The script is told where it is by `PERDURE_OUTPUT` (a file for outputs, see `shell_outputs`), `PERDURE_EXECUTION_ID`
and `PERDURE_STEP`. A value that is too long for a variable lies in a file of the folder `PERDURE_VALUES`. Time limits
and heartbeats are `run_step`'s; on its CancelledError the whole process tree ends.

What a security profile means for a script, and what enforces it (`enforced_by`):
    unrestricted   a clean environment; no namespace where that would need one of users (`sudo` must work)
    standard       and a process namespace where the machine allows it
    restricted     and an empty HOME, and no way to gain privileges (`no_new_privs`)
    read-only      and a second copy of the workspace: what the script writes there is dropped
The network and files outside the workspace are not closed off yet, by any of them.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from activities.executors import tool_versions
from activities.executors.interface import Execution, Outcome
from activities.executors.shell_outputs import Excerpt, is_empty, read_outputs
from activities.process.environment import private_home, temporary_folder
from activities.process.isolation import Isolation, is_probed, probe, without_namespace
from activities.process.running import ProcessExit, run_process
from activities.step_log import StoreStepLog
from definitions.errors import ErrorClass, StepFailure
from definitions.shell_values import FOLDER_VARIABLE, by_file
from definitions.steps import ShellStep

_VALUE_LIMIT = 128 * 1024 - 1  # bytes of one environment variable on Linux (MAX_ARG_STRLEN), with name and `=`
_INTERPRETERS = {
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    "sh": ["sh", "-e"],
    "python": ["python3", "-u"],
    "node": ["node"],
}
_SUFFIXES = {"bash": ".sh", "sh": ".sh", "python": ".step.py", "node": ".step.cjs"}
"""With a dot more than a module's name can have: a step `json` must not be what `import json` finds beside it."""
_HINTS = {
    126: " (a command is not executable)",
    137: ", as the system does when memory runs out",
    141: ": a command in a pipe was still writing when its reader ended (`pipefail` is on)",
}
_TOO_LONG = " (a value is too long for an argument: pipe it, or write it in a here-document)"
_NODE_VERSION = re.compile(r"Node\.js v\d+\.\d+\.\d+")
_NODE_ERROR = re.compile(r"(?:Uncaught )?\w*(?:Error|Exception)\b.*")
_MISSING = re.compile(r"(?:line )?\d+: (.+?): (?:command )?not found$")


class ShellExecutor:
    """Runs shell steps."""

    async def identity(self, execution: Execution) -> dict[str, JsonValue]:
        """Return the interpreter's version, and that of the tools that the author named for the cache."""
        step = _shell_step(execution)
        tools = step.cache.tools if step.cache is not None and not isinstance(step.cache, bool) else []
        names = [_INTERPRETERS[step.shell][0], *tools]
        versions = await asyncio.gather(*[tool_versions.version(name, execution) for name in names])
        return {"interpreter": step.shell, "version": versions[0], "tools": dict(zip(tools, versions[1:], strict=True))}

    async def execute(self, execution: Execution) -> Outcome:
        """Run the script. Raises `StepFailure`."""
        step = _shell_step(execution)
        plan = (
            _planned(execution, step)
            if _is_quick(execution, step)
            else await asyncio.to_thread(_planned, execution, step)
        )
        stdout, stderr = Excerpt(), Excerpt()
        tees = _Tee(execution, stdout), _Tee(execution, stderr)
        try:
            ended = await run_process(
                plan.argv,
                cwd=plan.folder,
                env=plan.environment,
                on_stdout=tees[0],
                on_stderr=tees[1],
                isolation=plan.isolation,
            )
        finally:
            for tee in tees:
                tee.end()
        if ended.status not in step.exit_codes:
            raise _failure(ended, stderr.text(), plan.environment)
        own: dict[str, JsonValue] = {"stdout": stdout.text().strip(), "exit_code": ended.status}
        outputs = {} if is_empty(plan.output_file) else await asyncio.to_thread(read_outputs, plan.output_file)
        return Outcome({**own, **outputs}, enforced_by=plan.enforced_by, notes=plan.notes)


@dataclass(frozen=True, slots=True)
class _Plan:
    argv: list[str]
    folder: Path
    environment: dict[str, str]
    output_file: Path
    isolation: Isolation
    enforced_by: tuple[str, ...]
    notes: tuple[str, ...] = ()


class _Tee:
    """Takes output to the log and to an excerpt; waits for the store where the log can say that it lags."""

    def __init__(self, execution: Execution, excerpt: Excerpt) -> None:
        self._log = execution.log
        self._excerpt = excerpt
        self._stream = execution.mask.stream()

    async def __call__(self, piece: bytes) -> None:
        self._add(self._stream.feed(piece))
        if isinstance(self._log, StoreStepLog):
            await self._log.room()

    def end(self) -> None:
        """Take what was held back as the possible beginning of a secret."""
        self._add(self._stream.end())

    def _add(self, piece: bytes) -> None:
        self._log.write(piece)
        self._excerpt.add(piece)


def _shell_step(execution: Execution) -> ShellStep:
    if not isinstance(execution.step, ShellStep):
        raise TypeError(f"a shell executor cannot run a step of type `{execution.step.type}`")
    return execution.step


def _is_quick(execution: Execution, step: ShellStep) -> bool:
    """Whether laying out takes a few small files only: less than the way to a thread and back."""
    return step.security_profile != "read-only" and is_probed() and not by_file(execution.bindings)


def _planned(execution: Execution, step: ShellStep) -> _Plan:
    """Lay out what the script needs in the attempt's scratch. Blocks."""
    try:
        script = execution.scratch / f"{step.id}{_SUFFIXES[step.shell]}"
        script.write_text(step.command, errors="surrogateescape")
        output_file = execution.scratch / "output"
        output_file.touch(mode=0o600)
        folder = _working_directory(execution.workspace, step.working_directory)
        environment = _environment(execution, output_file)
        plan = _Plan(
            argv=[*_INTERPRETERS[step.shell], str(script)],
            folder=folder,
            environment=environment,
            output_file=output_file,
            isolation=probe(),
            enforced_by=("environment",),
        )
        plan = _secured(plan, execution, step)
        return _with_packages(plan) if step.shell == "node" else plan
    except OSError as error:
        raise StepFailure(
            ErrorClass.WORKSPACE, f"the script could not be laid out in `{execution.scratch}`: {error.strerror}"
        ) from error


def _environment(execution: Execution, output_file: Path) -> dict[str, str]:
    long = by_file(execution.bindings)
    environment = {
        **temporary_folder(execution.scratch),
        **execution.environment,
        **{name: value for name, value in execution.bindings.items() if name not in long},
        **_value_files(execution.scratch, long),
        "PERDURE_OUTPUT": str(output_file),
        "PERDURE_EXECUTION_ID": execution.call.run.execution_id,
        "PERDURE_STEP": execution.call.path,
    }
    for name, value in environment.items():
        if "\0" in value:
            raise StepFailure(ErrorClass.EXPRESSION, f"`{name}` holds a NUL character, which no variable can")
        size = len(os.fsencode(name)) + len(value.encode(errors="surrogatepass")) + 1
        if size > _VALUE_LIMIT:
            message = f"`{name}` has {size} bytes, and a variable at most {_VALUE_LIMIT}; pass it by a file"
            raise StepFailure(ErrorClass.EXPRESSION, message)
    return environment


def _value_files(scratch: Path, long: Mapping[str, str]) -> dict[str, str]:
    """Write values that no variable can hold to files; return the variable that names their folder."""
    if not long:
        return {}
    folder = scratch / "values"
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, value in long.items():
        (folder / name).write_bytes(value.encode())
    return {FOLDER_VARIABLE: str(folder)}


def _working_directory(workspace: Path, relative: str) -> Path:
    if relative == "." and workspace.is_dir():
        return workspace
    folder = (workspace / relative).resolve()
    if not folder.is_relative_to(workspace.resolve()):
        raise StepFailure(ErrorClass.WORKSPACE, f"`working_directory: {relative}` lies outside the workspace")
    if not folder.is_dir():
        raise StepFailure(ErrorClass.WORKSPACE, f"`working_directory: {relative}` is no folder of the workspace")
    return folder


def _with_packages(plan: _Plan) -> _Plan:
    """Return the plan of a Node script that finds packages where it starts, not only beside its own file."""
    packages = {"NODE_PATH": str(plan.folder / "node_modules")}
    return replace(plan, environment={**packages, **plan.environment})


def _secured(plan: _Plan, execution: Execution, step: ShellStep) -> _Plan:
    """Return the plan under the step's security profile."""
    profile = step.security_profile or "standard"
    if profile == "unrestricted" and plan.isolation.needs_user_namespace:
        plan = replace(plan, isolation=without_namespace("the profile is `unrestricted`"))
    if plan.isolation.kind == "namespace":
        plan = replace(plan, enforced_by=(*plan.enforced_by, "namespace"))
    if profile in ("standard", "unrestricted"):
        return plan
    plan = _without_privileges(replace(plan, environment=private_home(plan.environment, execution.scratch)))
    if profile == "restricted":
        return plan
    copy = execution.scratch / "read-only"
    shutil.copytree(execution.workspace, copy, symlinks=True)
    return replace(
        plan,
        folder=copy / plan.folder.resolve().relative_to(execution.workspace.resolve()),
        enforced_by=(*plan.enforced_by, "copy"),
        notes=("what the script wrote in the workspace was dropped (`security_profile: read-only`)",),
    )


def _without_privileges(plan: _Plan) -> _Plan:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        note = "`setpriv` is not installed, so privileges that set-uid programs give are not closed off"
        return replace(plan, notes=(*plan.notes, note))
    argv = [setpriv, "--no-new-privs", "--", *plan.argv]
    return replace(plan, argv=argv, enforced_by=(*plan.enforced_by, "no-new-privileges"))


def _failure(ended: ProcessExit, stderr: str, environment: dict[str, str]) -> StepFailure:
    """Return why the step failed, in the words of what it printed last."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    last = _telling(lines)[:500]
    details: dict[str, JsonValue] = {"exit_code": ended.code, "signal": ended.signal}
    missing = _MISSING.search(last) if ended.status == 127 else None
    if missing is not None:
        path = environment.get("PATH", "")
        message = f"there is no command `{missing[1]}` on the PATH `{path}`; install it or put it there"
        return StepFailure(ErrorClass.NOT_FOUND, message, {**details, "command": missing[1], "path": path})
    what = f"the script ended with exit code {ended.code}"
    if ended.signal is not None:
        what = f"the script was ended by signal {ended.signal} (exit code {ended.status})"
    what += _TOO_LONG if last.endswith("Argument list too long") else _HINTS.get(ended.status, "")
    return StepFailure(ErrorClass.EXIT, f"{what}: {last}" if last else what, details)


def _telling(lines: Sequence[str]) -> str:
    """Return the line that says what went wrong: the last, where it is not Node's signature under a stack trace."""
    if not lines:
        return ""
    if _NODE_VERSION.fullmatch(lines[-1]):
        return next((line for line in reversed(lines) if _NODE_ERROR.match(line)), lines[-1])
    return lines[-1]
