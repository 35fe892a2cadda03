"""`loop`: pass after pass of a body, until a condition holds or the passes are used up.

The step's own record counts the passes; each pass has a record of its own, `fix#3`. A pass begins with the files
that the one before left. `until` sees this pass's results.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure
from definitions.records import StepRecord, StepResult
from definitions.steps import Step
from definitions.steps.control import Loop
from workflows import starts
from workflows.attempts import store
from workflows.failures import step_failure
from workflows.places import Place, RunFailed

if TYPE_CHECKING:
    from workflows.interpreter import Interpreter


async def run(interpreter: Interpreter, step: Step, loop: Loop, place: Place) -> StepRecord:
    """Make passes; return the record of the whole, whose outputs are those of the last pass."""
    record = interpreter.book.get(place.path) or interpreter.begin(step, place)
    deadline = record.deadline
    if step.timeout is not None and deadline is None:
        deadline = interpreter.host.now() + step.timeout
        interpreter.book.update(place.path, deadline=deadline)
    try:
        async with interpreter.host.time_limit(deadline):
            return await _passes(interpreter, step, loop, place)
    except TimeoutError:
        failure = StepFailure(ErrorClass.TIMEOUT, f"loop `{place.path}` took longer than its time, {step.timeout}")
    except StepFailure as caught:
        failure = caught
    except RunFailed as caught:
        interpreter.fail(step, place.path, step_failure(caught.error), is_final=True)
        raise
    except asyncio.CancelledError:
        interpreter.cancel(place.path)
        raise
    return interpreter.fail(step, place.path, failure)


async def _passes(interpreter: Interpreter, step: Step, loop: Loop, place: Place) -> StepRecord:
    book = interpreter.book
    number = (book.get(place.path) or StepRecord()).iteration or 1
    before = book.get(f"{place.path}#{number - 1}")
    tree = before.tree if before is not None and before.tree is not None else place.tree
    while True:
        book.update(place.path, iteration=number)
        record = await _one(interpreter, step, loop, place, number, tree)
        tree = record.tree if record.tree is not None else tree
        path = f"{place.path}#{number}"
        frame = place.frame.item(path, values_of(loop, number)).with_result(step.id, record, path)
        is_done = loop.until is not None and await interpreter.evaluator.condition(
            loop.until, Place(place.path, tree, frame)
        )
        if is_done or number == loop.max_iterations:
            break
        if loop.start_at:
            await starts.prepare_next(interpreter, step, loop, Place(place.path, tree, frame), number)
        book.fold(f"{place.path}#{number - 1}")
        number += 1
    if not is_done and loop.until is not None and loop.on_exhausted != "continue":
        message = f"`{step.id}` made {number} passes, and `until` is still false: {loop.until.strip()}"
        if loop.message is not None:
            message = await interpreter.evaluator.text(loop.message, Place(place.path, tree, frame))
        raise StepFailure(ErrorClass.LOOP_EXHAUSTED, message, {"max_iterations": loop.max_iterations})
    result = StepResult(outputs=record.outputs or {}, artifacts=record.artifacts, tree=tree)
    if not is_done and loop.until is not None:
        result = result.model_copy(update={"notes": [f"all {number} passes were made, and `until` is still false"]})
    documents = await store(interpreter, step, place, result)
    return interpreter.complete(step, place.path, result, documents=documents)


async def _one(
    interpreter: Interpreter, step: Step, loop: Loop, place: Place, number: int, tree: str | None
) -> StepRecord:
    """Make a pass, or read it back. Raises StepFailure with the error of the pass."""
    path = f"{place.path}#{number}"
    record = interpreter.book.ended(path)
    if record is not None:
        interpreter.read_back(path, record)
    else:
        await interpreter.host.may_start(is_long=step.queue == "agent")
        before = interpreter.book.get(f"{place.path}#{number - 1}")
        frame = place.frame.item(path, values_of(loop, number), {} if before is None else {step.id: before})
        inside = Place(path, tree, frame)
        interpreter.begin(step, inside, of=loop.max_iterations)
        record = await interpreter.body(step, inside, "pass")
    if record.status == "failed" and record.error is not None:
        raise step_failure(record.error)
    return record


def values_of(loop: Loop, number: int) -> dict[str, JsonValue]:
    """Return what the texts of a pass see beside the rest."""
    return {"loop": {"iteration": number, "max_iterations": loop.max_iterations}}
