"""One body of a step: attempts, by the type's own code or by an activity, with the author's retries between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import JsonValue

from definitions.errors import StepFailure
from definitions.records import StepCall, StepRecord, StepResult
from definitions.references import references_of, texts
from definitions.steps import AgentStep, Step
from workflows.failures import add_usage, error_of, retry_rules, rule_for, step_failure, wait_before
from workflows.places import Place, RunFailed
from workflows.scope import Reference

if TYPE_CHECKING:
    from workflows.interpreter import Interpreter


_AROUND_THE_ATTEMPT = frozenset({"for_each", "loop", "compensate", "store", "retry", "approval", "accept"})
"""Keys of a step that say how often it runs, who is asked, and what follows: the interpreter's matter."""


async def run(interpreter: Interpreter, step: Step, place: Place) -> StepRecord:
    """Make attempts until one goes well or none is left; return the record, completed or failed."""
    book = interpreter.book
    while True:
        record = book.get(place.path) or interpreter.begin(step, place)
        try:
            if record.wake_at is not None:
                await interpreter.host.sleep_until(record.wake_at, f"{place.path}: before attempt {record.attempt}")
                await interpreter.host.may_start()
                book.update(place.path, wake_at=None)
            result = await _attempt(interpreter, step, place)
            documents = {} if step.loop is not None else await store(interpreter, step, place, result)
        except StepFailure as failure:
            failed = _after_failure(interpreter, step, place.path, failure)
            if failed is not None:
                return failed
        except RunFailed as failure:
            interpreter.fail(step, place.path, step_failure(failure.error), is_final=True)
            raise
        except asyncio.CancelledError:
            interpreter.cancel(place.path)
            raise
        else:
            order = book.take_order() if step.compensate is not None else None
            return interpreter.complete(step, place.path, result, documents=documents, order=order)


async def store(interpreter: Interpreter, step: Step, place: Place, result: StepResult) -> dict[str, JsonValue]:
    """Return the documents that a step stores, made over its own result. Raises StepFailure (class `expression`)."""
    if not step.store:
        return {}
    from workflows.interpreter import completed

    known = interpreter.book.get(place.path) or StepRecord()
    inside = place.path if known.iteration is None else f"{place.path}#{known.iteration}"
    frame = place.frame.with_result(step.id, completed(known, result), inside)
    return await interpreter.evaluator.values(dict(step.store), Place(place.path, place.tree, frame))


async def _attempt(interpreter: Interpreter, step: Step, place: Place) -> StepResult:
    handler = interpreter.handlers.get(step.type)
    if handler is None:
        return await _activity(interpreter, step, place)
    result = await handler(interpreter, step, place)
    if not step.outputs:
        return result
    record = StepRecord(status="completed", outputs=result.outputs)
    frame = place.frame.with_result(step.id, record, place.path)
    named = await interpreter.evaluator.values(dict(step.outputs), Place(place.path, result.tree, frame))
    return result.model_copy(update={"outputs": {**result.outputs, **named}})


async def _activity(interpreter: Interpreter, step: Step, place: Place) -> StepResult:
    record = interpreter.book.get(place.path)
    call = StepCall(
        run=interpreter.journal.run,
        path=place.path,
        attempt=1 if record is None else record.attempt,
        visit=1 if record is None else record.visit,
        step=_without_control(step),
        values=interpreter.scopes.projection(_read_by(step), place.frame),
        tree=place.tree,
        answer_fields=interpreter.answer_fields.get(step.id, []) if isinstance(step, AgentStep) else [],
        spent=None if record is None else record.usage,
    )
    return await interpreter.host.run_step(call, _within_loop(step))


def _read_by(step: Step) -> frozenset[Reference]:
    """Return what the texts of an attempt refer to."""
    return references_of(text for text in texts(step) if text.path[0] not in _AROUND_THE_ATTEMPT)


def _within_loop(step: Step) -> Step:
    """Return a step as one attempt of it is: the `timeout` of a step with a loop is that of the whole."""
    return step if step.loop is None else step.model_copy(update={"timeout": None})


def _without_control(step: Step) -> dict[str, JsonValue]:
    """Return a step as its attempt needs it: how often it runs and what follows is the interpreter's matter."""
    return _within_loop(step).model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={*_AROUND_THE_ATTEMPT}
    )


def _after_failure(interpreter: Interpreter, step: Step, path: str, failure: StepFailure) -> StepRecord | None:
    """Record a failed attempt; return the record where it was the last, else None."""
    book = interpreter.book
    record = book.get(path) or StepRecord()
    error = error_of(failure, path)
    usage = add_usage(record.usage, error.usage)
    rules = retry_rules(step)
    number = rule_for(rules, failure.error_class)
    counts = [*record.rule_attempts, *[0] * (len(rules) - len(record.rule_attempts))]
    if number is not None:
        counts[number] += 1
    if number is None or counts[number] >= rules[number].max_attempts:
        book.update(path, usage=usage)
        return interpreter.fail(step, path, failure)
    book.forget_below(path)
    wait = wait_before(rules[number], counts[number], f"{interpreter.journal.run.execution_id}/{path}")
    book.update(
        path,
        attempt=record.attempt + 1,
        wake_at=interpreter.host.now() + wait,
        usage=usage,
        status="running",
        deadline=None,
        rule_attempts=counts,
    )
    interpreter.journal.write(
        "step_retrying",
        path,
        attempt=record.attempt + 1,
        max_attempts=rules[number].max_attempts,
        seconds=wait.total_seconds(),
        error=error.model_dump(mode="json", exclude_none=True),
    )
    interpreter.host.changed()
    return None
