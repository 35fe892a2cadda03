"""What the levels *simulated* and *real* play on: one server for both, and a worker of its own for each case.

A worker of its own costs 20 ms and gives each case a store and a cache that no other case has written to.
"""

import asyncio
import contextlib
import functools
import itertools
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from activities.executors.interface import Executor
from activities.store.interface import Store
from client.connection import open_client, open_store_at
from client.testing.verdicts import NotPlayable, Outcome, Subject, ended_paths
from definitions.cases.models import Case
from definitions.messages import WORKFLOW_TYPE, Report
from definitions.records import Status

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowHandle

    Handle = WorkflowHandle[object, object]


@dataclass(frozen=True, slots=True)
class Stage:
    """A server for tests, and a folder for what is kept."""

    client: "Client"
    home: Path
    numbers: "itertools.count[int]"

    @contextlib.asynccontextmanager
    async def serving(self, workflow: type, executors: Mapping[str, Executor]) -> AsyncGenerator["Scene"]:
        """Give a place for one case while the block lasts."""
        from client.dev import rehearsing

        number = next(self.numbers)
        folder = self.home / f"case-{number}"
        workspace = folder / "workspace"
        await asyncio.to_thread(functools.partial(workspace.mkdir, parents=True))
        async with rehearsing(self.client, folder, f"case-{number}", workflow, executors) as store:
            yield Scene(self.client, f"case-{number}", workspace, open_store_at(store))


@dataclass(frozen=True, slots=True)
class Scene:
    """A place for one case: a task queue that its own worker serves."""

    client: "Client"
    task_queue: str
    workspace: Path
    store: Store

    async def start(self, request: dict[str, object]) -> "Handle":
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
        from activities.file_functions.reader import StoreFileReader
        from activities.workspace.manifest import load_manifest

        status = report.status
        manifest = None if status.tree is None else load_manifest(self.store, status.tree)
        return Outcome(
            status=status,
            path=ended_paths(report.events),
            prompts=dict(prompts),
            duration=_duration(status),
            files=StoreFileReader(self.store, manifest),
        )


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
        EnvironmentUnfit: there is no server program, or it does not start.
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
    from client.dev import passing_server

    home = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="perdure-test-"))
    stack.push_async_callback(asyncio.to_thread, shutil.rmtree, home, ignore_errors=True)
    server = passing_server(home)
    address = await asyncio.to_thread(server.__enter__)
    stack.push_async_callback(asyncio.to_thread, server.__exit__, None, None, None)
    client = await open_client({"target_host": address})
    return Stage(client, home, itertools.count(1))


async def lay_out(case: Case, subject: Subject, folder: Path) -> None:
    """Write the files that a case starts with. Raises `NotPlayable`."""
    from client.testing.starting_files import starting_files

    def write() -> None:
        for path, content in starting_files(case, subject).items():
            target = folder / path
            if not target.resolve().is_relative_to(folder.resolve()):
                raise NotPlayable(f"`{path}` is not a path inside the workspace", ("files", path))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)

    try:
        await asyncio.to_thread(write)
    except OSError as error:
        raise NotPlayable(f"the files of the case cannot be written: {error.strerror}", ("files",)) from error


def run_input(case: Case, subject: Subject, folder: Path) -> dict[str, object]:
    """Return the start input of a case's run."""
    return {
        "definition": {"text": subject.source, "file": subject.file},
        "inputs": case.inputs,
        "env": case.env,
        "workspace": {"path": str(folder)},
        "starter": case.starter,
    }


def _duration(status: Status):
    end = status.completed_at or status.updated_at
    if status.started_at is None or end is None:
        raise NotPlayable("the run never began")
    return end - status.started_at
