"""The interpreter's host, on Temporal.

One attempt is one activity. The author's retries are the interpreter's; Temporal's own attempts cover
lost workers only. A cancelled activity is waited for, so that nothing races a live process. Work stops
starting while the run is paused, and when the history is long enough to continue as new.
"""

import asyncio
import builtins
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel, JsonValue
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, TimeoutError

from definitions.errors import ErrorClass, StepFailure
from definitions.messages import AGENT_QUEUE_SUFFIX
from definitions.records import (
    ActivityCall,
    Decision,
    EvaluateCall,
    EvaluateResult,
    Gate,
    Items,
    ItemsCall,
    MergeCall,
    MergeResult,
    Resumption,
    Signal,
    StartedRun,
    StartRunCall,
    StepCall,
    StepError,
    StepResult,
)
from definitions.statuses import Event
from definitions.steps import ActivityStep, AgentStep, Step
from workflows.gates import accepted_decision
from workflows.ledger import Book

HEARTBEAT_TIMEOUT = timedelta(seconds=10)
"""How long a worker may be silent before its steps are given to another."""
UNBOUNDED = timedelta(days=30)
"""Start-to-close of a step without a timeout; a lost worker is found by its heartbeat."""
SLACK = timedelta(hours=2)
"""Time for files before and after a step, beyond its own timeout (which the activity keeps itself): longer than a
worker waits for a store that is away. A lost worker is found by its heartbeat."""
LOST_WORKERS = RetryPolicy(initial_interval=timedelta(milliseconds=200), backoff_coefficient=2, maximum_attempts=5)
NO_RETRY = RetryPolicy(maximum_attempts=1)
"""For other people's activities: whether one may run twice is the author's to say, with `retry`."""
SUMMARY_LIMIT = 80
HISTORY_LIMIT = 20_000
"""Events past which nothing new starts, whatever still runs."""
FULL_HISTORY = 45_000
"""Events past which a run that cannot continue as new pauses; at 51,200 the server would end it."""
HISTORY_SIZE = 20_000_000
"""Bytes of history past which nothing new starts."""

Result = TypeVar("Result", bound=BaseModel)


@dataclass(slots=True)
class Controls:
    """What the workflow's handlers and the host share."""

    book: Book
    on_change: Callable[[], None]
    on_event: Callable[[Event], None]
    on_pause: Callable[[str | None], None] = lambda path: None
    """Told that the run pauses, and of the step whose failure is why."""
    in_flight: int = 0
    """Activities that run now."""
    is_leaving: bool = False
    """Whether nothing new starts because the run continues as new."""
    is_ending: bool = False
    """Whether the run was cancelled and undoes: neither a pause nor a long history holds that up."""
    is_too_big: bool = False
    """Whether the ledger is too big to continue as new."""
    _stirred: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])

    def event(self, name: str) -> asyncio.Event:
        """Return the event that `stir(name)` sets."""
        return self._stirred.setdefault(name, asyncio.Event())

    def stay(self) -> None:
        """Go on in this history, though it is long."""
        self.is_too_big, self.is_leaving = True, False
        self.stir("start")

    def stir(self, name: str) -> None:
        """Wake whoever waits for `name`."""
        self.event(name).set()


