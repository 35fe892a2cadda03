"""What is known of a run: from the server while it lives or is remembered, from the store afterwards.

An ended run is read from its closing event (no worker is needed) and, where that does not hold the
record, from `runs/<id>/run.json`; a live one is asked by query.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ConfigDict, TypeAdapter

from activities.store.keys import run_key
from client import closings
from client.exit_codes import ExitCode
from client.messages import connection_words, run_words
from client.output import Problem
from definitions.messages import DEFINITIONS_MEMO, WORKFLOW_TYPE
from definitions.statuses import ENDED, Event, Status

if TYPE_CHECKING:
    from temporalio.api.history.v1 import HistoryEvent
    from temporalio.client import WorkflowExecution, WorkflowExecutionDescription

    from activities.store.interface import Store
    from client.connection import Connection

QUERY_TIME = timedelta(seconds=10)
EVENTS_LIMIT = 500
"""Events in one answer."""
_EVENTS = TypeAdapter(list[Event], config=ConfigDict(defer_build=True))
_NAMES = TypeAdapter(list[str], config=ConfigDict(defer_build=True))


class NoAnswer(Exception):
    """No worker answered a query."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as the server lists it."""

    execution_id: str
    definition_id: str
    status: str
    open_gates: int
    started_at: datetime
    ended_at: datetime | None


async def current_status(connection: Connection, execution_id: str) -> Status:
    """Return the status record of a run, live or ended.

    Raises:
        Problem: there is no such run.
        NoAnswer: it lives, but no worker answers.
    """
    description = await _described(connection, execution_id)
    if description is None:
        recorded = recorded_status(connection.store, execution_id)
        if recorded is None:
            raise unknown_run(execution_id)
        return recorded
    if description.close_time is not None and (closing := await _closing_event(connection, description)) is not None:
        return await ended_status(connection, execution_id, closing)
    return Status.model_validate(await query(connection, execution_id, "status"))


async def ended_status(connection: Connection, execution_id: str, closing: HistoryEvent) -> Status:
    """Return the record of a run that ended with `closing`."""
    carried = await closings.status_in(connection.client, closing)
    if carried is not None and carried.steps:
        return carried
    found = recorded_status(connection.store, execution_id) or carried
    if found is not None and found.status in ENDED:
        return found
    state, error = await closings.fate_of(connection.client, closing)
    known = found or Status(execution_id=execution_id, definition_id=_definition_in(execution_id), status=state)
    moment = closings.moment_of(closing)
    return known.model_copy(update={"status": state, "error": known.error or error, "completed_at": moment})


def recorded_status(store: Store, execution_id: str) -> Status | None:
    """Return the record that `finish` wrote, or None."""
    text = store.read_document(run_key(execution_id, "run.json"))
    return None if text is None else Status.model_validate_json(text)


def recorded_events(store: Store, execution_id: str, after: int = 0) -> list[Event]:
    """Return the events above `after` that were put away in the store."""
    texts = [store.read_document(key) or b"" for key in store.list_keys(run_key(execution_id, "events-"))]
    events = (Event.model_validate_json(line) for text in texts for line in text.split(b"\n") if line.strip())
    return [event for event in events if event.sequence > after]


async def query_events(connection: Connection, execution_id: str, after: int) -> list[Event]:
    """Return what happened after `after`; what a continued run no longer holds comes from the store."""
    events = _EVENTS.validate_python(
        await query(connection, execution_id, "events", {"after": after, "limit": EVENTS_LIMIT})
    )
    if events and events[0].sequence > after + 1:
        earlier = recorded_events(connection.store, execution_id, after)
        events = [event for event in earlier if event.sequence < events[0].sequence] + events
    return events


async def query(connection: Connection, execution_id: str, name: str, argument: object = None) -> object:
    """Ask a run. Raises `NoAnswer` where no worker does, `Problem` where the run does not exist."""
    from temporalio.client import WorkflowQueryFailedError
    from temporalio.service import RPCError, RPCStatusCode

    arguments = [] if argument is None else [argument]
    try:
        return await connection.handle(execution_id).query(name, args=arguments, rpc_timeout=QUERY_TIME)
    except WorkflowQueryFailedError as error:
        raise NoAnswer(str(error)) from error
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            raise unknown_run(execution_id) from error
        if error.status in (RPCStatusCode.UNAVAILABLE, RPCStatusCode.INTERNAL):
            raise
        raise NoAnswer(error.message) from error


