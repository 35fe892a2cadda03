"""The state of a live run: ledger, progress, events; and what a control does to it.

The workflow's handlers are thin: they read a message, ask here, and answer. Details and search attributes follow
every change of the ledger.
"""

import asyncio
from collections.abc import Callable

from pydantic import JsonValue
from temporalio import workflow

from definitions.messages import Answer, Carried, Decide, Pause, Prepared, Resume, RunInput
from definitions.records import Ledger, Resumption, RunHandle, Signal
from definitions.statuses import Event, EventType, Status
from definitions.stored_values import json_size
from workflows import gates, status
from workflows.details import current_details
from workflows.ending import Ending, output_artifacts
from workflows.events import Journal
from workflows.gates import Refusal
from workflows.ledger import Book
from workflows.resuming import checked_inputs, with_files
from workflows.temporal_host import Controls, TemporalHost
from workflows.turns import Turn
from workflows.visibility import Attributes

MOST_SIGNALS = 50
"""How many names of signals are kept for a `wait` to come."""
SIGNAL_LIMIT = 4096
"""Bytes that a signal may carry."""

_END_EVENTS: dict[str, EventType] = {
    "completed": "run_completed",
    "failed": "run_failed",
    "cancelled": "run_cancelled",
    "rejected": "run_rejected",
}


