"""The real workflow on a worker in a thread of its own, with simple activities; commands run in the test's thread.

`shell` runs its script with `sh`, prints to the step log, and changes nothing of the files, so that tests of
the command line need neither checkouts nor caches. The files `block` and `unblock` of a step's script are the
way in which a test holds a step: `until test -e FILE; do sleep 0.02; done`.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.finish import finish as write_report
from activities.step_log import StoreStepLog
from activities.store.interface import Store
from activities.store.opening import open_store
from definitions import catalog
from definitions.inputs import check_inputs
from definitions.loader import definition_digest, load
from definitions.messages import SEARCH_ATTRIBUTES, CancelCall, FinishCall, InlineDefinition, PrepareCall, Prepared
from definitions.records import RunHandle, StepCall, StepError, StepResult
from workflows.run_definition import RunDefinition

_QUICK = timedelta(milliseconds=100)


class SimpleActivities:
    """What the workflow asks for, as simple as can be."""

    def __init__(self, store: Store, client: Client) -> None:
        self._store = store
        self._client = client

    def all(self) -> list[Callable[..., Any]]:
        return [self.prepare, self.finish, self.shell, self.request_cancel]

    @activity.defn
    async def prepare(self, call: PrepareCall) -> Prepared:
        request = call.request
        assert not isinstance(request.definition, dict)
        if isinstance(request.definition, InlineDefinition):
            loaded = load(request.definition.text, request.definition.file)
        else:
            loaded = load(*catalog.read(request.definition))
        definition = loaded.definition
        if definition is None:
            raise ApplicationError("not valid", type="definition-invalid", non_retryable=True)
        inputs, _ = check_inputs(definition, request.inputs)
        return Prepared(
            definition=definition.model_dump(mode="json", by_alias=True, exclude_defaults=True),
            definition_digest=definition_digest(definition),
            inputs=inputs,
            env=dict(request.env),
            run=RunHandle(execution_id=call.execution_id, definition_id=definition.id, context="none"),
            tree=request.workspace.tree,
            search_attributes=list(SEARCH_ATTRIBUTES),
        )

    @activity.defn
    async def finish(self, call: FinishCall) -> None:
        await write_report(self._store, self._client, call)

    @activity.defn
    async def shell(self, call: StepCall) -> StepResult:
        log = StoreStepLog(self._store, call.run.execution_id, call.path, call.attempt)
        process = await asyncio.create_subprocess_exec(
            "sh",
            "-e",
            "-c",
            str(call.step["command"]),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        beating = asyncio.create_task(self._beat())
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise
        finally:
            beating.cancel()
        log.write(output)
        key = await log.close()
        if process.returncode:
            error = StepError(type="exit", message=f"exit code {process.returncode}", step=call.path, log=key)
            raise ApplicationError(error.message, error, type="exit", non_retryable=True)
        return StepResult(outputs={"stdout": output.decode().strip(), "exit_code": 0}, tree=call.tree, log=key)

    @activity.defn
    async def request_cancel(self, call: CancelCall) -> None:
        await self._client.get_workflow_handle(call.execution_id).cancel()

    async def _beat(self) -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.1)


class ThreadedWorker:
    """A worker that a test starts and stops while its own thread runs commands."""

    def __init__(self, address: str, task_queue: str, store: Path) -> None:
        self._address = address
        self._queue = task_queue
        self._store = open_store(store)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Start it; return when it serves."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(30)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop it; return when it is gone."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()
        self._thread = None

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            self._failure = error
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        client = await Client.connect(self._address, data_converter=pydantic_data_converter)
        with ThreadPoolExecutor(4) as executor:
            async with Worker(
                client,
                task_queue=self._queue,
                workflows=[RunDefinition],
                activities=SimpleActivities(self._store, client).all(),
                activity_executor=executor,
                workflow_runner=UnsandboxedWorkflowRunner(),
                max_heartbeat_throttle_interval=_QUICK,
                default_heartbeat_throttle_interval=_QUICK,
            ):
                ready.set()
                await self._stop.wait()
