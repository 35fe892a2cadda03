"""Undoing: when a run does not end well, the `compensate` steps of completed steps run, the last completed first.

One at a time, each with the outputs and files of the step that it undoes. Where one fails, that is recorded and the
rest goes on. Everything is found in the ledger, so undoing goes on in another history where it was left.
"""

from definitions.errors import StepFailure
from definitions.records import StepRecord
from definitions.steps import Step, WorkflowStep
from definitions.steps.control import Compensation
from workflows.frames import Frame
from workflows.interpreter import Interpreter
from workflows.iterations import item_values
from workflows.lists import run_list
from workflows.loops import values_of
from workflows.paths import Part, parts
from workflows.places import Place, RunFailed
from workflows.steps.workflow import enter


async def compensate(interpreter: Interpreter) -> None:
    """Undo what completed and says how; what ran and was not accepted too."""
    completed = [(path, record) for path, record in interpreter.book.records.items() if record.order is not None]
    for path, record in sorted(completed, key=lambda one: one[1].order or 0, reverse=True):
        if (record.status == "completed" or record.produced) and not record.compensated:
            await _undo(interpreter, path, record)


async def _undo(interpreter: Interpreter, path: str, record: StepRecord) -> None:
    found = await _locate(interpreter, path)
    if found is None:
        return
    owner, step, place = found
    how = step.compensate
    if how is None or (record.cached and how.cached == "skip"):
        return
    for inside, known in interpreter.book.below(f"{path}/compensate"):
        if known.status == "cancelled":  # the run was cancelled while it was undoing: what that ended is done anew
            interpreter.book.forget(inside)
    await _run(owner, step, how, Place(path, record.tree if record.tree is not None else place.tree, place.frame))
    interpreter.book.update(path, compensated=True)
    interpreter.host.changed()


async def _run(interpreter: Interpreter, step: Step, how: Compensation, place: Place) -> None:
    """Run the steps that undo one step, which they see as it ended; a failure stands in their own records."""
    record = interpreter.book.get(place.path) or StepRecord()
    around = place.frame.with_result(step.id, record)
    frame = around.list_of(step.id, f"{place.path}/compensate")
    try:
        await run_list(interpreter, how.steps, frame, place.tree)
    except (StepFailure, RunFailed):
        return


async def _locate(interpreter: Interpreter, path: str) -> tuple[Interpreter, Step, Place] | None:
    """Return who interprets the step at a path, the step, and the frame in which it stood."""
    frame, step = Frame(), None
    way = list(parts(path))
    for number, part in enumerate(way):
        if part.step_id not in interpreter.scopes.paths:
            return None
        step = interpreter.scopes.paths.step(part.step_id)
        frame = await _inside(interpreter, step, part, frame)
        if number == len(way) - 1:
            break
        if isinstance(step, WorkflowStep):
            interpreter, frame = await enter(interpreter, step, Place(part.path, None, frame))
        else:
            frame = frame.list_of(step.id, part.path)
    return None if step is None else (interpreter, step, Place(path, None, frame))


async def _inside(interpreter: Interpreter, step: Step, part: Part, frame: Frame) -> Frame:
    """Return the frame with the values of the item and the pass that a part of a path names."""
    if part.key is not None and step.for_each is not None:
        base = part.path.rpartition("[")[0]
        frame = frame.item(f"{base}[{part.key}]", await item_values(interpreter, step.for_each, base, part.key))
    if part.iteration is not None and step.loop is not None:
        frame = frame.item(part.path, values_of(step.loop, part.iteration))
    return frame