class LiveRun:
    """A run while its workflow lives."""

    def __init__(
        self, request: RunInput, make_host: Callable[[Controls, str | None], TemporalHost] = TemporalHost
    ) -> None:
        info = workflow.info()
        carried = request.carried
        self.request = request
        self.book = Book(Ledger() if carried is None else carried.ledger)
        self.controls = Controls(self.book, self.changed, self._emit, self._paused_by)
        self.host = make_host(self.controls, request.provider)
        self.events: list[Event] = []
        self._is_stale = False
        self.total_steps = 0
        self.progress = status.Progress(
            execution_id=info.workflow_id,
            created_at=info.workflow_start_time if carried is None else carried.created_at,
            definition_hint=request.definition if isinstance(request.definition, str) else "",
        )
        handle = RunHandle(execution_id=info.workflow_id, definition_id=self.progress.definition_hint, context="")
        self.journal = Journal(handle, self.book, self.host)
        self.attributes = Attributes(len(gates.open_gates(self.book)))
        self.turn = Turn(self.controls, self._turn_changed)
        if carried is not None:
            self.progress.started_at = carried.started_at
            self.adopt(carried.prepared)

    def adopt(self, prepared: Prepared) -> None:
        """Take the frozen run over, and what fast-forward found; what came by message meanwhile stays."""
        if prepared.ledger is not None:
            self.book.adopt(prepared.ledger)
        self.progress.prepared = prepared.model_copy(update={"ledger": None})
        self.journal.run = prepared.run
        self.attributes.known = prepared.search_attributes

    @property
    def is_new(self) -> bool:
        """Whether the run has begun nothing before."""
        return self.request.carried is None or self.request.carried.is_waiting

    def forget_broken_undoing(self) -> None:
        """Drop what undid a step and was cancelled at it: it is done anew."""
        for path, record in list(self.book.records.items()):
            if "/compensate/" in path and record.status == "cancelled":
                self.book.forget(path)

    def carried(self) -> Carried:
        """Return what continue-as-new hands on."""
        prepared, started_at = self.progress.prepared, self.progress.started_at
        assert prepared is not None and started_at is not None, "a run continues as new only once it is prepared"  # noqa: S101, PT018
        return Carried(
            prepared=prepared,
            ledger=self.book.freeze(),
            created_at=self.progress.created_at,
            started_at=started_at,
            is_waiting=self.progress.is_waiting,
        )

    def end(self, ending: Ending) -> None:
        """Record how the run ended."""
        self.journal.leave_phase()
        self.progress.state = ending.state
        self.progress.error = ending.error
        self.progress.completed_at = self.host.now()
        reason = None if ending.error is None else ending.error.model_dump(mode="json", exclude_none=True)
        self.tell(_END_EVENTS[ending.state], error=reason)

    # --- what follows the ledger --------------------------------------------------------------------

    def _emit(self, event: Event) -> None:
        self.events.append(event)

    def changed(self) -> None:
        """Have search attributes follow at once, and current details once for all that happens at this moment."""
        self.progress.updated_at = self.host.now()
        self.progress.phase = self.journal.phase
        self.attributes.follow(status.run_state(self.progress, self.book), gates.open_gates(self.book))
        if not self._is_stale:
            self._is_stale = True
            asyncio.get_running_loop().call_soon(self._describe)

    def _describe(self) -> None:
        self._is_stale = False
        waiting, state = gates.open_gates(self.book), status.run_state(self.progress, self.book)
        now, reason = self.host.now(), self.progress.reason
        text = current_details(self.progress.execution_id, state, self.total_steps, self.book, waiting, now, reason)
        workflow.set_current_details(text)

    def _paused_by(self, path: str | None) -> None:
        self.journal.write("run_paused", path, reason=self.book.pause_reason)
        self.changed()

    def tell(self, kind: EventType, **data: JsonValue) -> None:
        """Write an event of the run itself."""
        self.journal.write(kind, None, **data)
        self.changed()

    def tell_kept(self) -> None:
        """Write the events of what a rerun keeps: the run's list of events is whole by itself."""
        for path, record in self.book.records.items():
            if record.kept_from is not None:
                self.journal.step_ended(path, record)

    def status(self) -> Status:
        """Return the status record."""
        record = status.status(self.progress, self.book)
        return record.model_copy(update={"artifacts": record.artifacts + output_artifacts(self.progress.outputs)})

    # --- controls -----------------------------------------------------------------------------------

    def _turn_changed(self) -> None:
        """Follow what the lock of the run's concurrency group says."""
        turn, progress = self.turn, self.progress
        is_news = turn.reason is not None and turn.reason != progress.reason
        progress.is_waiting, progress.reason = turn.is_waiting, turn.reason
        if is_news:
            self.journal.write("log", message=turn.reason)
        if turn.is_waiting and progress.prepared is not None:
            self.attributes.waits(progress.prepared.run.definition_id)
        self.changed()

    @property
    def has_ended(self) -> bool:
        """Whether the run takes no more controls."""
        return self.progress.state is not None

    def check_lives(self) -> None:
        """Raise `Refusal` where the run has ended."""
        if self.has_ended:
            raise Refusal("already-ended", f"the run has ended: {self.progress.state}")

    def check_pause(self) -> None:
        """Raise `Refusal` where the run cannot be paused."""
        self.check_lives()
        if self.book.paused:
            raise Refusal("already-paused", "the run is paused already")

    def check_resume(self) -> None:
        """Raise `Refusal` where there is nothing to resume."""
        self.check_lives()
        if not self.book.paused:
            raise Refusal("not-paused", "the run is not paused")

    def check_decide(self, message: Decide) -> None:
        """Raise `Refusal` where a decision cannot be taken."""
        self.check_lives()
        gates.check(self.book, message)

    def pause(self, message: Pause) -> Answer:
        """Pause: the running step ends, nothing new starts."""
        self.check_pause()
        self.book.paused = True
        self.book.pause_reason = message.reason
        self.tell("run_paused", reason=message.reason, by=message.by)
        return Answer(status="paused")

    def resume(self, message: Resume) -> Answer:
        """Go on; what is said of held steps, and inputs given anew, are kept for them."""
        self.check_resume()
        self.check_resumed_steps(message)
        self.book.paused = False
        self.book.pause_reason = None
        self.book.inputs = {**self.book.inputs, **message.inputs}
        for path, record in self.book.records.items():
            if record.held:
                action = message.steps.get(path, "retry")
                self.book.resumptions[path] = Resumption(action=action, by=message.by)
        self.tell(
            "run_resumed", by=message.by, actions={**message.steps} or None, inputs=[*sorted(message.inputs)] or None
        )
        self.controls.stir("start")
        for path in self.book.resumptions:
            self.controls.stir(f"resumption {path}")
        return Answer(status=status.run_state(self.progress, self.book))

    def check_resumed_steps(self, message: Resume) -> None:
        """Raise `Refusal` where a step is named that does not wait, or an input that does not fit."""
        held = [path for path, record in self.book.records.items() if record.held]
        for path in message.steps:
            if path not in held:
                named = ", ".join(f"`{one}`" for one in held) or "none"
                raise Refusal("not-held", f"step `{path}` does not wait for anybody; there are {named}")
        prepared = self.progress.prepared
        if message.inputs and prepared is not None:
            checked_inputs(prepared, self.book.inputs, message.inputs)

    async def with_typed_inputs(self, message: Resume) -> Resume:
        """Return a message with its inputs as a run has them. Raises `Refusal` where it cannot be taken."""
        self.check_resume()
        self.check_resumed_steps(message)
        prepared = self.progress.prepared
        if not message.inputs or prepared is None:
            return message
        given = checked_inputs(prepared, self.book.inputs, message.inputs)
        return message.model_copy(update={"inputs": await with_files(self.host, prepared, given)})

    def keep_signal(self, name: str, payload: JsonValue) -> None:
        """Keep a signal until a `wait` takes it; the last of each name. Raises `Refusal` where it cannot be kept."""
        self.check_lives()
        if name not in self.book.signals and len(self.book.signals) >= MOST_SIGNALS:
            raise Refusal("too-many-signals", f"{MOST_SIGNALS} signals wait to be taken; `{name}` is dropped")
        if json_size(payload) > SIGNAL_LIMIT:
            raise Refusal("signal-too-large", f"`{name}` carries more than {SIGNAL_LIMIT} bytes; send a reference")
        self.book.signals[name] = Signal(name=name, payload=payload, received_at=self.host.now())
        self.controls.stir(f"signal {name}")

    def decide(self, message: Decide) -> Answer:
        """Take a decision at an open gate."""
        self.check_lives()
        answer = gates.take(self.book, message, self.request.starter, self.host.now())
        self.controls.stir(f"gate {message.gate or self.book.decisions[-1].gate}")
        return answer