class TemporalHost:
    """The effects of a run, as commands of its workflow."""

    def __init__(self, controls: Controls, provider: str | None = None) -> None:
        self._controls = controls
        self._provider = provider
        """Runs all agent steps, where the starter said so."""

    def now(self) -> datetime:
        """Return the workflow's time."""
        return workflow.now()

    async def may_start(self, *, is_long: bool = False, is_race: bool = False) -> None:
        """Wait while the run is paused or about to continue as new.

        Here a cancel that came too late for the activity before is seen: an activity that ends well in spite
        of its cancellation gives its result, and the cancellation of the task that waited for it would be lost.
        It is looked for before waiting too: nobody would wake one that was cancelled already.
        """
        see_cancel()
        while self._is_closed(is_long=is_long):
            event = self._controls.event("start")
            event.clear()
            await event.wait()
        see_cancel()

    def _is_closed(self, *, is_long: bool) -> bool:
        controls = self._controls
        if controls.is_ending:
            return False
        info = workflow.info()
        if controls.is_too_big:
            self._pause_when_full(info.get_current_history_length())
        elif not controls.is_leaving and info.is_continue_as_new_suggested():
            nothing_runs = controls.in_flight == 0
            is_full = (
                info.get_current_history_length() >= HISTORY_LIMIT or info.get_current_history_size() >= HISTORY_SIZE
            )
            controls.is_leaving = nothing_runs or is_long or is_full
        return controls.is_leaving or controls.book.paused

    def _pause_when_full(self, length: int) -> None:
        """Pause a run that cannot continue as new before the server ends it."""
        book = self._controls.book
        if length >= FULL_HISTORY and not book.paused:
            book.paused, book.pause_reason = (
                True,
                f"the history has {length} events, and the ledger is too big to leave it",
            )
            self._controls.on_pause(None)

    async def run_step(self, call: StepCall, step: Step) -> StepResult:
        """Run an attempt as an activity named by the step's type.

        What it found ahead counts only if no input was given anew meanwhile: it was found with those of before.
        """
        inputs = self._controls.book.inputs
        timeout = UNBOUNDED if step.timeout is None else step.timeout + SLACK
        queue = workflow.info().task_queue + (AGENT_QUEUE_SUFFIX if step.queue == "agent" else "")
        result = await self._activity(
            step.type, call, StepResult, call.path, timeout, queue, summary(call, step, self._provider)
        )
        if result.found is not None and self._controls.book.inputs == inputs:
            self._controls.book.foresee(result.found)
        return result

    async def call_activity(self, call: ActivityCall, step: ActivityStep) -> JsonValue:
        """Call by the name that the author gave, once.

        The step's time counts from here: where nobody polls the queue, it would never begin. A cancelled one that
        heartbeats is waited for; one that does not may never hear of it.
        """
        beats = step.heartbeat_timeout is not None
        cancellation = workflow.ActivityCancellationType
        self._controls.in_flight += 1
        try:
            return await workflow.execute_activity(  # without a type its result is plain JSON
                call.activity,
                args=list(call.arguments),
                task_queue=call.task_queue,
                schedule_to_close_timeout=step.timeout,
                start_to_close_timeout=UNBOUNDED if step.timeout is None else step.timeout,
                heartbeat_timeout=step.heartbeat_timeout,
                retry_policy=NO_RETRY,
                cancellation_type=cancellation.WAIT_CANCELLATION_COMPLETED if beats else cancellation.TRY_CANCEL,
                summary=f"{call.path} \u00b7 {call.activity}"[:SUMMARY_LIMIT],
            )
        except ActivityError as error:
            raise activity_failure(error, call) from error
        finally:
            self._controls.in_flight -= 1

    async def start_run(self, call: StartRunCall) -> None:
        """Start by the activity `start_run`."""
        await self._activity("start_run", call, StartedRun, call.path, SLACK, None, f"{call.path} \u00b7 start")

    async def items(self, call: ItemsCall) -> Items:
        """Freeze or read by the activity `items`."""
        return await self._activity("items", call, Items, call.path, SLACK, None, f"{call.path} \u00b7 items")

    async def evaluate(self, call: EvaluateCall) -> dict[str, JsonValue]:
        """Evaluate by the activity `evaluate`."""
        result = await self._activity("evaluate", call, EvaluateResult, call.path, SLACK, None, call.path)
        return dict(result.values)

    async def merge(self, call: MergeCall) -> str:
        """Merge by the activity `merge`."""
        return (await self._activity("merge", call, MergeResult, call.path, SLACK, None, call.path)).tree

    async def _activity(
        self,
        name: str,
        call: BaseModel,
        result: type[Result],
        path: str,
        timeout: timedelta,
        queue: str | None,
        title: str,
    ) -> Result:
        self._controls.in_flight += 1
        try:
            return await workflow.execute_activity(
                name,
                call,
                result_type=result,
                task_queue=queue,
                start_to_close_timeout=timeout,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=LOST_WORKERS,
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                summary=title[:SUMMARY_LIMIT],
            )
        except ActivityError as error:
            raise failure_of(error, path) from error
        finally:
            self._controls.in_flight -= 1

    async def sleep_until(self, moment: datetime, summary: str) -> None:
        """Sleep by a timer of the server."""
        see_cancel()
        remaining = moment - self.now()
        if remaining > timedelta():
            await workflow.sleep(remaining, summary=summary[:SUMMARY_LIMIT])

    def time_limit(self, deadline: datetime | None) -> AbstractAsyncContextManager[object]:
        """Return a block with a timer of the server as its limit."""
        return asyncio.timeout(None if deadline is None else (deadline - self.now()).total_seconds())

    async def decision(self, gate: Gate) -> Decision | None:
        """Wait for a decision that a handler recorded."""
        see_cancel()
        event = self._controls.event(f"gate {gate.gate}")
        while (decision := accepted_decision(self._controls.book, gate)) is None:
            if gate.deadline is not None and gate.deadline <= self.now():
                return None
            event.clear()
            if not await self.wait_for(event, gate.deadline, f"{gate.gate}: the gate closes"):
                return accepted_decision(self._controls.book, gate)
        return decision

    async def signal(self, name: str, deadline: datetime | None, summary: str) -> Signal | None:
        """Take the signal from the ledger, where the workflow's handler puts it."""
        see_cancel()
        event = self._controls.event(f"signal {name}")
        signals = self._controls.book.signals
        while name not in signals:
            if deadline is not None and deadline <= self.now():
                return None
            event.clear()
            if not await self.wait_for(event, deadline, f"{summary}: signal {name}"):
                return signals.pop(name, None)
        return signals.pop(name)

    async def resumption(self, path: str) -> Resumption:
        """Pause the run, unless somebody has spoken already, and wait."""
        see_cancel()
        book = self._controls.book
        if path not in book.resumptions and not book.paused:
            book.paused, book.pause_reason = True, f"step `{path}` failed"
            self._controls.on_pause(path)
        while path not in book.resumptions:
            event = self._controls.event(f"resumption {path}")
            event.clear()
            await event.wait()
        await self.may_start()
        return book.resumptions.pop(path)

    async def wait_for(self, event: asyncio.Event, deadline: datetime | None, summary: str) -> bool:
        """Wait until `event` is set; return whether that was before `deadline`."""
        remaining = None if deadline is None else (deadline - self.now()).total_seconds()
        try:
            await workflow.wait_condition(event.is_set, timeout=remaining, timeout_summary=summary[:SUMMARY_LIMIT])
        except builtins.TimeoutError:
            return False
        return True

    def emit(self, event: Event) -> None:
        """Keep an event for the query `events`."""
        self._controls.on_event(event)

    def changed(self) -> None:
        """Bring details and search attributes up to date."""
        self._controls.on_change()


