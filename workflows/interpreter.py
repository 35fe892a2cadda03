"""Walks a definition over a ledger, with the effects of a host.

One visit of a step is: what the ledger knows, else `when`, then attempts (each by the step type's
own code, by default an activity), then what the outcome means for the list it stands in. Plain async
code: no Temporal, no clock, no I/O; whatever is decided is in the ledger before the next effect.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import JsonValue

from definitions.errors import ErrorClass, ExpressionError, StepFailure
from definitions.expressions import FilesNeeded, evaluate_condition, parse_condition
from definitions.models import Definition
from definitions.records import (
    INLINE_LIMIT,
    EvaluateCall,
    StepCall,
    StepError,
    StepRecord,
    StepResult,
    json_size,
)
from definitions.references import references
from definitions.steps import AgentStep, Step
from definitions.steps.base import Retry
from definitions.templates import render_value
from workflows.events import Journal
from workflows.failures import add_usage, error_of, expression_failure, retry_policy, step_failure, wait_before
from workflows.host import Host
from workflows.ledger import ENDED_STEP, Book
from workflows.scope import Reference, Scopes, answer_fields, condition_references, references_in


class RunFailed(Exception):
    """The run shall fail, whatever groups stand around the step (`on_failure: fail`)."""

    def __init__(self, error: StepError) -> None:
        self.error = error
        super().__init__(error.message)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a visit happens: the step's path and the tree that it starts from."""

    path: str
    tree: str | None


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visit came to: the tree to go on from, and whether its list goes on."""

    record: StepRecord
    tree: str | None
    goes_on: bool = True


class Handler(Protocol):
    """What a step type does that has no activity of its own."""

    async def __call__(self, interpreter: "Interpreter", step: Any, place: Place) -> StepResult:
        """Make one attempt. Raises `StepFailure`."""
        ...


class Interpreter:
    """Interprets one run; the ledger in `book` is the only state."""

    def __init__(
        self,
        definition: Definition,
        journal: Journal,
        book: Book,
        scopes: Scopes,
        host: Host,
        handlers: "Mapping[str, Handler]",
        *,
        announce: bool = False,
    ) -> None:
        self.definition = definition
        self.book = book
        self.scopes = scopes
        self.host = host
        self.journal = journal
        self._handlers = handlers
        self._answer_fields = answer_fields(definition)
        self._announce = announce
        """Whether records that are known already (from the cache) are still to be told as events."""

    # --- a visit ------------------------------------------------------------------------------------

    async def visit(self, step: Step, place: Place, blocked: str | None = None) -> Visit:
        """Take a step to its end, or read it back from the ledger.

        Args:
            step: The step.
            place: Its path and the tree before it.
            blocked: Why it must be skipped (a need that failed or was skipped), if it must.

        Raises:
            StepFailure: It failed and its list shall stop; `details["error"]` is the `StepError`.
            RunFailed: It failed and the run shall fail.
        """
        record = self.book.get(place.path)
        if record is not None and record.status in ENDED_STEP:
            self._read_back(place.path, record)
            return self._route(step, place, record)
        if record is None:
            await self.host.may_start(is_long=step.queue == "agent")
            reason = blocked if blocked is not None else await self._skip_reason(step, place)
            record = self._begin(step, place.path) if reason is None else self._skip(step, place.path, reason)
        else:
            self.journal.enter_phase(step.phase, silently=True)
        if record.status not in ENDED_STEP:
            record = await self._attempts(step, place)
        return self._route(step, place, record)

    def _read_back(self, path: str, record: StepRecord) -> None:
        self.journal.enter_phase(record.phase, silently=not self._announce)
        if self._announce:
            for inside, known in self.book.below(path):
                self.journal.step_ended(inside, known)
            self.journal.step_ended(path, record)

    async def _skip_reason(self, step: Step, place: Place) -> str | None:
        if step.when is None:
            return None
        try:
            holds = await self.condition(step.when, place)
        except StepFailure as failure:
            self._begin(step, place.path)
            self._fail(step, place.path, failure)
            return None
        return None if holds else f"`when` is false: {step.when.strip()}"

    def _begin(self, step: Step, path: str) -> StepRecord:
        known = self.book.get(path)
        if known is not None:
            return known
        self.journal.enter_phase(step.phase)
        record = self.book.put(
            path,
            StepRecord(
                status="running",
                type=step.type,
                attempt=1,
                started_at=self.host.now(),
                phase=step.phase,
                summary=self._summary(step),
            ),
        )
        self.journal.write("step_started", path, type=step.type, name=step.name, summary=record.summary)
        self.host.changed()
        return record

    def _skip(self, step: Step, path: str, reason: str) -> StepRecord:
        now = self.host.now()
        record = StepRecord(status="skipped", type=step.type, reason=reason, started_at=now, completed_at=now)
        return self._end(path, record)

    def _end(self, path: str, record: StepRecord) -> StepRecord:
        self.book.put(path, record)
        self.journal.step_ended(path, record)
        self.host.changed()
        return record

    def _route(self, step: Step, place: Place, record: StepRecord) -> Visit:
        """Say what an ended step means for its list."""
        if record.status != "failed":
            return Visit(record, record.tree if record.tree is not None else place.tree)
        error = record.error or StepError(type=ErrorClass.INTERNAL, message="unknown", step=place.path)
        match step.on_failure:
            case "continue":
                return Visit(record, place.tree)
            case "end":
                return Visit(record, place.tree, goes_on=False)
            case "fail":
                raise RunFailed(error)
            case "stop":
                raise step_failure(error)

    # --- attempts -----------------------------------------------------------------------------------

    async def _attempts(self, step: Step, place: Place) -> StepRecord:
        retry = retry_policy(step)
        while True:
            record = self.book.get(place.path) or self._begin(step, place.path)
            if record.wake_at is not None:
                await self.host.sleep_until(record.wake_at, f"{place.path}: before attempt {record.attempt}")
                await self.host.may_start()
                self.book.update(place.path, wake_at=None)
            try:
                result = await self._attempt(step, place)
            except StepFailure as failure:
                failed = self._after_failure(step, place.path, failure, retry)
                if failed is not None:
                    return failed
            except RunFailed as failure:
                self._fail(step, place.path, step_failure(failure.error))
                raise
            except asyncio.CancelledError:
                self._cancel(place.path)
                raise
            else:
                return self._complete(place.path, result)

    async def _attempt(self, step: Step, place: Place) -> StepResult:
        handler = self._handlers.get(step.type)
        if handler is not None:
            return await handler(self, step, place)
        return await self._activity(step, place)

    async def _activity(self, step: Step, place: Place) -> StepResult:
        record = self.book.get(place.path)
        call = StepCall(
            run=self.journal.run,
            path=place.path,
            attempt=1 if record is None else record.attempt,
            step=step.model_dump(mode="json", by_alias=True, exclude_defaults=True),
            values=self.scopes.projection(references(step)),
            tree=place.tree,
            answer_fields=self._answer_fields.get(step.id, []) if isinstance(step, AgentStep) else [],
            spent=None if record is None else record.usage,
        )
        return await self.host.run_step(call, step)

    def _after_failure(self, step: Step, path: str, failure: StepFailure, retry: Retry) -> StepRecord | None:
        """Record a failed attempt; return the record where it was the last, else None."""
        record = self.book.get(path) or StepRecord()
        error = error_of(failure, path)
        usage = add_usage(record.usage, error.usage)
        is_retried = record.attempt < retry.max_attempts and (retry.on is None or failure.error_class in retry.on)
        if not is_retried:
            self.book.update(path, usage=usage)
            return self._fail(step, path, failure)
        self.book.forget_below(path)
        wait = wait_before(retry, record.attempt)
        self.book.update(
            path,
            attempt=record.attempt + 1,
            wake_at=self.host.now() + wait,
            usage=usage,
            status="running",
            deadline=None,
        )
        self.journal.write(
            "step_retrying",
            path,
            attempt=record.attempt + 1,
            max_attempts=retry.max_attempts,
            seconds=wait.total_seconds(),
            error=error.model_dump(mode="json", exclude_none=True),
        )
        self.host.changed()
        return None

    def _complete(self, path: str, result: StepResult) -> StepRecord:
        record = self.book.get(path) or StepRecord()
        return self._end(
            path,
            record.model_copy(
                update={
                    "status": "completed",
                    "outputs": result.outputs,
                    "artifacts": result.artifacts,
                    "tree": result.tree,
                    "cached": result.cached,
                    "cache_key": result.cache_key,
                    "log": result.log,
                    "usage": add_usage(record.usage, result.usage),
                    "enforced_by": result.enforced_by,
                    "notes": result.notes,
                    "completed_at": self.host.now(),
                    "wake_at": None,
                    "deadline": None,
                }
            ),
        )

    def _fail(self, step: Step, path: str, failure: StepFailure) -> StepRecord:
        record = self.book.get(path) or StepRecord(type=step.type)
        error = error_of(failure, path)
        return self._end(
            path,
            record.model_copy(
                update={
                    "status": "failed",
                    "error": error,
                    "handled": step.on_failure in ("continue", "end"),
                    "log": error.log,
                    "cache_key": error.cache_key,
                    "completed_at": self.host.now(),
                    "wake_at": None,
                    "deadline": None,
                }
            ),
        )

    def _cancel(self, path: str) -> None:
        record = self.book.get(path) or StepRecord()
        self._end(
            path, record.model_copy(update={"status": "cancelled", "completed_at": self.host.now(), "wake_at": None})
        )

    # --- values -------------------------------------------------------------------------------------

    async def condition(self, text: str, place: Place) -> bool:
        """Return whether a condition holds. Raises StepFailure (class `expression`)."""
        known: frozenset[Reference] = frozenset()
        try:
            known = condition_references(text)
            return evaluate_condition(parse_condition(text), self.scopes.scope(known))
        except FilesNeeded:
            values = await self._evaluate({"condition": text}, ["condition"], known, place)
            return values["condition"] is True
        except ExpressionError as error:
            raise expression_failure(error, text) from error

    async def values(self, templates: dict[str, JsonValue], place: Place) -> dict[str, JsonValue]:
        """Return templates' values by name; big ones as references. Raises StepFailure (class `expression`)."""
        known: frozenset[Reference] = frozenset()
        try:
            known = references_in(templates)
            scope = self.scopes.scope(known)
            rendered = {name: render_value(template, scope) for name, template in templates.items()}
        except FilesNeeded:
            return await self._evaluate(templates, [], known, place)
        except ExpressionError as error:
            raise expression_failure(error) from error
        if all(json_size(value) <= INLINE_LIMIT for value in rendered.values()):
            return rendered
        return await self._evaluate(templates, [], known, place)

    async def text(self, template: str, place: Place) -> str:
        """Return a template as text for people; what cannot be evaluated stands as it was written."""
        try:
            value = (await self.values({"text": template}, place))["text"]
        except StepFailure:
            return template
        return value if isinstance(value, str) else template

    async def _evaluate(
        self, expressions: dict[str, JsonValue], conditions: list[str], known: frozenset[Reference], place: Place
    ) -> dict[str, JsonValue]:
        await self.host.may_start()
        return await self.host.evaluate(
            EvaluateCall(
                run=self.journal.run,
                path=place.path,
                expressions=expressions,
                conditions=conditions,
                values=self.scopes.projection(known),
                tree=place.tree,
            )
        )

    def _summary(self, step: Step) -> str | None:
        if step.summary is None:
            return None
        try:
            rendered = render_value(step.summary, self.scopes.scope(references_in(step.summary)))
        except (ExpressionError, FilesNeeded):
            return step.summary
        return str(rendered)[:200]
