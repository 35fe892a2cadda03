"""The one workflow, `perdure.run`: it interprets any definition.

    __init__    what a message may need, since a signal can come before `run`
    run         prepare, walk, finish; or continue as new with the ledger so far
    handlers    pause, resume, cancel, decide: each an update with a typed refusal, and a signal
    queries     status, ledger, definition, graph, gates, events, report

A fault of the user fails the run; a defect of ours fails the workflow task, which waits for a mended worker.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey, SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from definitions.errors import ErrorClass, StepFailure
    from definitions.graph import mermaid
    from definitions.messages import (
        WORKFLOW_TYPE,
        Answer,
        Cancel,
        CancelCall,
        Carried,
        Decide,
        EventsQuery,
        FinishCall,
        Pause,
        PrepareCall,
        Prepared,
        Report,
        Resume,
        RunInput,
    )
    from definitions.models import Definition
    from definitions.records import ENDED, Event, EventType, Gate, Ledger, RunHandle, Status, StepError
    from workflows import details, gates
    from workflows import status as status_record
    from workflows.ending import Ending, ending_of, output_artifacts, result_of, run_error, run_outputs
    from workflows.events import Journal
    from workflows.gates import Refusal
    from workflows.interpreter import Interpreter, RunFailed
    from workflows.ledger import Book
    from workflows.lists import run_list
    from workflows.scope import Scopes, step_paths
    from workflows.steps import HANDLERS
    from workflows.temporal_host import HEARTBEAT_TIMEOUT, LOST_WORKERS, Controls, TemporalHost

Read = TypeVar("Read", bound=BaseModel)

APPROVERS_LIMIT = 20
BOOKKEEPING_TIME = timedelta(hours=1)
FINISH_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30), maximum_attempts=20
)
_END_EVENTS: dict[str, EventType] = {
    "completed": "run_completed",
    "failed": "run_failed",
    "cancelled": "run_cancelled",
    "rejected": "run_rejected",
}


@workflow.defn(name=WORKFLOW_TYPE)
class RunDefinition:
    """A run of a definition."""

    @workflow.init
    def __init__(self, request: Any = None) -> None:
        info = workflow.info()
        self._malformed: str | None = None
        self._request = self._read(request)
        carried = self._request.carried
        self._book = Book(Ledger() if carried is None else carried.ledger)
        self._controls = Controls(self._book, self._changed, self._emit)
        self._host = TemporalHost(self._controls)
        self._events: list[Event] = []
        self._total_steps = 0
        self._attributes: dict[str, object] = {}
        self._progress = status_record.Progress(
            execution_id=info.workflow_id,
            created_at=info.workflow_start_time if carried is None else carried.created_at,
            definition_hint=self._request.definition if isinstance(self._request.definition, str) else "",
            prepared=None if carried is None else carried.prepared,
            started_at=None if carried is None else carried.started_at,
        )
        handle = RunHandle(execution_id=info.workflow_id, definition_id=self._progress.definition_hint, context="")
        self._journal = Journal(handle if carried is None else carried.prepared.run, self._book, self._host)

    def _read(self, request: object) -> RunInput:
        try:
            return RunInput.model_validate(request if request is not None else {})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            self._malformed = f"the input of {WORKFLOW_TYPE} is not valid: `{where}`: {first['msg'].lower()}"
            return RunInput(definition="")

    @workflow.run
    async def run(self, request: Any = None) -> dict[str, JsonValue]:
        """Run a definition. Input: `{"definition": "raise-coverage", "inputs": {"module": "src/prices.py"}}`."""
        if self._malformed is not None:
            example = '`{"definition": "NAME", "inputs": {}}`'
            raise ApplicationError(
                f"{self._malformed}; it looks like {example}", type="input-not-valid", non_retryable=True
            )
        prepared = self._progress.prepared or await self._prepare()
        walk = asyncio.create_task(self._walk(prepared))
        try:
            await workflow.wait_condition(lambda: walk.done() or self._may_leave())
            if not walk.done():
                await self._continue_as_new(prepared)
            ending = walk.result()
        except asyncio.CancelledError:
            walk.cancel()
            await asyncio.gather(walk, return_exceptions=True)
            ending = Ending("cancelled")
        return await self._finish(prepared, ending)

    # --- the course of a run ------------------------------------------------------------------------

    async def _prepare(self) -> Prepared:
        now = workflow.now()
        call = PrepareCall(execution_id=workflow.info().workflow_id, request=self._request, started_at=now)
        try:
            prepared = await workflow.execute_activity(
                "prepare",
                call,
                result_type=Prepared,
                start_to_close_timeout=BOOKKEEPING_TIME,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=LOST_WORKERS,
                summary="prepare",
            )
        except ActivityError as error:
            cause = error.cause
            if not isinstance(cause, ApplicationError):
                raise
            self._progress.state = "failed"
            self._progress.error = StepError(
                type=cause.type or ErrorClass.INTERNAL, message=cause.message, step="prepare"
            )
            raise ApplicationError(cause.message, *cause.details, type=cause.type, non_retryable=True) from error
        if prepared.ledger is not None:
            self._adopt(prepared.ledger)
        self._progress.prepared = prepared.model_copy(update={"ledger": None})
        self._progress.started_at = now
        return prepared

    def _adopt(self, ledger: Ledger) -> None:
        """Take over what fast-forward found; what came by message meanwhile stays."""
        for path, record in ledger.records.items():
            self._book.put(path, record)

    async def _walk(self, prepared: Prepared) -> Ending:
        definition = Definition.model_validate(prepared.definition)
        self._total_steps = len(step_paths(definition.steps))
        started = self._progress.started_at or workflow.now()
        facts: dict[str, JsonValue] = {"id": workflow.info().workflow_id, "started_at": started.isoformat()}
        scopes = Scopes(definition, prepared.inputs, prepared.env, facts, self._book)
        is_new = self._request.carried is None
        self._journal.run = prepared.run
        interpreter = Interpreter(definition, self._journal, self._book, scopes, self._host, HANDLERS, announce=is_new)
        if is_new:
            self._set_attributes(PerdureDefinition=definition.id, PerdureStatus="running")
            self._journal.write("run_started", None, definition=definition.name, version=definition.version)
        if definition.timeout is not None and self._book.deadline is None:
            self._book.deadline = started + definition.timeout
        try:
            seconds = None if self._book.deadline is None else (self._book.deadline - workflow.now()).total_seconds()
            async with asyncio.timeout(seconds):
                self._progress.tree = await run_list(interpreter, definition.steps, "", prepared.tree)
                self._progress.outputs = await run_outputs(interpreter, scopes, self._book, self._progress.tree)
        except TimeoutError:
            message = f"the run took longer than its time, {definition.timeout}"
            return Ending("failed", StepError(type=ErrorClass.TIMEOUT, message=message, step=""))
        except (StepFailure, RunFailed) as failure:
            return ending_of(failure, "outputs")
        return Ending("completed")

    async def _finish(self, prepared: Prepared, ending: Ending) -> dict[str, JsonValue]:
        now = workflow.now()
        self._journal.leave_phase()
        self._progress.state = ending.state
        self._progress.error = ending.error
        self._progress.completed_at = now
        reason = None if ending.error is None else ending.error.model_dump(mode="json", exclude_none=True)
        self._journal.write(_END_EVENTS[ending.state], None, error=reason)
        self._changed()
        await self._write_report(prepared)
        await workflow.wait_condition(workflow.all_handlers_finished)
        result = result_of(self.status())
        match ending.state:
            case "completed":
                return result
            case "cancelled":
                raise asyncio.CancelledError
            case _:
                raise run_error(ending, result)

    async def _write_report(self, prepared: Prepared) -> None:
        """Have the run written to the store; a store that stays away does not change how the run ended."""
        try:
            await workflow.execute_activity(
                "finish",
                FinishCall(run=prepared.run),
                start_to_close_timeout=timedelta(minutes=5),
                schedule_to_close_timeout=timedelta(minutes=10),
                retry_policy=FINISH_RETRY,
                summary="finish",
            )
        except ActivityError:
            workflow.logger.warning("the record of the run could not be written to the store")

    def _may_leave(self) -> bool:
        return self._controls.is_leaving and self._controls.in_flight == 0

    async def _continue_as_new(self, prepared: Prepared) -> None:
        ledger = self._book.freeze()
        await self._write_report(prepared)
        await workflow.wait_condition(workflow.all_handlers_finished)
        carried = Carried(
            prepared=prepared.model_copy(update={"ledger": None}),
            ledger=self._book.freeze() if self._book.decisions != ledger.decisions else ledger,
            created_at=self._progress.created_at,
            started_at=self._progress.started_at or workflow.now(),
        )
        request = self._request.model_copy(update={"carried": carried})
        workflow.continue_as_new(request.model_dump(mode="json", exclude_defaults=True))

    # --- what follows the ledger --------------------------------------------------------------------

    def _emit(self, event: Event) -> None:
        self._events.append(event)

    def _changed(self) -> None:
        now = workflow.now()
        self._progress.updated_at = now
        self._progress.phase = self._journal.phase
        waiting = gates.open_gates(self._book)
        state = status_record.run_state(self._progress, self._book)
        text = details.current_details(self._progress.execution_id, state, self._total_steps, self._book, waiting, now)
        workflow.set_current_details(text)
        self._follow_gates(state, waiting)

    def _follow_gates(self, state: str, waiting: list[Gate]) -> None:
        """Change search attributes when a gate opens or closes and when the run ends; never per step."""
        had_gates = bool(self._attributes.get("PerdureOpenGates"))
        if state in ENDED and not had_gates:
            self._set_attributes(PerdureStatus=state)
        elif len(waiting) != self._attributes.get("PerdureOpenGates", 0) or state in ENDED:
            names = [name for gate in waiting for name in [*gate.users, *gate.groups]]
            approvers = [name[:60] for name in dict.fromkeys(names)][:APPROVERS_LIMIT]
            self._set_attributes(PerdureStatus=state, PerdureOpenGates=len(waiting), PerdureApprovers=approvers)

    def _set_attributes(self, **values: str | int | list[str]) -> None:
        prepared = self._progress.prepared
        known = [] if prepared is None else prepared.search_attributes
        changes: list[SearchAttributeUpdate[Any]] = []
        for name, value in values.items():
            if name not in known or self._attributes.get(name) == value:
                continue
            self._attributes[name] = value
            changes.append(_attribute(name, value))
        if changes:
            workflow.upsert_search_attributes(changes)  # pyright: ignore[reportUnknownMemberType]

    # --- controls -----------------------------------------------------------------------------------

    @workflow.update(name="pause", description='Start nothing new. {"reason": "deploy", "by": "ana"}')
    async def pause(self, message: Any = None) -> Answer:
        """Pause the run: the running step ends, nothing new starts."""
        return self._pause(_read_message(Pause, message))

    @pause.validator
    def _may_pause(self, message: Any = None) -> None:
        _read_message(Pause, message)
        self._refuse_if(self._book.paused, "already-paused", "the run is paused already")

    @workflow.signal(name="pause", description='Start nothing new. {"reason": "deploy", "by": "ana"}')
    async def pause_signal(self, message: Any = None) -> None:
        """Pause the run; where it is paused already, nothing happens."""
        with _dropped_when_unfit():
            asked = _read_message(Pause, message)
            if not self._book.paused and not self._has_ended():
                self._pause(asked)

    @workflow.update(name="resume", description='Go on after a pause. {"by": "ana"}')
    async def resume(self, message: Any = None) -> Answer:
        """Resume a paused run."""
        return self._resume(_read_message(Resume, message))

    @resume.validator
    def _may_resume(self, message: Any = None) -> None:
        _read_message(Resume, message)
        self._refuse_if(not self._book.paused, "not-paused", "the run is not paused")

    @workflow.signal(name="resume", description='Go on after a pause. {"by": "ana"}')
    async def resume_signal(self, message: Any = None) -> None:
        """Resume the run; where it is not paused, nothing happens."""
        with _dropped_when_unfit():
            asked = _read_message(Resume, message)
            if self._book.paused and not self._has_ended():
                self._resume(asked)

    @workflow.update(name="cancel", description='End the run. {"reason": "wrong branch", "by": "ana"}')
    async def cancel(self, message: Any = None) -> Answer:
        """Request Temporal's own cancellation of this run."""
        await self._request_cancel(_read_message(Cancel, message))
        return Answer(status="cancelled", message="cancellation was requested")

    @cancel.validator
    def _may_cancel(self, message: Any = None) -> None:
        _read_message(Cancel, message)
        self._refuse_if(False, "", "")

    @workflow.signal(name="cancel", description='End the run. {"reason": "wrong branch", "by": "ana"}')
    async def cancel_signal(self, message: Any = None) -> None:
        """Request Temporal's own cancellation of this run."""
        with _dropped_when_unfit():
            asked = _read_message(Cancel, message)
            if not self._has_ended():
                await self._request_cancel(asked)

    @workflow.update(
        name="decide",
        description='Decide at a gate. {"gate": "plan_ok", "verdict": "approve", "by": "ana", "comment": "fine"}',
    )
    async def decide(self, message: Any = None) -> Answer:
        """Decide at an open gate."""
        try:
            return self._decide(_read_message(Decide, message))
        except Refusal as refusal:
            raise ApplicationError(refusal.message, type=refusal.code, non_retryable=True) from refusal

    @decide.validator
    def _may_decide(self, message: Any = None) -> None:
        self._refuse_if(False, "", "")
        try:
            gates.check(self._book, _read_message(Decide, message))
        except Refusal as refusal:
            raise ApplicationError(refusal.message, type=refusal.code, non_retryable=True) from refusal

    @workflow.signal(
        name="decide",
        description='Decide at a gate. {"gate": "plan_ok", "verdict": "approve", "by": "ana", "comment": "fine"}',
    )
    async def decide_signal(self, message: Any = None) -> None:
        """Decide at an open gate; what cannot be taken is dropped."""
        with _dropped_when_unfit():
            self._decide(_read_message(Decide, message))

    def _has_ended(self) -> bool:
        return self._progress.state is not None

    def _refuse_if(self, is_refused: bool, code: str, message: str) -> None:
        if self._has_ended():
            raise ApplicationError("the run has ended", type="already-ended", non_retryable=True)
        if is_refused:
            raise ApplicationError(message, type=code, non_retryable=True)

    def _pause(self, message: Pause) -> Answer:
        self._book.paused = True
        self._book.pause_reason = message.reason
        self._tell("run_paused", reason=message.reason, by=message.by)
        return Answer(status="paused")

    def _resume(self, message: Resume) -> Answer:
        self._book.paused = False
        self._book.pause_reason = None
        self._tell("run_resumed", by=message.by)
        self._controls.stir("start")
        return Answer(status=status_record.run_state(self._progress, self._book))

    async def _request_cancel(self, message: Cancel) -> None:
        await workflow.execute_activity(
            "request_cancel",
            CancelCall(execution_id=workflow.info().workflow_id, reason=message.reason),
            start_to_close_timeout=timedelta(seconds=30),
            summary=f"cancel by {message.by}"[:80],
        )

    def _decide(self, message: Decide) -> Answer:
        answer = gates.take(self._book, message, self._request.starter, workflow.now())
        self._controls.stir(f"gate {self._book.decisions[-1].gate}")
        return answer

    def _tell(self, kind: EventType, **data: JsonValue) -> None:
        self._journal.write(kind, None, **data)
        self._changed()

    # --- queries ------------------------------------------------------------------------------------

    @workflow.query(name="status", description="The status record: state, steps, gates, outputs")
    def status(self) -> Status:
        """Return the status record."""
        record = status_record.status(self._progress, self._book)
        return record.model_copy(update={"artifacts": record.artifacts + output_artifacts(self._progress.outputs)})

    @workflow.query(name="ledger", description="All that is known of the run, by step path")
    def ledger(self) -> Ledger:
        """Return the ledger."""
        return self._book.freeze()

    @workflow.query(name="definition", description="The definition as it was frozen at the start")
    def definition(self) -> dict[str, JsonValue]:
        """Return the normalised definition."""
        return {} if self._progress.prepared is None else self._progress.prepared.definition

    @workflow.query(name="graph", description="The definition as a Mermaid graph")
    def graph(self) -> str:
        """Return the graph."""
        frozen = self.definition()
        return mermaid(Definition.model_validate(frozen)) if frozen else ""

    @workflow.query(name="gates", description="The open gates and what they show")
    def gates(self) -> list[Gate]:
        """Return the open gates."""
        return gates.open_gates(self._book)

    @workflow.query(name="events", description='What happened so far. {"after": 12}')
    def events(self, query: EventsQuery | None = None) -> list[Event]:
        """Return events with a sequence above `after`, at most `limit`."""
        asked = query or EventsQuery()
        return [event for event in self._events if event.sequence > asked.after][: asked.limit]

    @workflow.query(name="report", description="What is written to the store when the run ends")
    def report(self) -> Report:
        """Return status, ledger and events."""
        return Report(status=self.status(), ledger=self.ledger(), events=self._events)


def _read_message(kind: type[Read], message: object) -> Read:
    """Return a message as its model. Raises an ApplicationError of type `malformed` that shows what it looks like."""
    try:
        return kind.model_validate({} if message is None else message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the message"
        example = (kind.__doc__ or "").strip()
        text = f"`{where}`: {first['msg'].lower()}; {example[0].lower()}{example[1:]}"
        raise ApplicationError(text, type="malformed", non_retryable=True) from error


@contextlib.contextmanager
def _dropped_when_unfit() -> Iterator[None]:
    """Drop a signal that cannot be taken: nobody waits for an answer, and an error would fail the run."""
    try:
        yield
    except (Refusal, ApplicationError, ActivityError) as error:
        workflow.logger.info("a signal was dropped: %s", error)


def _attribute(name: str, value: str | int | list[str]) -> SearchAttributeUpdate[Any]:
    match value:
        case str():
            return SearchAttributeKey.for_keyword(name).value_set(value)
        case int():
            return SearchAttributeKey.for_int(name).value_set(value)
        case _:
            key = SearchAttributeKey.for_keyword_list(name)
            return key.value_set(value) if value else key.value_unset()