def see_cancel() -> None:
    """Raise the cancellation of the current task where what it waited for ended all the same."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def summary(call: StepCall, step: Step, provider: str | None = None) -> str:
    """Return an attempt's line in the Web UI's timeline: the step path first, then who runs it."""
    parts = [call.path]
    if isinstance(step, AgentStep) and (agent := provider or step.provider) is not None:
        parts.append(agent)
    if call.attempt > 1:
        parts.append(f"attempt {call.attempt}")
    return " \u00b7 ".join(parts)


def activity_failure(error: ActivityError, call: ActivityCall) -> StepFailure | asyncio.CancelledError:
    """Return what the failure of somebody's activity means for the step that called it."""
    cause = error.cause
    if isinstance(cause, CancelledError):
        return asyncio.CancelledError()
    if isinstance(cause, TimeoutError):
        return StepFailure(ErrorClass.TIMEOUT, f"activity `{call.activity}` did not end in time: {cause.message}")
    kind = cause.type if isinstance(cause, ApplicationError) else None
    message = getattr(cause, "message", None) or str(error)
    return StepFailure(
        ErrorClass.ACTIVITY, f"activity `{call.activity}` failed: {message[:2000]}", {"activity_error": kind}
    )


def failure_of(error: ActivityError, path: str) -> StepFailure | asyncio.CancelledError:
    """Return what a failed activity means for its step."""
    cause = error.cause
    if isinstance(cause, CancelledError):
        return asyncio.CancelledError()
    if isinstance(cause, ApplicationError) and cause.type in set(ErrorClass) and cause.details:
        reported = StepError.model_validate(cause.details[0])
        return StepFailure(ErrorClass(reported.type), reported.message, {"error": reported.model_dump(mode="json")})
    if isinstance(cause, TimeoutError) or (isinstance(cause, ApplicationError) and cause.type == "worker-stopped"):
        return StepFailure(
            ErrorClass.LOST, f"the workers that ran `{path}` died or stopped, {LOST_WORKERS.maximum_attempts} times"
        )
    message = str(cause) if cause is not None else str(error)
    return StepFailure(ErrorClass.INTERNAL, f"`{path}` met a defect of Perdure: {message[:500]}")
