"""Runs on a real server, for tests: start, wait for a condition, and ask."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable

from pydantic import JsonValue
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError

from definitions.messages import WORKFLOW_TYPE, Report
from definitions.statuses import Status
from tests.support.workers import RunningWorker

PATIENCE = 30.0


async def start(worker: RunningWorker, text: str, **request: JsonValue) -> WorkflowHandle:
    """Start a definition given as text."""
    body = {"definition": {"text": "name: live\n" + text, "file": "live.yaml"}, **request}
    identity = f"live-{uuid.uuid4().hex[:8]}"
    return await worker.client.start_workflow(WORKFLOW_TYPE, body, id=identity, task_queue=worker.task_queue)


async def finished(handle: WorkflowHandle) -> Status:
    """Return the status record that a run ended with, however it ended."""
    try:
        return Status.model_validate(await handle.result())
    except WorkflowFailureError as error:
        if isinstance(error.cause, CancelledError):
            return await status(handle)
        if not isinstance(error.cause, ApplicationError):
            raise
        return Status.model_validate(error.cause.details[0])


async def run(worker: RunningWorker, text: str, **request: JsonValue) -> Status:
    """Run a definition to its end."""
    return await finished(await start(worker, text, **request))


async def status(handle: WorkflowHandle) -> Status:
    """Ask a run for its status."""
    return await handle.query("status", result_type=Status)


async def report(handle: WorkflowHandle) -> Report:
    """Ask a run for all that it knows."""
    return await handle.query("report", result_type=Report)


async def until(question: Callable[[], Awaitable[object]], what: str) -> None:
    """Wait until a question is answered with something true."""
    deadline = time.monotonic() + PATIENCE
    while not await question():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s in vain for {what}"
        await asyncio.sleep(0.02)


async def until_step(handle: WorkflowHandle, path: str, state: str) -> None:
    """Wait until a step is in a state."""

    async def is_so() -> bool:
        steps = (await status(handle)).steps
        return path in steps and steps[path].status == state

    await until(is_so, f"step {path} to be {state}")


async def until_open(handle: WorkflowHandle, gate: str) -> None:
    """Wait until a gate is open."""

    async def is_open() -> bool:
        return gate in [found["gate"] for found in await handle.query("gates")]

    await until(is_open, f"gate {gate} to open")


async def scheduled_activities(handle: WorkflowHandle) -> list[str]:
    """Return the names of the activities in a run's history, in order."""
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]


async def histories_of(worker: RunningWorker, execution_id: str) -> int:
    """Return over how many of the server's histories a run went."""
    description = await worker.client.get_workflow_handle(execution_id).describe()
    count, run_id = 1, description.run_id
    while True:
        history = await worker.client.get_workflow_handle(execution_id, run_id=run_id).fetch_history()
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        if not run_id:
            return count
        count += 1


async def whole_history(worker: RunningWorker, execution_id: str) -> list[HistoryEvent]:
    """Return the events of all histories of a run, in order."""
    run_id = (await worker.client.get_workflow_handle(execution_id).describe()).run_id
    events: list[HistoryEvent] = []
    while run_id:
        history = await worker.client.get_workflow_handle(execution_id, run_id=run_id).fetch_history()
        events = [*history.events, *events]
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return events
