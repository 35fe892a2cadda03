"""Walks a definition over a ledger, with the effects of a host.

One visit of a step is: what the ledger knows, else `when`, then its body (for each item, in passes, or once), then
what the outcome means for the list it stands in. Plain async code: no Temporal, no clock, no I/O; whatever is decided
is in the ledger before the next effect.

    interpreter   visits, and what is recorded of them     iterations   `for_each`
    attempts      one body: attempts and their retries     loops        `loop`
    step_gates    `approval` before, `accept` after        compensation what undoes
    lists         how the steps of a list follow           evaluations  values and conditions
    steps/        step types without an activity
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from definitions.errors import ErrorClass, StepFailure
from definitions.models import Definition
from definitions.records import StepError, StepRecord, StepResult
from definitions.routes import exhausted_target, failure_target, success_target
from definitions.steps import Step
from workflows import attempts, iterations, loops, step_gates
from workflows.evaluations import Evaluator
from workflows.events import Journal
from workflows.failures import add_usage, error_of, step_failure
from workflows.frames import Frame
from workflows.host import Host
from workflows.ledger import ENDED_STEP, Book
from workflows.places import END, Place, RunFailed, Visit
from workflows.scope import Scopes, answer_fields

Level = Literal["step", "item", "pass"]


class Handler(Protocol):
    """What a step type does that has no activity of its own."""

    async def __call__(self, interpreter: "Interpreter", step: Any, place: Place) -> StepResult:
        """Make one attempt. Raises `StepFailure`."""
        ...


class Interpreter:
    """Interprets one definition of a run; the ledger in `book` is the only state."""

    def __init__(
        self,
        definition: Definition,
        journal: Journal,
        book: Book,
        scopes: Scopes,
        host: Host,
        handlers: "Mapping[str, Handler]",
        *,
        library: Mapping[str, Definition] | None = None,
    ) -> None:
        self.definition = definition
        self.book = book
        self.scopes = scopes
        self.host = host
        self.journal = journal
        self.evaluator = Evaluator(scopes, host, journal.run)
        self.handlers = handlers
        self.library: Mapping[str, Definition] = library or {}
        """The other definitions that `workflow` steps run, by the names that the steps have for them."""
        self.answer_fields = answer_fields(definition)

    def inside(self, definition: Definition, scopes: Scopes) -> "Interpreter":
        """Return an interpreter of another definition in the same run."""
        return Interpreter(
            definition,
            self.journal,
            self.book,
            scopes,
            self.host,
            self.handlers,
            library=self.library,
        )

    # --- a visit ------------------------------------------------------------------------------------

    async def visit(
        self, step: Step, frame: Frame, tree: str | None, blocked: str | None = None, entered_from: str | None = None
    ) -> Visit:
        """Take a step to its end, or read it back from the ledger.

        Args:
            step: The step.
            frame: The walk of its list.
            tree: The tree before it.
            blocked: Why it must be skipped (a need that failed or was skipped), if it must.
            entered_from: The path of the step that jumped to it, if one did.

        Raises:
            StepFailure: It failed and its list shall stop; `details["error"]` is the `StepError`.
            RunFailed: It failed and the run shall fail.
        """
        while True:
            place, record = await self._visit_once(step, frame, tree, blocked, entered_from)
            if not record.reworked:
                return self._route(step, place, record)
            tree, blocked, entered_from = record.tree if record.tree is not None else tree, None, place.path

    async def _visit_once(
        self, step: Step, frame: Frame, tree: str | None, blocked: str | None, entered_from: str | None
    ) -> tuple[Place, StepRecord]:
        number = frame.enter(step.id)
        place = Place(frame.path(step.id, number), tree, frame)
        if number > step.max_visits:
            message = f"jumps led to `{step.id}` more than {step.max_visits} times, which is its `max_visits`"
            raise step_failure(StepError(type=ErrorClass.VISITS_EXHAUSTED, message=message, step=place.path))
        record = self.book.get(place.path)
        if record is not None and record.status in ENDED_STEP and not record.held:
            self.read_back(place.path, record)
            return place, record
        if record is None or record.status == "pending":
            record = await self._enter(step, place, number, blocked, entered_from)
        else:
            self.journal.enter_phase(step.phase, silently=True)
        if record.status not in ENDED_STEP:
            record = await step_gates.work(self, step, place)
        while record.status == "failed" and step.on_failure == "pause" and not record.reworked:
            record = await self._hold(step, place)
            if not record.held:
                break
        return place, record

    async def body(self, step: Step, place: Place, level: Level = "step") -> StepRecord:
        """Do what a step does: once for each item, in passes, or once, as it says and as far as it is not inside."""
        if step.for_each is not None and level == "step":
            return await iterations.run(self, step, step.for_each, place)
        if step.loop is not None and level != "pass":
            return await loops.run(self, step, step.loop, place)
        return await attempts.run(self, step, place)

    async def _enter(
        self, step: Step, place: Place, visit: int, blocked: str | None, entered_from: str | None
    ) -> StepRecord:
        await self.host.may_start(is_long=step.queue == "agent")
        reason = blocked
        if reason is None and step.when is not None:
            try:
                holds = await self.evaluator.condition(step.when, place)
            except StepFailure as failure:
                self.begin(step, place)
                return self.fail(step, place.path, failure)
            reason = None if holds else f"`when` is false: {step.when.strip()}"
        if reason is not None:
            return self.skip(step, place.path, reason, visit=visit, entered_from=entered_from)
        return self.begin(step, place, visit=visit, entered_from=entered_from)

    def read_back(self, path: str, record: StepRecord) -> None:
        """Go on from a record that is known already, and tell of it where it was found in the cache."""
        is_found = self.book.takes_untold(path)
        self.journal.enter_phase(record.phase, silently=not is_found)
        if not is_found:
            return
        for inside, known in self.book.inside(path):
            if self.book.takes_untold(inside):
                self.journal.step_ended(inside, known)
        self.journal.step_ended(path, record)

    async def _hold(self, step: Step, place: Place) -> StepRecord:
        """Pause the run over a failed step, and do with it what a person says."""
        self.book.update(place.path, held=True)
        try:
            resumption = await self.host.resumption(place.path)
        finally:
            record = self.book.update(place.path, held=False)
        match resumption.action:
            case "retry":
                self._forget_unfinished(step, place.path)
                self.book.update(
                    place.path,
                    status="running",
                    attempt=record.attempt + 1,
                    error=None,
                    rule_attempts=[],
                    produced=False,
                    acceptance=None,
                )
                self.journal.write("step_retrying", place.path, attempt=record.attempt + 1, by=resumption.by)
                self.host.changed()
                record = await step_gates.work(self, step, place)
                return record.model_copy(update={"held": record.status == "failed"})
            case "skip":
                return self.skip(step, place.path, f"skipped by `{resumption.by}` after it failed", error=record.error)
            case "fail":
                return record

    def _forget_unfinished(self, step: Step, path: str) -> None:
        """Drop what a retry does anew: of a `for_each` the items that did not complete, of a loop its last pass."""
        if step.for_each is None and step.loop is None:
            self.book.forget_below(path)
            return
        for inside, record in list(self.book.records.items()):
            if inside.startswith((f"{path}[", f"{path}#")) and record.status in ("failed", "cancelled"):
                self.book.forget(inside)

    # --- what is recorded ---------------------------------------------------------------------------

    def begin(
        self, step: Step, place: Place, *, visit: int = 1, entered_from: str | None = None, of: int | None = None
    ) -> StepRecord:
        """Record that a step, an item or a pass begins; `of`: how many items there are, or passes at most."""
        known = self.book.get(place.path)
        if known is not None and known.status != "pending":
            return known
        self.journal.enter_phase(step.phase)
        record = self.book.put(
            place.path,
            StepRecord(
                status="running",
                type=step.type,
                attempt=1,
                visit=visit,
                started_at=self.host.now(),
                phase=step.phase,
                summary=None if step.summary is None else self.evaluator.summary(step.summary, place),
                entered_from=entered_from,
                tree_before=place.tree,
                items=None if known is None else known.items,
                iteration=None if known is None else known.iteration,
            ),
        )
        self.journal.write("step_started", place.path, type=step.type, name=step.name, summary=record.summary, of=of)
        self.host.changed()
        return record

    def skip(self, step: Step, path: str, reason: str, **facts: object) -> StepRecord:
        """Record that a step is skipped."""
        now = self.host.now()
        record = StepRecord(status="skipped", type=step.type, reason=reason, started_at=now, completed_at=now)
        return self._end(path, record.model_copy(update=facts))

    def complete(self, step: Step, path: str, result: StepResult, **facts: object) -> StepRecord:
        """Record that a step, an item or a pass completed; a step that `accept` is asked over has only produced."""
        record = completed(self.book.get(path) or StepRecord(type=step.type), result)
        if step.accept is not None and is_whole(path):
            return self.book.put(path, record.model_copy(update={"status": "running", "produced": True, **facts}))
        return self._end(path, record.model_copy(update={"completed_at": self.host.now(), **facts}))

    def accepted(self, step: Step, path: str) -> StepRecord:
        """Record that what a step produced was accepted: it has completed."""
        record = self.book.get(path) or StepRecord(type=step.type)
        changes = {"status": "completed", "produced": False, "completed_at": self.host.now()}
        return self._end(path, record.model_copy(update=changes))

    def fail(
        self, step: Step, path: str, failure: StepFailure, *, is_final: bool = False, **facts: object
    ) -> StepRecord:
        """Record that a step, an item or a pass failed; `is_final`: so does the run, whatever the step says."""
        record = self.book.get(path) or StepRecord(type=step.type)
        error = error_of(failure, path)
        return self._end(
            path,
            record.model_copy(
                update={
                    "status": "failed",
                    "tree_before": None,
                    "error": error,
                    "handled": not is_final and is_handled(step, path, error),
                    "log": error.log,
                    "cache_key": error.cache_key,
                    "completed_at": self.host.now(),
                    "wake_at": None,
                    "deadline": None,
                    **facts,
                }
            ),
        )

    def cancel(self, path: str) -> None:
        """Record that a step, an item or a pass was cancelled."""
        record = self.book.get(path) or StepRecord()
        self._end(
            path, record.model_copy(update={"status": "cancelled", "completed_at": self.host.now(), "wake_at": None})
        )

    def _end(self, path: str, record: StepRecord) -> StepRecord:
        self.book.put(path, record)
        self.journal.step_ended(path, record)
        self.host.changed()
        return record

    # --- what follows -------------------------------------------------------------------------------

    def _route(self, step: Step, place: Place, record: StepRecord) -> Visit:
        """Say what an ended step means for its list."""
        if record.status == "cancelled":
            raise asyncio.CancelledError
        if record.status != "failed":
            tree = record.tree if record.tree is not None else place.tree
            return Visit(record, tree, self._success_target(step, place))
        error = record.error or StepError(type=ErrorClass.INTERNAL, message="unknown", step=place.path)
        if is_exhausted(step, place.path, error):
            return Visit(record, place.tree, exhausted_target(step))
        match step.on_failure:
            case "continue":
                return Visit(record, place.tree)
            case "end":
                return Visit(record, place.tree, END)
            case "fail":
                raise RunFailed(error)
            case "stop" | "pause":
                raise step_failure(error)
            case target:
                return Visit(record, place.tree, target)

    @staticmethod
    def _success_target(step: Step, place: Place) -> str | None:
        if step.on_success == "fail":
            message = f"step `{place.path}` ended well, and its `on_success` is `fail`"
            raise RunFailed(StepError(type=ErrorClass.ROUTED, message=message, step=place.path))
        return END if step.on_success == END else success_target(step)


def completed(record: StepRecord, result: StepResult) -> StepRecord:
    """Return a record with the result of its last attempt."""
    return record.model_copy(
        update={
            "status": "completed",
            "outputs": result.outputs,
            "artifacts": result.artifacts,
            "published": result.published,
            "fetched": result.fetched,
            "tree": result.tree,
            "tree_before": None if result.tree == record.tree_before else record.tree_before,
            "cached": result.cached,
            "cache_key": result.cache_key,
            "log": result.log,
            "usage": add_usage(record.usage, result.usage),
            "enforced_by": result.enforced_by,
            "notes": result.notes,
            "wake_at": None,
            "deadline": None,
        }
    )


def is_whole(path: str) -> bool:
    """Whether a path is that of a step's visit, not of an item or a pass of it."""
    return not {"#", "["} & set(path.rpartition("/")[2])


def is_exhausted(step: Step, path: str, error: StepError) -> bool:
    """Whether a failure is that the step's own loop, or an item's, is used up, and a step is named for that.

    A loop inside the step fails with the same class; what follows then is for `on_failure` to say.
    """
    inside = error.step.removeprefix(path)
    is_own = error.step.startswith(path) and {"/", "#"}.isdisjoint(inside)
    return is_own and error.type == ErrorClass.LOOP_EXHAUSTED and exhausted_target(step) is not None


def is_handled(step: Step, path: str, error: StepError) -> bool:
    """Whether the run goes on, or ends well, in spite of a failure."""
    goes_on = step.on_failure in ("continue", "end") or failure_target(step) is not None
    return goes_on or is_exhausted(step, path, error)
