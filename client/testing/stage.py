"""What the levels *simulated* and *real* play on: one server for both, and a worker of its own for each case.

A worker of its own costs 20 ms and gives each case a store and a cache that no other case has written to.
"""

import asyncio
import contextlib
import functools
import itertools
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from pydantic import JsonValue

from activities.executors.interface import Executor
from activities.file_functions.reader import StoreFileReader
from activities.store.interface import Store
from activities.workspace.manifest import is_sound_path, load_manifest, save_manifest
from activities.workspace.snapshots import snapshot
from client.connection import open_client, open_store_at
from client.exit_codes import ExitCode
from client.output import Problem
from client.runs import recorded_events
from client.testing.starting_files import starting_files
from client.testing.verdicts import NotPlayable, Outcome, Subject, ended_paths
from definitions.cases.models import Case
from definitions.errors import EnvironmentUnfit
from definitions.inputs import check_inputs
from definitions.messages import WORKFLOW_TYPE, Report
from definitions.statuses import Event, Status

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowHandle

    Handle = WorkflowHandle[object, object]

Entered = TypeVar("Entered")


@dataclass(frozen=True, slots=True)
class Stage:
    """A server for tests, and a folder for what is kept."""

    client: "Client"
    home: Path
    numbers: "itertools.count[int]"

    @contextlib.asynccontextmanager
    async def serving(self, workflow: type, executors: Mapping[str, Executor]) -> AsyncGenerator["Scene"]:
        """Give a place for one case while the block lasts. Raises `NotPlayable` where the server gives up."""
        from temporalio.service import RPCError

        from client.dev import rehearsing

        number = next(self.numbers)
        folder = self.home / f"case-{number}"
        workspace = folder / "workspace"
        await asyncio.to_thread(functools.partial(workspace.mkdir, parents=True))
        try:
            async with rehearsing(self.client, folder, f"case-{number}", workflow, executors) as store:
                yield Scene(self.client, f"case-{number}", workspace, open_store_at(store))
        except RPCError as error:
            raise NotPlayable(f"the server for tests does not answer: {error.message}") from error


@dataclass(frozen=True, slots=True)
class Scene:
    """A place for one case: a task queue that its own worker serves."""

    client: "Client"
    task_queue: str
    workspace: Path
    store: Store

    async def start(self, request: dict[str, JsonValue]) -> "Handle":
        """Start a run."""
        return await self.client.start_workflow(WORKFLOW_TYPE, request, id=self.task_queue, task_queue=self.task_queue)

    async def report(self, handle: "Handle") -> Report:
        """Ask a run, live or ended, for all that is known of it. Raises `NotPlayable` where it could not begin."""
        report = await handle.query("report", result_type=Report)
        error = report.status.error
        if error is not None and error.step == "prepare":
            raise NotPlayable(error.message)
        return report

    def outcome(self, report: Report, prompts: Mapping[str, str]) -> Outcome:
        """Return what a run came to."""
        status = report.status
        manifest = None if status.tree is None else load_manifest(self.store, status.tree)
        return Outcome(
            status=status,
            path=ended_paths(self._events(report)),
            prompts=dict(prompts),
            duration=_duration(status),
            files=StoreFileReader(self.store, manifest),
        )

    def _events(self, report: Report) -> list[Event]:
        """Return all events of a run; what came before it continued as new is in the store."""
        first = report.events[0].sequence if report.events else 1
        earlier = recorded_events(self.store, report.status.execution_id) if first > 1 else []
        return [event for event in earlier if event.sequence < first] + report.events


_open: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared]" = WeakKeyDictionary()


@dataclass(slots=True)
class _Shared:
    """The stage of an event loop, and how many levels stand on it."""

    lock: asyncio.Lock
    users: int = 0
    stage: Stage | None = None
    closing: contextlib.AsyncExitStack | None = None


@contextlib.asynccontextmanager
async def opened() -> AsyncGenerator[Stage]:
    """Give the stage, begun by the first who asks and ended with the last.

    Raises:
        Problem: there is no server program, or it does not start (exit code 6).
    """
    shared = _open.setdefault(asyncio.get_running_loop(), _Shared(asyncio.Lock()))
    async with shared.lock:
        if shared.stage is None:
            async with contextlib.AsyncExitStack() as stack:
                shared.stage = await _built(stack)
                shared.closing = stack.pop_all()
        stage = shared.stage
        shared.users += 1
    try:
        yield stage
    finally:
        async with shared.lock:
            shared.users -= 1
            if shared.users == 0 and shared.closing is not None:
                shared.stage, closing = None, shared.closing
                await closing.aclose()


async def _built(stack: contextlib.AsyncExitStack) -> Stage:
    from client.dev import passing_home, passing_server

    try:
        home = await _entered(stack, passing_home())
        address = await _entered(stack, passing_server(home))
    except EnvironmentUnfit as error:
        raise Problem(error.message, code=ExitCode.NO_SERVER, slug="no-server", remedy=error.remedy) from error
    return Stage(await open_client({"target_host": address}), home, itertools.count(1))


async def _entered(stack: contextlib.AsyncExitStack, block: contextlib.AbstractContextManager[Entered]) -> Entered:
    """Enter a block that blocks, until the stack is closed."""
    value = await asyncio.to_thread(block.__enter__)
    stack.push_async_callback(asyncio.to_thread, block.__exit__, None, None, None)
    return value


async def lay_out(case: Case, subject: Subject, folder: Path) -> None:
    """Write the files that a case starts with. Raises `NotPlayable`."""
    try:
        await asyncio.to_thread(_write_files, starting_files(case, subject), folder)
    except OSError as error:
        raise NotPlayable(f"the files of the case cannot be written: {error.strerror}", ("files",)) from error


def _write_files(files: Mapping[str, str | bytes], folder: Path) -> None:
    root = folder.resolve()
    for path, content in files.items():
        target = folder / path
        if not is_sound_path(path.removeprefix("./")) or not target.resolve().is_relative_to(root):
            raise NotPlayable(f"`{path}` is not a path inside the workspace", ("files", path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)


def run_input(case: Case, subject: Subject, scene: "Scene") -> dict[str, JsonValue]:
    """Return the start input of a case's run; what stands in the scene's workspace is its tree. Blocks.

    Raises:
        NotPlayable: the inputs are not those of the definition.
    """
    _, findings = check_inputs(subject.definition, case.inputs)
    wrong = next((finding for finding in findings if finding.severity == "error"), None)
    if wrong is not None:
        raise NotPlayable(wrong.message, ("inputs",))
    tree = save_manifest(scene.store, snapshot(scene.store, scene.workspace))
    return {
        "definition": {"text": subject.source, "file": subject.file, "library": {**subject.texts}},
        "inputs": case.inputs,
        "env": {**case.env},
        "workspace": {"tree": tree},
        "starter": case.starter,
    }


async def end(handle: "Handle") -> None:
    """End a run that is looked at no more; it may have ended by itself."""
    from temporalio.service import RPCError

    with contextlib.suppress(RPCError):
        await handle.terminate("the test is over")


def _duration(status: Status) -> timedelta:
    end = status.completed_at or status.updated_at
    if status.started_at is None or end is None:
        raise NotPlayable("the run never began")
    return end - status.started_at
