"""The one workflow, `perdure.run`: it interprets any definition.

    __init__    what a message may need, since a signal can come before `run`
    run         prepare, walk, finish; or continue as new with the ledger so far
    handlers    pause, resume, cancel, decide: each an update with a typed refusal, and a signal
    queries     status, ledger, definition, graph, gates, events, report

A fault of the user fails the run; a defect of ours fails the workflow task, which waits for a mended worker.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import JsonValue
from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from definitions.errors import ErrorClass
    from definitions.graph import mermaid
    from definitions.locks import LOCK_SIGNAL, LockWord
    from definitions.messages import (
        DEFINITIONS_MEMO,
        WORKFLOW_TYPE,
        Answer,
        Cancel,
        CancelCall,
        Decide,
        EventsQuery,
        FinishCall,
        PartQuery,
        Pause,
        PrepareCall,
        Prepared,
        Report,
        Resume,
        RunInput,
    )
    from definitions.models import Definition
    from definitions.records import Gate, StepError
    from definitions.statuses import Event, Status
    from definitions.steps import all_steps
    from definitions.stored_values import json_size
    from workflows import gates
    from workflows.compensation import compensate
    from workflows.course import run_course
    from workflows.ending import Ending, result_of
    from workflows.incoming import NO_INPUT, dropping, plain, read_input, read_message, refusing
    from workflows.interpreter import Interpreter
    from workflows.live_run import LiveRun
    from workflows.reporting import events_part, first_part, ledger_part
    from workflows.run_error import run_error
    from workflows.scope import Scopes
    from workflows.steps import HANDLERS
    from workflows.temporal_host import HEARTBEAT_TIMEOUT, LOST_WORKERS, Controls, TemporalHost, see_cancel

BOOKKEEPING_TIME = timedelta(hours=1)
FINISH_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30), maximum_attempts=20
)
CARRIED_LIMIT = 1_500_000
"""Bytes of a ledger with which a run still continues as new; over 2 MB the server would terminate it."""
PAUSE = 'Start nothing new; the running step ends. {"reason": "deploy", "by": "ana"}'
RESUME = 'Go on after a pause. {"by": "ana", "steps": {"deploy": "retry"}}'
CANCEL = 'End the run: what runs is ended politely, then hard. {"reason": "wrong branch", "by": "ana"}'
NAMED = "For a `wait` step with this `signal`; what it carries is the output `payload`."
LOCK_WORD = "From the lock of the run's concurrency group, not for people: its turn has come, or has not"
DECIDE = 'Decide at an open gate. {"gate": "plan_ok", "verdict": "approve", "by": "ana", "comment": "fine"}'


@workflow.defn(name=WORKFLOW_TYPE)
class RunDefinition:
    """A run of a definition."""

    @workflow.init
    def __init__(self, request: RawValue = NO_INPUT) -> None:
        read = read_input(request)
        self._malformed = read if isinstance(read, str) else None
        self._live = LiveRun(RunInput(definition="") if isinstance(read, str) else read, self._make_host)

    @workflow.run
    async def run(self, request: RawValue = NO_INPUT) -> dict[str, JsonValue]:
        """Run a definition. Input: `{"definition": "raise-coverage", "inputs": {"module": "src/prices.py"}}`."""
        if self._malformed is not None:
            raise ApplicationError(self._malformed, type="input-not-valid", non_retryable=True)
        prepared = self._live.progress.prepared or await self._prepare()
        walk = asyncio.create_task(self._walk(prepared))
        try:
            await workflow.wait_condition(lambda: walk.done() or self._may_leave())
            while not walk.done():
                await self._continue_as_new(prepared)
                await workflow.wait_condition(lambda: walk.done() or self._may_leave())
            ending = walk.result()
        except asyncio.CancelledError:
            walk.cancel()
            await asyncio.gather(walk, return_exceptions=True)
            await self._undo(prepared)
            ending = Ending("cancelled")
        return await self._finish(prepared, ending)

    def _make_host(self, controls: Controls, provider: str | None) -> TemporalHost:
        """Return the run's host; `simulated_run` has another."""
        return TemporalHost(controls, provider)

    # --- the course of a run ------------------------------------------------------------------------

    async def _prepare(self) -> Prepared:
        progress = self._live.progress
        progress.started_at = self._live.host.now()
        call = PrepareCall(
            execution_id=progress.execution_id, request=self._live.request, started_at=progress.started_at
        )
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
            self._live.end(
                Ending(
                    "failed", StepError(type=cause.type or ErrorClass.INTERNAL, message=cause.message, step="prepare")
                )
            )
            raise ApplicationError(cause.message, *cause.details, type=cause.type, non_retryable=True) from error
        self._live.adopt(prepared)
        if prepared.library:  # for who wants to delete one of them
            workflow.upsert_memo({DEFINITIONS_MEMO: sorted({str(one["id"]) for one in prepared.library.values()})})
        return prepared

    async def _walk(self, prepared: Prepared) -> Ending:
        live = self._live
        interpreter = self._interpreter(prepared)
        definition = interpreter.definition
        if (refused := await self._take_turn(prepared)) is not None:
            return Ending("failed", refused)
        if live.is_new:
            live.attributes.started(definition.id)
            live.tell("run_started", definition=definition.name, version=definition.version, rerun_of=prepared.rerun_of)
            live.tell_kept()
        if definition.timeout is not None and live.book.deadline is None:
            live.book.deadline = (live.progress.started_at or live.host.now()) + definition.timeout
        course = await run_course(interpreter, prepared.tree)
        live.progress.tree, live.progress.outputs = course.tree, course.outputs
        return course.ending

    async def _take_turn(self, prepared: Prepared) -> StepError | None:
        """Return when no other run of the concurrency group goes; an error where this one does not wait for that."""
        claimed, carried = prepared.concurrency, self._live.request.carried
        if claimed is None:
            return None
        if carried is not None and not carried.is_waiting:
            self._live.turn.keep(claimed)
            return None
        return await self._live.turn.take(claimed)

    def _interpreter(self, prepared: Prepared) -> Interpreter:
        live = self._live
        definition = Definition.model_validate(prepared.definition)
        library = {name: Definition.model_validate(body) for name, body in prepared.library.items()}
        started = live.progress.started_at or live.host.now()
        live.total_steps = sum(1 for _ in all_steps(definition.steps))
        facts: dict[str, JsonValue] = {"id": live.progress.execution_id, "started_at": started.isoformat()}
        scopes = Scopes(definition, prepared.inputs, prepared.env, facts, live.book)
        return Interpreter(definition, live.journal, live.book, scopes, live.host, HANDLERS, library=library)

    async def _undo(self, prepared: Prepared) -> None:
        """Undo what a cancelled run did; nothing holds that up, and a second cancel ends it."""
        self._live.controls.is_ending = True
        self._live.forget_broken_undoing()
        interpreter = self._interpreter(prepared)
        await asyncio.create_task(compensate(interpreter))

    async def _finish(self, prepared: Prepared, ending: Ending) -> dict[str, JsonValue]:
        self._live.end(ending)
        await self._live.turn.give_back()
        await self._write_report(prepared)
        await workflow.wait_condition(workflow.all_handlers_finished)
        result = result_of(self._live.status())
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
        """Whether to continue as new now: no activity runs, and somebody found the history long, or nobody starts."""
        controls = self._live.controls
        if controls.in_flight:
            return False
        if workflow.info().is_continue_as_new_suggested() and not controls.is_too_big:
            controls.is_leaving = True
        return controls.is_leaving

    async def _continue_as_new(self, prepared: Prepared) -> None:
        """Leave for a new history; return where the ledger is too big for that, and the run goes on in this one."""
        if json_size(self._successor()) > CARRIED_LIMIT:
            self._live.controls.stay()
            return
        await self._write_report(prepared)
        see_cancel()  # the activity may have swallowed it
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(self._successor())

    def _successor(self) -> dict[str, JsonValue]:
        """Return the input with which the run goes on."""
        request = self._live.request.model_copy(update={"carried": self._live.carried()})
        return request.model_dump(mode="json", exclude_defaults=True)

    # --- controls -----------------------------------------------------------------------------------

    @workflow.update(name="pause", description=PAUSE)
    async def pause(self, message: Any = None) -> Answer:
        """Pause the run."""
        with refusing():
            return self._live.pause(read_message(Pause, message))

    @pause.validator
    def _may_pause(self, message: Any = None) -> None:
        with refusing():
            read_message(Pause, message)
            self._live.check_pause()

    @workflow.signal(name="pause", description=PAUSE)
    async def pause_signal(self, message: Any = None) -> None:
        """Pause the run; where it is paused already, nothing happens."""
        with dropping():
            self._live.pause(read_message(Pause, message))

    @workflow.update(name="resume", description=RESUME)
    async def resume(self, message: Any = None) -> Answer:
        """Resume a paused run."""
        with refusing():
            return self._live.resume(await self._live.with_typed_inputs(read_message(Resume, message)))

    @resume.validator
    def _may_resume(self, message: Any = None) -> None:
        with refusing():
            read_message(Resume, message)
            self._live.check_resume()

    @workflow.signal(name="resume", description=RESUME)
    async def resume_signal(self, message: Any = None) -> None:
        """Resume the run; where it is not paused, nothing happens."""
        with dropping():
            self._live.resume(await self._live.with_typed_inputs(read_message(Resume, message)))

    @workflow.update(name="cancel", description=CANCEL)
    async def cancel(self, message: Any = None) -> Answer:
        """Request Temporal's own cancellation of this run."""
        with refusing():
            await self._request_cancel(read_message(Cancel, message))
        return Answer(status="cancelled", message="cancellation was requested")

    @cancel.validator
    def _may_cancel(self, message: Any = None) -> None:
        with refusing():
            read_message(Cancel, message)
            self._live.check_lives()

    @workflow.signal(name="cancel", description=CANCEL)
    async def cancel_signal(self, message: Any = None) -> None:
        """Request Temporal's own cancellation of this run."""
        with dropping():
            await self._request_cancel(read_message(Cancel, message))

    async def _request_cancel(self, message: Cancel) -> None:
        """Ask by an activity: a run that ended itself by a signal would close as failed."""
        self._live.check_lives()
        await workflow.execute_activity(
            "request_cancel",
            CancelCall(execution_id=self._live.progress.execution_id, reason=message.reason),
            start_to_close_timeout=timedelta(seconds=30),
            summary=f"cancel by {message.by}"[:80],
        )

    @workflow.update(name="decide", description=DECIDE)
    async def decide(self, message: Any = None) -> Answer:
        """Decide at an open gate."""
        with refusing():
            return self._live.decide(read_message(Decide, message))

    @decide.validator
    def _may_decide(self, message: Any = None) -> None:
        with refusing():
            self._live.check_decide(read_message(Decide, message))

    @workflow.signal(name="decide", description=DECIDE)
    async def decide_signal(self, message: Any = None) -> None:
        """Decide at an open gate; what cannot be taken is dropped."""
        with dropping():
            self._live.decide(read_message(Decide, message))

    @workflow.signal(dynamic=True, description=NAMED)
    async def named_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Keep a signal for the `wait` that names it."""
        with dropping():
            self._live.keep_signal(name, plain(arguments))

    @workflow.signal(name=LOCK_SIGNAL, description=LOCK_WORD)
    async def lock_signal(self, message: Any = None) -> None:
        """Take the answer of the lock of the run's concurrency group."""
        with dropping():
            self._live.turn.told(read_message(LockWord, message))

    # --- queries ------------------------------------------------------------------------------------

    @workflow.query(name="status", description="The status record: state, steps, gates, outputs")
    def status(self) -> Status:
        """Return the status record."""
        return self._live.status()

    @workflow.query(name="ledger", description="All that is known of the run, by step path")
    def ledger(self, query: PartQuery | None = None) -> dict[str, JsonValue]:
        """Return the ledger, or that with some of its records; without what is as it is by default."""
        return ledger_part(self._live.book.freeze(), query).model_dump(mode="json", exclude_defaults=True)

    @workflow.query(name="definition", description="The definition as it was frozen at the start")
    def definition(self) -> dict[str, JsonValue]:
        """Return the normalised definition."""
        prepared = self._live.progress.prepared
        return {} if prepared is None else prepared.definition

    @workflow.query(name="graph", description="The definition as a Mermaid graph")
    def graph(self) -> str:
        """Return the graph."""
        frozen = self.definition()
        return mermaid(Definition.model_validate(frozen)) if frozen else ""

    @workflow.query(name="gates", description="The open gates and what they show")
    def gates(self) -> list[Gate]:
        """Return the open gates."""
        return gates.open_gates(self._live.book)

    @workflow.query(name="events", description='What happened so far. {"after": 12}')
    def events(self, query: EventsQuery | None = None) -> list[Event]:
        """Return events with a sequence above `after`, at most `limit`."""
        return events_part(self._live.events, query or EventsQuery())

    @workflow.query(name="report", description="What is written to the store when the run ends")
    def report(self, query: PartQuery | None = None) -> dict[str, JsonValue]:
        """Return status, ledger and events, or the first of them; `ledger` and `events` have the others."""
        report = Report.model_construct(  # of parts that are valid: to check them again takes long
            status=self.status(),
            ledger=self._live.book.freeze(),
            events=self._live.events,
            prepared=self._live.progress.prepared,
        )
        return first_part(report, query).model_dump(mode="json", exclude_defaults=True)