def unknown_run(execution_id: str) -> Problem:
    """Return what to say of a run that neither server nor store knows."""
    return Problem(
        run_words.unknown_run(execution_id),
        code=ExitCode.USAGE,
        slug="unknown-run",
        remedy=run_words.UNKNOWN_RUN_REMEDY,
    )


def no_answer(execution_id: str) -> Problem:
    """Return what to say of a live run that cannot be asked."""
    return Problem(
        connection_words.no_answer(execution_id),
        code=ExitCode.FAILED,
        slug="no-worker",
        remedy=connection_words.NO_ANSWER_REMEDY,
    )


async def list_runs(
    connection: Connection, *, states: Sequence[str] = (), definition: str | None = None, limit: int = 20
) -> AsyncIterator[RunLine]:
    """Yield runs, the newest first; a chain of continued runs is one."""
    count, seen = 0, set[str]()
    async for execution in connection.client.list_workflows(f"WorkflowType = '{WORKFLOW_TYPE}'"):
        line = _line(execution)
        is_wanted = (not states or line.status in states) and (definition is None or line.definition_id == definition)
        if not is_wanted or line.execution_id in seen:
            continue
        seen.add(line.execution_id)
        yield line
        count += 1
        if count >= limit:
            return


async def runs_with_definition(connection: Connection, definition: str, limit: int) -> AsyncIterator[str]:
    """Yield the ids of runs that have not ended and that run a definition, or have it as a part."""
    count = 0
    query_text = f"WorkflowType = '{WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'"
    async for execution in connection.client.list_workflows(query_text):
        parts = _NAMES.validate_python((await execution.memo()).get(DEFINITIONS_MEMO) or [])
        if _line(execution).definition_id == definition or definition in parts:
            yield execution.id
            count += 1
        if count >= limit:
            return


def _line(execution: WorkflowExecution) -> RunLine:
    from temporalio.common import SearchAttributeKey

    attributes = execution.typed_search_attributes
    definition = attributes.get(SearchAttributeKey.for_keyword("PerdureDefinition"))
    return RunLine(
        execution_id=execution.id,
        definition_id=definition or _definition_in(execution.id),
        status=_state(execution, attributes.get(SearchAttributeKey.for_keyword("PerdureStatus"))),
        open_gates=attributes.get(SearchAttributeKey.for_int("PerdureOpenGates")) or 0,
        started_at=execution.start_time,
        ended_at=execution.close_time,
    )


def _state(execution: WorkflowExecution, recorded: str | None) -> str:
    """Return the state: the server's word on ended runs, the run's own on live ones and on rejections."""
    own = recorded or "running"
    match execution.status.name if execution.status is not None else "RUNNING":
        case "COMPLETED":
            return "completed"
        case "CANCELED":
            return "cancelled"
        case "FAILED":
            return "rejected" if own == "rejected" else "failed"
        case "TERMINATED" | "TIMED_OUT":
            return "failed"
        case _:
            return own


def _definition_in(execution_id: str) -> str:
    """Return the definition's id where the run's id was made from it."""
    parts = execution_id.rsplit("-", 2)
    is_ours = len(parts) == 3 and parts[1].isdigit() and len(parts[1]) == 8
    return parts[0] if is_ours else "unknown"


async def _described(connection: Connection, execution_id: str) -> WorkflowExecutionDescription | None:
    """Return what the server knows of a run, None where it knows nothing."""
    from temporalio.service import RPCError, RPCStatusCode

    try:
        return await connection.handle(execution_id).describe()
    except RPCError as error:
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            return None
        raise


async def _closing_event(connection: Connection, description: WorkflowExecutionDescription) -> HistoryEvent | None:
    """Return the last event of a run that has ended. Never asked of a live one: the server would wait for its end."""
    from temporalio.client import WorkflowHistoryEventFilterType

    handle = connection.client.get_workflow_handle(description.id, run_id=description.run_id)
    only_close = WorkflowHistoryEventFilterType.CLOSE_EVENT
    events = [event async for event in handle.fetch_history_events(event_filter_type=only_close)]
    return events[-1] if events and closings.is_end(events[-1]) else None
